"""How often intervals of `cost_linear` hold the truth, on devices that are no target of NASFLAT's tasks.

The weight of the noise model's shape in an interval was chosen here, so that the tasks' targets stay a test. Each
device is left out in turn; five of the others, drawn anew, are its sources.

python benchmarks/interval_coverage.py --data ../shared/data --write
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from device_tables import DeviceTable, untargeted
from report import markdown_table, write_section

from predictors import fit_cost_linear
from predictors.linear_latency import LinearLatency, half_width
from predictors.metrics import coverage
from service.benchmarks.latency_tables import read_tables
from service.benchmarks.latency_tasks import SOURCE_SAMPLES

_SHARED = Path(__file__).resolve().parents[2] / "shared"
_LEVELS: Final = (0.5, 0.8, 0.9)
_SAMPLES: Final = (10, 20, 40)
_SOURCES: Final = 5
_SCORED: Final = 1500
# What a fit's intervals could be: the shape's weight in residuals, from the number of samples.
_WEIGHTS: Final[dict[str, Callable[[int], float]]] = {
    "a quarter, at most 10": lambda samples: min(samples / 4, 10.0),
    "always 10": lambda samples: 10.0,
    "always 5": lambda samples: 5.0,
    "1 (residuals alone)": lambda samples: 1.0,
    "100,000 (shape alone)": lambda samples: 1e5,
}


def main() -> None:
    """Prints the coverages, or rewrites their section of docs/predictors.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=_SHARED / "data", help="folder with help/ and eagle/")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    tables = read_tables(arguments.data)
    body = []
    for space in ("nb201", "fbnet"):
        table = DeviceTable.of(space, tables[space], untargeted(space, tables[space]))
        covered: dict[tuple[str, int, str], list[np.ndarray]] = {}
        for seed in range(arguments.seeds):
            _run_seed(table, np.random.default_rng(seed), covered)
        for (sampler, samples, name), shares in covered.items():
            mean, unevenness = np.mean(shares, axis=0), np.abs(np.array(shares) - _LEVELS).mean(axis=0)
            figures = [*(f"{value:.3f}" for value in mean), *(f"{value:.3f}" for value in unevenness)]
            body.append([f"{space}, {len(table.devices)}", sampler, str(samples), name, *figures])
            print(*body[-1], sep=" | ", flush=True)
    if arguments.write:
        write_section("interval_coverage", _section(body, arguments.seeds), "predictors.md")


def _run_seed(table: DeviceTable, rng: np.random.Generator, covered: dict[tuple[str, int, str], list]) -> None:
    pool = rng.choice(len(table.bench.table.architectures), SOURCE_SAMPLES, replace=False)
    models = {
        device: _fit(table, device, pool[np.isfinite(table.latency_ms(device)[pool])]) for device in table.devices
    }
    for device in table.devices:
        others = [other for other in table.devices if other != device]
        sources = [models[other] for other in rng.permutation(others)[:_SOURCES]]
        for sampler in ("random", "d_optimal"):
            chosen = table.choose(device, sampler, max(_SAMPLES), rng=rng)
            for samples in _SAMPLES:  # the design is greedy: its first rows are the design of fewer
                rows = chosen[:samples]
                line = _fit(table, device, rows, sources).line
                scored = rng.permutation(table.held_out(device, rows))[:_SCORED]
                for name, weight in _WEIGHTS.items():
                    shares = _coverages(table, device, line, scored, weight(samples))
                    covered.setdefault((sampler, samples, name), []).append(shares)


def _fit(table: DeviceTable, device: str, rows: np.ndarray, sources=()):
    latency_ms = table.latency_ms(device)[rows]
    return fit_cost_linear(table.bench.space, table.bench.architectures(rows), latency_ms, sources)


def _coverages(table: DeviceTable, device: str, line: LinearLatency, rows: np.ndarray, weight: float) -> np.ndarray:
    estimate = line.estimate(table.bench.columns[rows])
    truth = table.latency_ms(device)[rows]
    shares = []
    for level in _LEVELS:
        margin = half_width(level, line.residuals, line.samples, weight) * estimate.std_ms
        shares.append(coverage(estimate.mean_ms - margin, estimate.mean_ms + margin, truth))
    return np.array(shares)


def _section(body: list[list[str]], seeds: int) -> str:
    heads = ["space, devices", "sampler", "timings", "weight", "in 50 %", "in 80 %", "in 90 %"]
    heads += ["off by, 50 %", "80 %", "90 %"]
    return f"""### Coverage of the intervals

Devices that are no task's target, each left out in turn, {_SOURCES} of the others as its sources; {seeds} seeds, a
design over a third of the architectures each. Coverage is the mean over devices and seeds; *off by* is the mean
distance between one fit's coverage and the level.

{markdown_table(heads, body)}"""


if __name__ == "__main__":
    main()

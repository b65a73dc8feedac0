"""What the columns by kind of kernel add to `cost_linear`, and what the truth about source devices could add.

The kernel columns were chosen on devices of some of NASFLAT's tasks. Here they are left out again, on those devices
and on devices that played no part in the choice: the blind ones, among them every one of Once-for-all. No model has
sources. The bound gives a target's model the sources' true latencies as columns, more than any network could know.

python benchmarks/kernel_columns.py --data ../shared/data --write
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from device_tables import DeviceTable
from report import markdown_table, write_section

from predictors.bayesian_linear import PriorGrid
from predictors.cost_linear import LOG_SOURCE_VARIANCES, prior_grid
from predictors.features import GROUPS, feature_map
from predictors.linear_latency import fit_linear_latency
from predictors.metrics import relative_errors, spearman
from service.benchmarks.latency_tables import read_tables
from service.benchmarks.tasks import TASKS
from spaces.base import FloatArray, IntArray

_SHARED = Path(__file__).resolve().parents[2] / "shared"
_SAMPLES: Final = 20
# Tasks whose sources the kernel columns were chosen on, and those whose targets were looked at later.
_CHOSEN_ON: Final = ("F3", "F4", "N3", "N4")
_LOOKED_AT: Final = ("F1", "F3", "NA")
_SPACES: Final = ("nb201", "fbnet", "ofa")


def main() -> None:
    """Prints the comparison, or rewrites its section of docs/predictors.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=_SHARED / "data", help="folder with help/ and eagle/")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    tables = read_tables(arguments.data)
    kernel_rows: list[list[str]] = []
    for space in _SPACES:
        seen = _seen(space)
        everything = DeviceTable.of(space, tables[space], tuple(sorted(tables[space].latency_ms)))
        blind = [device for device in everything.devices if device not in seen and not device.endswith("large")]
        for label, devices in (("chosen on", [d for d in everything.devices if d in seen]), ("blind", blind)):
            if devices:
                kernel_rows.append(_kernel_row(everything, label, devices, arguments.seeds))
                print(*kernel_rows[-1], sep=" | ", flush=True)
    bound_rows = []
    for name, task in TASKS.items():
        bound_rows.append(
            [
                name,
                *_bound_row(
                    DeviceTable.of(task.space, tables[task.space], task.targets), task.sources, arguments.seeds
                ),
            ]
        )
        print(*bound_rows[-1], sep=" | ", flush=True)
    if arguments.write:
        write_section("kernel_columns", _section(kernel_rows, bound_rows, arguments.seeds), "predictors.md")


def _seen(space: str) -> set[str]:
    """Devices that had a part in choosing the kernel columns."""
    sources = {device for name in _CHOSEN_ON if TASKS[name].space == space for device in TASKS[name].sources}
    return sources | {device for name in _LOOKED_AT if TASKS[name].space == space for device in TASKS[name].targets}


def _kernel_row(table: DeviceTable, label: str, devices: Sequence[str], seeds: int) -> list[str]:
    groups = feature_map(table.bench.space).groups
    with_kernels = prior_grid(groups)
    kept = np.array(groups) != GROUPS.index("kernel")
    off = with_kernels.variances.copy()
    off[:, GROUPS.index("kernel")] = 0.0
    without = PriorGrid(np.array(groups)[kept].tolist(), np.unique(off, axis=0), with_kernels.noises)
    every = table.bench.columns
    scores = np.array(
        [
            [
                [
                    _scores(table, device, rows, every[:, kept], without),
                    _scores(table, device, rows, every, with_kernels),
                ]
                for device in devices
                for rows in [table.choose(device, "random", _SAMPLES, rng=np.random.default_rng([seed, 1]))]
            ]
            for seed in range(seeds)
        ]
    ).mean(axis=0)  # (devices, without and with, metrics)
    gains = scores[:, 1, 0] - scores[:, 0, 0]
    best, worst = int(np.argmax(gains)), int(np.argmin(gains))
    means = scores.mean(axis=0)
    return [
        table.bench.task.space,
        f"{label}, {len(devices)}",
        *(f"{means[variant, metric]:.3f}" for metric in range(2) for variant in range(2)),
        f"{int((gains > 0.001).sum())} / {int((gains < -0.001).sum())}",
        f"{devices[best]}: {gains[best]:+.3f}",
        f"{devices[worst]}: {gains[worst]:+.3f}",
    ]


def _bound_row(table: DeviceTable, sources: Sequence[str], seeds: int) -> list[str]:
    truth = np.stack([table.latency_ms(device) for device in sources], axis=1)
    truth = np.where(np.isnan(truth), np.nanmean(truth, axis=0), truth)
    further = (truth - truth.mean(axis=0)) / truth.std(axis=0) / np.sqrt(len(sources))
    groups, every = feature_map(table.bench.space).groups, table.bench.columns
    grids = prior_grid(groups), prior_grid(groups, [len(sources)], [LOG_SOURCE_VARIANCES])
    both = every, np.concatenate([every, further], axis=1)
    scores = np.array(
        [
            [_scores(table, device, rows, columns, grid)[0] for columns, grid in zip(both, grids, strict=True)]
            for seed in range(seeds)
            for device in table.devices
            for rows in [table.choose(device, "random", _SAMPLES, rng=np.random.default_rng([seed, 1]))]
        ]
    ).mean(axis=0)
    return [f"{scores[0]:.3f}", f"{scores[1]:.3f}", f"{scores[1] - scores[0]:+.3f}"]


def _scores(
    table: DeviceTable, device: str, rows: IntArray, columns: FloatArray, grid: PriorGrid
) -> tuple[float, float]:
    """Spearman correlation and median error on what was not timed."""
    latency_ms = table.latency_ms(device)
    held_out = table.held_out(device, rows)
    estimate = fit_linear_latency(columns[rows], latency_ms[rows], grid).estimate(columns[held_out])
    errors = relative_errors(estimate.mean_ms, latency_ms[held_out])
    return spearman(estimate.mean_ms, latency_ms[held_out]), float(np.median(errors))


def _section(kernel_rows: list[list[str]], bound_rows: list[list[str]], seeds: int) -> str:
    heads = ["space", "devices", "Spearman without", "with", "median APE without", "with"]
    kernel_heads = [*heads, "better / worse by 0.001", "gains most", "loses most"]
    return f"""### The kernel group, and the bound on what sources can add

{_SAMPLES} random timings, {seeds} seeds, means over devices and seeds; no model has sources. *Chosen on*: devices that
had a part in choosing the kernel columns. *Blind*: all others; on Once-for-all the columns had never been tried.

{markdown_table(kernel_heads, kernel_rows)}

True latencies of all of a task's sources as columns of its targets' models, random timings, Spearman:

{markdown_table(["task", "cost columns", "and true latencies", "difference"], bound_rows)}"""


if __name__ == "__main__":
    main()

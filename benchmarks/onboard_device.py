"""Onboards each target device of the twelve NASFLAT tasks from 20 timings and scores every other architecture.

Protocol: Akhauri & Abdelfattah 2024, arXiv 2403.02446, without its faults. For each seed: 256 random architectures,
the same on every source device, fit the source models; 20 architectures of the target, chosen by the sampler, are all
that is seen of it; scores are over all its other measured architectures (without cells isomorphic to a timed one),
averaged over targets, then over seeds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from report import markdown_table, write_section
from scipy.stats import gmean
from sklearn.linear_model import Ridge

from arch_encodings import ENCODERS, has_path
from predictors import SAMPLERS, CostLinear, fit_cost_linear
from predictors.metrics import coverage, kendall, relative_errors, spearman
from service.benchmarks.latency_tables import LatencyTable, read_tables
from spaces import Architecture, Nb201, SearchSpace, get_space

_SOURCE_SAMPLES = 256
_LEVELS = (0.5, 0.8, 0.9)
_LOG_SHIFT = 20.0  # a predictor's targets are positive, and the shift leaves ranks alone
_SHARED = Path(__file__).resolve().parents[2] / "shared"


class Onboarding:
    """One task's devices on one latency table; `is_log` fits log latency instead of latency, for comparison."""

    def __init__(self, table: LatencyTable, task: dict, *, is_log: bool = False):
        self.table = table
        self.is_log = is_log
        self.space = get_space(task["space"])
        self.sources, self.targets = task["source"], task["target"]
        self.has_path = has_path(self.space, table.architectures)
        names = ENCODERS["cost"].feature_names(self.space)
        encoded = ENCODERS["cost"].encode(self.space, table.architectures)
        self.flops = encoded[:, names.index("total:macs")]
        counts = [column for column, name in enumerate(names) if name.startswith("count:")]
        self.simple = np.column_stack([encoded[:, counts], np.log(self.flops)])
        self.simple = (self.simple - self.simple.mean(axis=0)) / self.simple.std(axis=0)
        self.classes = np.array([_isomorphism_class(self.space, architecture) for architecture in table.architectures])

    def source_models(self, rng: np.random.Generator) -> list[CostLinear]:
        """A model of each source device from the same random architectures."""
        rows = rng.choice(len(self.table.architectures), _SOURCE_SAMPLES, replace=False)
        return [self.fit(device, rows) for device in self.sources]

    def fit(self, device: str, rows: np.ndarray, sources: list[CostLinear] | None = None) -> CostLinear:
        """The model of `device` from the rows that were measured on it."""
        latency_ms = self.table.latency_ms[device][rows]
        measured = rows[np.isfinite(latency_ms)]
        architectures = [self.table.architectures[row] for row in measured]
        latency_ms = self.table.latency_ms[device][measured]
        targets = np.log(latency_ms) + _LOG_SHIFT if self.is_log else latency_ms
        return fit_cost_linear(self.space, architectures, targets, sources or ())

    def choose(self, device: str, sampler: str, count: int, rng: np.random.Generator) -> np.ndarray:
        """Rows to time on `device`, among those its table has; networks without a path are not worth it."""
        rows = np.flatnonzero(np.isfinite(self.table.latency_ms[device]) & self.has_path)
        candidates = [self.table.architectures[row] for row in rows]
        row_of = dict(zip(candidates, rows, strict=True))
        chosen = SAMPLERS[sampler](self.space, candidates, [], count, rng=rng)
        return np.array([row_of[architecture] for architecture in chosen])

    def score(self, device: str, rows: np.ndarray, sources: list[CostLinear]) -> dict[str, float]:
        """Metrics of the adapted model and of two baselines on all rows but the chosen ones."""
        begin = time.perf_counter()
        model = self.fit(device, rows, sources)
        seconds = time.perf_counter() - begin
        truth = self.table.latency_ms[device]
        held_out = np.flatnonzero(np.isfinite(truth) & ~np.isin(self.classes, self.classes[rows]))
        truth = truth[held_out]
        estimate = model.predict([self.table.architectures[row] for row in held_out])
        if self.is_log:
            return {"spearman": spearman(estimate.mean_ms, truth)}
        errors = relative_errors(estimate.mean_ms, truth)
        alone = self.fit(device, rows).predict([self.table.architectures[row] for row in held_out])
        ridge = Ridge(alpha=1.0).fit(self.simple[rows], np.log(self.table.latency_ms[device][rows]))
        return {
            "spearman": spearman(estimate.mean_ms, truth),
            "kendall": kendall(estimate.mean_ms, truth),
            "mape": float(errors.mean()),
            "median_ape": float(np.median(errors)),
            **{f"coverage{level * 100:.0f}": coverage(*estimate.interval(level), truth) for level in _LEVELS},
            "adapt_seconds": seconds,
            "alone_spearman": spearman(alone.mean_ms, truth),
            "flops_spearman": spearman(self.flops[held_out], truth),
            "ridge_spearman": spearman(ridge.predict(self.simple[held_out]), truth),
        }


def _isomorphism_class(space: SearchSpace, architecture: Architecture) -> str:
    return space.isomorphism_class(architecture) if isinstance(space, Nb201) else architecture.key


def run_task(onboarding: Onboarding, sampler: str, samples: int, seeds: int) -> dict[str, Any]:
    """Mean of each metric over targets and seeds, and the Spearman correlation's deviation over seeds.

    `coverage90_by_device` has for each target its mean coverage and the worst of the seeds'.
    """
    scores: dict[str, list[float]] = {}
    covered: dict[str, list[float]] = {device: [] for device in onboarding.targets}
    for seed in range(seeds):
        source_rng, sampler_rng = np.random.default_rng(seed).spawn(2)
        sources = onboarding.source_models(source_rng)
        per_target = [
            onboarding.score(device, onboarding.choose(device, sampler, samples, sampler_rng), sources)
            for device in onboarding.targets
        ]
        for device, target in zip(onboarding.targets, per_target, strict=True):
            covered[device].append(target.get("coverage90", np.nan))
        for metric in per_target[0]:
            scores.setdefault(metric, []).append(float(np.mean([target[metric] for target in per_target])))
    means = {metric: float(np.mean(values)) for metric, values in scores.items()}
    return {
        **means,
        "spearman_std": float(np.std(scores["spearman"], ddof=1)) if seeds > 1 else 0.0,
        "coverage90_by_device": {device: [float(np.mean(c)), min(c)] for device, c in covered.items()},
    }


def main() -> None:
    """Runs the tasks and prints one JSON object each, or rewrites the section of docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=_SHARED / "data", help="folder with help/ and eagle/")
    parser.add_argument("--tasks", type=Path, default=_SHARED / "specs" / "nasflat_tasks.json")
    parser.add_argument("--task", action="append", help="only this one; repeatable")
    parser.add_argument(
        "--sampler", action="append", choices=sorted(SAMPLERS), help="repeatable; random and d_optimal unless given"
    )
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--log", action="store_true", help="fit log latency as well, for comparison")
    parser.add_argument("--write", action="store_true", help="rewrite docs/benchmarks.md")
    arguments = parser.parse_args()

    specification = json.loads(arguments.tasks.read_text(encoding="utf-8"))
    tables = read_tables(arguments.data)
    results: dict[str, dict[str, dict[str, Any]]] = {}
    for name in arguments.task or specification["tasks"]:
        task = specification["tasks"][name]
        onboarding = Onboarding(tables[task["space"]], task)
        for sampler in arguments.sampler or ("random", "d_optimal"):
            result = run_task(onboarding, sampler, arguments.samples, arguments.seeds)
            if arguments.log:
                log_onboarding = Onboarding(tables[task["space"]], task, is_log=True)
                logged = run_task(log_onboarding, sampler, arguments.samples, arguments.seeds)
                result["log_spearman"] = logged["spearman"]
            results.setdefault(name, {})[sampler] = result
            head = {"task": name, "predictor": "cost_linear", "sampler": sampler, "samples": arguments.samples}
            print(json.dumps({**head, "seeds": arguments.seeds, **result}), flush=True)
    if arguments.write:
        write_section("onboard_device", _section(results, specification["published_spearman"], arguments))


def _section(results: dict, published: dict, arguments: argparse.Namespace) -> str:
    samplers = list(next(iter(results.values())))
    compared = {"alone_spearman": "without sources"} | ({"log_spearman": "on log latency"} if arguments.log else {})
    ranks = [
        [
            name,
            *(f"{by_sampler[s]['spearman']:.3f} ± {by_sampler[s]['spearman_std']:.3f}" for s in samplers),
            *(f"{published[method][name]:.3f}" for method in ("NASFLAT", "MultiPredict", "HELP")),
            *(f"{by_sampler[s][key]:.3f}" for key in compared for s in samplers),
            f"{by_sampler[samplers[0]]['ridge_spearman']:.3f}",
            f"{by_sampler[samplers[0]]['flops_spearman']:.3f}",
        ]
        for name, by_sampler in results.items()
    ]
    for prefix in ("N", "F"):
        names = [name for name in results if name.startswith(prefix)]
        if names:
            ranks.append(_mean_row(f"{prefix}, geometric mean", names, results, published, samplers, list(compared)))
    details = [
        [
            name,
            sampler,
            *(f"{row[key]:.3f}" for key in ("kendall", "mape", "median_ape", "coverage50", "coverage80", "coverage90")),
            _hardest(row["coverage90_by_device"]),
            f"{row['adapt_seconds'] * 1000:.0f}",
        ]
        for name, by_sampler in results.items()
        for sampler, row in by_sampler.items()
    ]
    header = [
        "task",
        *(f"cost_linear, {sampler}" for sampler in samplers),
        *("NASFLAT", "MultiPredict", "HELP"),
        *(f"{label}, {sampler}" for label in compared.values() for sampler in samplers),
        *("ridge", "FLOPs"),
    ]
    columns = ["task", "sampler", "Kendall", "MAPE", "median APE", "in 50 %", "in 80 %", "in 90 %"]
    columns += ["least covered: in 90 %, worst seed", "adaptation, ms"]
    return f"""### A new device from {arguments.samples} timings

Spearman correlation over every measured architecture that was not timed (nor, in NB201, isomorphic to a timed one),
mean over target devices, then mean ± standard deviation over {arguments.seeds} seeds. Published columns: 20 samples,
from the papers' tables. Ridge (operation counts and log FLOPs, log latency, alpha 1) and FLOPs use the same split as
the first column; "without sources" knows the timings alone, and "on log latency", where it is asked for,
is fitted to the logarithm. The sampler d_optimal is what
`GET /devices/{{name}}/suggestions` uses.

{markdown_table(header, ranks)}

Adaptation includes reading the encodings, on one core. The MAPE of ND and N2 is carried by pixel3 and raspi4, whose
runtime folds the 341 cells without a path to microseconds; the median says what a working network gets. The interval's
level is met on average and not on each device: of each task the device that it covers least is named, with the mean
over seeds and the worst seed.

{markdown_table(columns, details)}"""


def _hardest(by_device: dict[str, list[float]]) -> str:
    device = min(by_device, key=lambda name: by_device[name][0])
    mean, worst = by_device[device]
    return f"{device}: {mean:.3f}, {worst:.3f}"


def _mean_row(
    label: str, names: list[str], results: dict, published: dict, samplers: list[str], compared: list[str]
) -> list[str]:
    def mean(value: Callable[[str], float]) -> str:
        return f"{gmean([value(name) for name in names]):.3f}"

    first = samplers[0]
    return [
        f"**{label}**",
        *(mean(lambda name, s=sampler: results[name][s]["spearman"]) for sampler in samplers),
        *(mean(lambda name, m=method: published[m][name]) for method in ("NASFLAT", "MultiPredict", "HELP")),
        *(mean(lambda name, s=s, key=key: results[name][s][key]) for key in compared for s in samplers),
        mean(lambda name: results[name][first]["ridge_spearman"]),
        mean(lambda name: results[name][first]["flops_spearman"]),
    ]


if __name__ == "__main__":
    main()

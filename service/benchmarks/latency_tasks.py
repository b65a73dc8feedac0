"""Adapts predictors to each target device of a NASFLAT task and scores every other architecture.

Protocol: Akhauri & Abdelfattah 2024, arXiv 2403.02446, without its faults. For each seed: 256 random architectures,
the same on every source device, are all that is known of the sources; the samples, chosen by the sampler among
architectures with a path, are all that is seen of a target. Scores are over all its other measured architectures, in
NAS-Bench-201 without cells isomorphic to a sample, averaged over targets, then over seeds. What is trained on sources
is trained anew for each task and seed, so no network has seen a target.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from arch_encodings import ENCODERS, has_path
from predictors import (
    SAMPLERS,
    CostLinear,
    LatencyPredictor,
    SourceLatencies,
    choose,
    fit_cost_linear,
    fit_graph_linear,
    fit_nasflat,
    fit_nasflat_fine_tuned,
)
from predictors.metrics import coverage, kendall, relative_errors, spearman
from predictors.samplers import Encode, design_features
from service.benchmarks.baselines import BASELINES, regress
from service.benchmarks.latency_splits import Splits
from service.benchmarks.latency_tables import LatencyTable
from service.benchmarks.tasks import Task
from spaces import Architecture, Nb201, SearchSpace, get_space
from spaces.base import FloatArray, IntArray

SOURCE_SAMPLES: Final = 256
LEVELS: Final = (50, 80, 90)
# `d_optimal` with the columns of the source devices' predicted latencies beside its own.
D_OPTIMAL_SOURCES: Final = "d_optimal_sources"
# The samples of given splits.
GIVEN: Final = "given"
SAMPLER_NAMES: Final = (*sorted(SAMPLERS), D_OPTIMAL_SOURCES)
OnStep = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """One task on its latency table."""

    task: Task
    table: LatencyTable
    space: SearchSpace
    has_path: np.ndarray
    classes: np.ndarray
    flops: FloatArray
    one_hot: FloatArray

    @classmethod
    def of(cls, task: Task, table: LatencyTable) -> Bench:
        """Everything that does not depend on a seed."""
        space, architectures = get_space(task.space), table.architectures
        encoded = ENCODERS["cost"].encode(space, architectures)
        return cls(
            task=task,
            table=table,
            space=space,
            has_path=has_path(space, architectures),
            classes=np.array([_class_of(space, architecture) for architecture in architectures]),
            flops=encoded[:, ENCODERS["cost"].feature_names(space).index("total:macs")],
            one_hot=ENCODERS["one_hot"].encode(space, architectures),
        )

    def architectures(self, rows: IntArray) -> list[Architecture]:
        """Of these rows of the table."""
        return [self.table.architectures[row] for row in rows.tolist()]


class Sources:
    """What one seed knows of the source devices; nothing is trained before it is asked for."""

    def __init__(self, bench: Bench, rows: IntArray):
        self._bench = bench
        latency_ms = np.stack([bench.table.latency_ms[device][rows] for device in bench.task.sources], axis=1)
        self._table = SourceLatencies(bench.space, bench.architectures(rows), bench.task.sources, latency_ms)

    @cached_property
    def linear(self) -> list[CostLinear]:
        """A model of each device."""
        models = []
        for column in self._table.latency_ms.T:
            known = np.flatnonzero(np.isfinite(column))
            timed = [self._table.architectures[row] for row in known.tolist()]
            models.append(fit_cost_linear(self._bench.space, timed, column[known]))
        return models

    @cached_property
    def trunk(self) -> Any:
        """The graph network with an output for each device."""
        from predictors.graph.pretrained import pretrain_trunk

        return pretrain_trunk(self._table)

    @cached_property
    def nasflat(self) -> Any:
        """NASFLAT's network."""
        from predictors.graph.pretrained import pretrain_nasflat

        return pretrain_nasflat(self._table)

    def encode(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Columns for a design: its own, and those of the source devices with as much variance together."""
        own = design_features(self._bench.space, architectures)
        return np.concatenate([own, self.trunk.columns(architectures)], axis=1)


Fit = Callable[[Sources, SearchSpace, list[Architecture], FloatArray], LatencyPredictor]


def _fit_auto(
    sources: Sources, space: SearchSpace, timed: list[Architecture], latency_ms: FloatArray
) -> CostLinear | Any:
    linear = fit_cost_linear(space, timed, latency_ms, sources.linear)
    return choose([linear, fit_graph_linear(sources.trunk, timed, latency_ms)])


FITS: Final[dict[str, Fit]] = {
    "auto": _fit_auto,
    "cost_linear": lambda sources, space, timed, ms: fit_cost_linear(space, timed, ms, sources.linear),
    "graph_linear": lambda sources, space, timed, ms: fit_graph_linear(sources.trunk, timed, ms),
    "nasflat": lambda sources, space, timed, ms: fit_nasflat(sources.nasflat, timed, ms),
    "nasflat_fine_tuned": lambda sources, space, timed, ms: fit_nasflat_fine_tuned(sources.nasflat, timed, ms),
}
_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "auto": ("linear", "trunk"),
    "graph_linear": ("trunk",),
    "nasflat": ("nasflat",),
    "nasflat_fine_tuned": ("nasflat",),
}
FLOPS: Final = "flops"
PREDICTOR_NAMES: Final = (*FITS, FLOPS, *BASELINES)


def run_task(
    bench: Bench,
    predictors: Sequence[str],
    samplers: Sequence[str],
    samples: int,
    seeds: int,
    on_step: OnStep = lambda step: None,
    splits: Splits | None = None,
) -> list[dict[str, Any]]:
    """A row for each predictor and sampler: means over target devices and seeds; None for what a baseline lacks.

    Args: splits: in the place of random sources and of what the sampler chooses; the only sampler is then `GIVEN`.
    """
    scores: dict[tuple[str, str], list[list[dict[str, float]]]] = {}
    for seed in range(seeds):
        source_rng, *sampler_rngs = np.random.default_rng(seed).spawn(1 + len(SAMPLER_NAMES))
        drawn = source_rng.choice(len(bench.table.architectures), SOURCE_SAMPLES, replace=False)
        sources = Sources(bench, splits.source_rows(bench.task.name, seed) if splits else drawn)
        for sampler in [GIVEN] if splits else samplers:
            if splits:
                chosen = splits.timed_rows(bench.task.name, seed)
            else:
                rng = sampler_rngs[SAMPLER_NAMES.index(sampler)]
                encode = sources.encode if sampler == D_OPTIMAL_SOURCES else None
                chosen = {d: _choose(bench, d, sampler, samples, encode, rng) for d in bench.task.targets}
            for predictor in predictors:
                on_step(f"{bench.task.name}, seed {seed}: {predictor}, {sampler}")
                per_target = [_score(bench, sources, predictor, d, rows) for d, rows in chosen.items()]
                scores.setdefault((predictor, sampler), []).append(per_target)
    return [
        {
            "task": bench.task.name,
            "predictor": predictor,
            "sampler": sampler,
            "samples": samples,
            "seeds": seeds,
            **_means(scores[predictor, sampler]),
        }
        for predictor, sampler in scores
    ]


def _means(scores: list[list[dict[str, float]]]) -> dict[str, float | None]:
    """Over targets, then over seeds; `spearman_std` over seeds."""
    metrics = ("spearman", "kendall", "mape", "median_ape", *(f"coverage{level}" for level in LEVELS), "adapt_seconds")
    per_seed = {
        metric: [float(np.mean([target[metric] for target in targets])) for targets in scores]
        for metric in metrics
        if metric in scores[0][0]
    }
    means = {metric: float(np.mean(per_seed[metric])) if metric in per_seed else None for metric in metrics}
    deviation = float(np.std(per_seed["spearman"], ddof=1)) if len(scores) > 1 else 0.0
    return {**means, "spearman_std": deviation}


def _choose(
    bench: Bench, device: str, sampler: str, count: int, encode: Encode | None, rng: np.random.Generator
) -> IntArray:
    rows = np.flatnonzero(np.isfinite(bench.table.latency_ms[device]) & bench.has_path)
    candidates = bench.architectures(rows)
    row_of = dict(zip(candidates, rows.tolist(), strict=True))
    name = "d_optimal" if sampler == D_OPTIMAL_SOURCES else sampler
    chosen = SAMPLERS[name](bench.space, candidates, [], count, rng=rng, encode=encode)
    return np.array([row_of[architecture] for architecture in chosen])


def _score(bench: Bench, sources: Sources, predictor: str, device: str, rows: IntArray) -> dict[str, float]:
    """Metrics on all rows that are measured and not isomorphic to a sample."""
    latency_ms = bench.table.latency_ms[device]
    held_out = np.flatnonzero(np.isfinite(latency_ms) & ~np.isin(bench.classes, bench.classes[rows]))
    truth = latency_ms[held_out]
    if predictor == FLOPS:
        return {"spearman": spearman(bench.flops[held_out], truth), "kendall": kendall(bench.flops[held_out], truth)}
    if predictor in BASELINES:
        begin = time.perf_counter()
        logs = regress(predictor, bench.one_hot, rows, np.log(latency_ms[rows]))
        return {**_point_scores(np.exp(logs[held_out]), truth), "adapt_seconds": time.perf_counter() - begin}
    _prepare(sources, predictor)
    begin = time.perf_counter()
    fitted = FITS[predictor](sources, bench.space, bench.architectures(rows), latency_ms[rows])
    seconds = time.perf_counter() - begin
    estimate = fitted.predict(bench.architectures(held_out))
    covered = {f"coverage{level}": coverage(*estimate.interval(level / 100), truth) for level in LEVELS}
    return {**_point_scores(estimate.mean_ms, truth), **covered, "adapt_seconds": seconds}


def _prepare(sources: Sources, predictor: str) -> None:
    """Train what the predictor needs of the sources, which is no part of adapting to a device."""
    for need in _NEEDS.get(predictor, ("linear",)):
        getattr(sources, need)


def _point_scores(predicted_ms: FloatArray, truth: FloatArray) -> dict[str, float]:
    errors = relative_errors(predicted_ms, truth)
    return {
        "spearman": spearman(predicted_ms, truth),
        "kendall": kendall(predicted_ms, truth),
        "mape": float(errors.mean()),
        "median_ape": float(np.median(errors)),
    }


def _class_of(space: SearchSpace, architecture: Architecture) -> str:
    return space.isomorphism_class(architecture) if isinstance(space, Nb201) else architecture.key

"""Adapts predictors to each target device of a NASFLAT task and scores every other architecture.

Protocol: Akhauri & Abdelfattah 2024, arXiv 2403.02446, without its faults. For each seed: 256 random architectures,
the same on every source device, are all that is known of the sources; the samples, chosen by the sampler among
architectures with a path, are all that is seen of a target. Scores are over all its other measured architectures, in
NAS-Bench-201 without cells isomorphic to a sample, averaged over targets, then over seeds. What is trained on sources
is trained anew for each task and seed, so no network has seen a target. Fewer random samples are the first of more.
Adapting is timed in seconds of one core, which other work on the machine does not lengthen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from arch_encodings import ENCODERS, Encoder, has_path
from predictors import (
    SAMPLERS,
    CostLinear,
    GraphLinear,
    LatencyEstimate,
    LatencyPredictor,
    SourceLatencies,
    choose,
    fit_cost_linear,
    fit_graph_linear,
    fit_nasflat,
    fit_nasflat_fine_tuned,
)
from predictors.features import feature_map
from predictors.graph import NasflatSettings
from predictors.samplers import design_features
from service.benchmarks.baselines import BASELINES, regress
from service.benchmarks.latency_scores import Scores, estimate_scores, mean_scores, point_scores, rank_scores
from service.benchmarks.latency_splits import Splits
from service.benchmarks.latency_tables import LatencyTable
from service.benchmarks.published_encoders import published_encoders
from service.benchmarks.tasks import Task
from spaces import Architecture, SearchSpace, get_space
from spaces.base import FloatArray, IntArray, class_of

if TYPE_CHECKING:
    from predictors.graph.pretrained import PretrainedNasflat

SOURCE_SAMPLES: Final = 256
# `d_optimal` with the columns of the source devices' predicted latencies beside its own.
D_OPTIMAL_SOURCES: Final = "d_optimal_sources"
# The samples of given splits.
GIVEN: Final = "given"
SAMPLER_NAMES: Final = (*sorted(SAMPLERS), D_OPTIMAL_SOURCES)
OnStep = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """One task on its latency table.

    Attributes:
        columns: (n, d) of the space's feature map, read once for all models.
        row_of: architecture -> its row of the table.
        encoders: what NASFLAT's network may read at its head, by name.
    """

    task: Task
    table: LatencyTable
    space: SearchSpace
    has_path: np.ndarray
    classes: np.ndarray
    flops: FloatArray
    one_hot: FloatArray
    columns: FloatArray
    row_of: dict[Architecture, int]
    encoders: Mapping[str, Encoder] = field(default_factory=lambda: ENCODERS)

    @classmethod
    def of(cls, task: Task, table: LatencyTable, encoders: Mapping[str, Encoder] = ENCODERS) -> Bench:
        """Everything that does not depend on a seed."""
        space, architectures = get_space(task.space), table.architectures
        encoded = ENCODERS["cost"].encode(space, architectures)
        return cls(
            task=task,
            table=table,
            space=space,
            has_path=has_path(space, architectures),
            classes=np.array([class_of(space, architecture) for architecture in architectures]),
            flops=encoded[:, ENCODERS["cost"].feature_names(space).index("total:macs")],
            one_hot=ENCODERS["one_hot"].encode(space, architectures),
            columns=feature_map(space)(architectures),
            row_of={architecture: row for row, architecture in enumerate(architectures)},
            encoders=encoders,
        )

    def architectures(self, rows: IntArray) -> list[Architecture]:
        """Of these rows of the table."""
        return [self.table.architectures[row] for row in rows.tolist()]


def open_bench(task: Task, tables: Mapping[str, LatencyTable], data: Path, predictors: Iterable[str]) -> Bench:
    """A task on its table under the reference data's folder.

    Proxies take seconds for each architecture, so predictors that read some get the published ones.
    """
    table = tables[task.space]
    if not any(NASFLATS.get(name) in _WITH_PROXIES for name in predictors):
        return Bench.of(task, table)
    encoders = published_encoders(data / "zero_cost", get_space(task.space), table.architectures)
    return Bench.of(task, table, encoders)


class Sources:
    """What one seed knows of the source devices; nothing is trained before it is asked for."""

    def __init__(self, bench: Bench, rows: IntArray):
        self._bench = bench
        self._nasflat: dict[str, PretrainedNasflat] = {}
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

    def nasflat(self, encoding: str = "") -> PretrainedNasflat:
        """NASFLAT's network, with a supplementary encoding at its head if one is named."""
        from predictors.graph.pretrained import pretrain_nasflat

        if encoding not in self._nasflat:
            settings = NasflatSettings(encoding=encoding)
            self._nasflat[encoding] = pretrain_nasflat(self._table, settings, encoders=self._bench.encoders)
        return self._nasflat[encoding]

    @cached_property
    def trunk_columns(self) -> FloatArray:
        """(n, m) of the trunk, for every architecture of the table."""
        return self.trunk.columns(self._bench.table.architectures)

    def encode(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Columns for a design: its own, and those of the source devices with as much variance together."""
        own = design_features(self._bench.space, architectures)
        return np.concatenate([own, self.trunk_columns[[self._bench.row_of[one] for one in architectures]]], axis=1)


Fit = Callable[[Sources, SearchSpace, list[Architecture], FloatArray], LatencyPredictor]
# Predictor -> supplementary encoding of its network: none, those of NASFLAT's paper, and the costs.
_WITH_PROXIES: Final = ("zcp", "caz")
_ENCODINGS: Final = ("", "cost", "arch2vec", "cate", *_WITH_PROXIES)
NASFLATS: Final[Mapping[str, str]] = {
    "_".join(filter(None, (name, encoding))): encoding
    for name, encoding in product(("nasflat", "nasflat_fine_tuned"), _ENCODINGS)
}


def _fit_nasflat(name: str) -> Fit:
    fit = fit_nasflat_fine_tuned if name.startswith("nasflat_fine_tuned") else fit_nasflat
    return lambda sources, space, timed, ms: fit(sources.nasflat(NASFLATS[name]), timed, ms)


def _train_nasflat(name: str) -> Callable[[Sources], object]:
    return lambda sources: sources.nasflat(NASFLATS[name])


FITS: Final[dict[str, Fit]] = {
    "cost_linear": lambda sources, space, timed, ms: fit_cost_linear(space, timed, ms, sources.linear),
    "cost_linear_alone": lambda sources, space, timed, ms: fit_cost_linear(space, timed, ms),
    "graph_linear": lambda sources, space, timed, ms: fit_graph_linear(sources.trunk, timed, ms),
    **{name: _fit_nasflat(name) for name in NASFLATS},
}
# What of the sources a predictor rests on; training it is no part of adapting to a device.
_NEEDS: Final[Mapping[str, Callable[[Sources], object]]] = {
    "cost_linear": lambda sources: sources.linear,
    "graph_linear": lambda sources: sources.trunk,
    **{name: _train_nasflat(name) for name in NASFLATS},
}
AUTO: Final = "auto"
_AUTO_OF: Final = ("cost_linear", "graph_linear")
FLOPS: Final = "flops"
PREDICTOR_NAMES: Final = (AUTO, *FITS, FLOPS, *BASELINES)
_SOURCELESS: Final = ("cost_linear_alone", FLOPS, *BASELINES)
# (predictor, device, rows timed) -> scores.
Sourceless = dict[tuple[str, str, bytes], Scores]


class Target:
    """A device with its timings; each predictor is fitted and scored once, on rows not isomorphic to a timed one."""

    def __init__(self, bench: Bench, sources: Sources, device: str, rows: IntArray, sourceless: Sourceless):
        self._bench = bench
        self._device = device
        self._sourceless = sourceless
        self._sources = sources
        self._rows = rows
        latency_ms = bench.table.latency_ms[device]
        self._latency_ms = latency_ms[rows]
        self._held_out = np.flatnonzero(np.isfinite(latency_ms) & ~np.isin(bench.classes, bench.classes[rows]))
        self._truth = latency_ms[self._held_out]
        self._adapted: dict[str, tuple[LatencyPredictor, Scores]] = {}

    def scores(self, predictor: str) -> Scores:
        """Of one predictor; without sources, equal samples give equal scores whatever the seed."""
        if predictor not in _SOURCELESS:
            return self._learned(predictor)
        key = predictor, self._device, self._rows.tobytes()
        if key not in self._sourceless:
            self._sourceless[key] = self._baseline(predictor)
        return self._sourceless[key]

    def _baseline(self, predictor: str) -> Scores:
        if predictor == FLOPS:
            return rank_scores(self._bench.flops[self._held_out], self._truth)
        if predictor not in BASELINES:
            return self._learned(predictor)
        begin = time.process_time()
        logs = regress(predictor, self._bench.one_hot, self._rows, np.log(self._latency_ms))
        seconds = time.process_time() - begin
        return {**point_scores(np.exp(logs[self._held_out]), self._truth), "adapt_seconds": seconds}

    def _learned(self, predictor: str) -> Scores:
        if predictor == AUTO:
            parts = [self._adapt(part) for part in _AUTO_OF]
            chosen = choose(cast("CostLinear | GraphLinear", fitted) for fitted, _ in parts)
            [scores] = [scores for fitted, scores in parts if fitted is chosen]
            return {**scores, "adapt_seconds": sum(scores["adapt_seconds"] for _, scores in parts)}
        return self._adapt(predictor)[1]

    def _adapt(self, predictor: str) -> tuple[LatencyPredictor, Scores]:
        if predictor not in self._adapted:
            timed = self._bench.architectures(self._rows)
            _prepare(self._sources, predictor)
            begin = time.process_time()
            fitted = FITS[predictor](self._sources, self._bench.space, timed, self._latency_ms)
            seconds = time.process_time() - begin
            scores = estimate_scores(self._estimate(fitted), self._truth)
            self._adapted[predictor] = fitted, {**scores, "adapt_seconds": seconds}
        return self._adapted[predictor]

    def _estimate(self, fitted: LatencyPredictor) -> LatencyEstimate:
        """What `fitted.predict` says of the held-out rows; columns that are known already are not read again."""
        if not isinstance(fitted, CostLinear | GraphLinear):
            return fitted.predict(self._bench.architectures(self._held_out))
        columns = self._bench.columns[self._held_out]
        if isinstance(fitted, GraphLinear):
            columns = np.concatenate([columns, self._sources.trunk_columns[self._held_out]], axis=1)
        return fitted.line.estimate(columns)


def run_task(
    bench: Bench,
    predictors: Sequence[str],
    samplers: Sequence[str],
    samples: Sequence[int],
    seeds: int,
    on_step: OnStep = lambda step: None,
    splits: Splits | None = None,
) -> list[dict[str, Any]]:
    """A row for each number of samples, sampler and predictor: see `mean_scores`.

    Args: splits: in the place of random sources and of what samplers choose; the only sampler is then `GIVEN`, and
        `samples` is how many they hold.
    """
    scores: dict[tuple[int, str, str], list[dict[str, Scores]]] = {}
    known: Designs = {}
    sourceless: Sourceless = {}
    for seed in range(seeds):
        drawn = _streams(seed)[0].choice(len(bench.table.architectures), SOURCE_SAMPLES, replace=False)
        sources = Sources(bench, splits.source_rows(bench.task.name, seed) if splits else drawn)
        for count, sampler in [(samples[0], GIVEN)] if splits else product(samples, samplers):
            on_step(f"{bench.task.name}, seed {seed}: {count} of {sampler}")
            if splits:
                chosen = splits.timed_rows(bench.task.name, seed)
            else:
                rng = _streams(seed)[1 + SAMPLER_NAMES.index(sampler)]
                chosen = {
                    device: _choose(bench, device, sampler, count, sources, rng, known) for device in bench.task.targets
                }
            targets = {device: Target(bench, sources, device, rows, sourceless) for device, rows in chosen.items()}
            for predictor in predictors:
                own = {device: target.scores(predictor) for device, target in targets.items()}
                scores.setdefault((count, sampler, predictor), []).append(own)
    return [
        {
            "task": bench.task.name,
            "predictor": predictor,
            "sampler": sampler,
            "samples": count,
            "seeds": seeds,
            **mean_scores(bench.task.name, scores[count, sampler, predictor]),
        }
        for count, sampler, predictor in scores
    ]


def _streams(seed: int) -> list[np.random.Generator]:
    """Of the sources, then of each sampler: what one draws does not depend on which others are asked for."""
    return np.random.default_rng(seed).spawn(1 + len(SAMPLER_NAMES))


# (number, candidates) -> the rows that `d_optimal` takes, which depend on nothing else.
Designs = dict[tuple[int, bytes], IntArray]


def _choose(
    bench: Bench, device: str, sampler: str, count: int, sources: Sources, rng: np.random.Generator, known: Designs
) -> IntArray:
    rows = np.flatnonzero(np.isfinite(bench.table.latency_ms[device]) & bench.has_path)
    key = count, rows.tobytes()
    if sampler == "d_optimal" and key in known:
        return known[key]
    candidates = bench.architectures(rows)
    name, encode = ("d_optimal", sources.encode) if sampler == D_OPTIMAL_SOURCES else (sampler, None)
    chosen = np.array(
        [bench.row_of[taken] for taken in SAMPLERS[name](bench.space, candidates, [], count, rng=rng, encode=encode)]
    )
    if sampler == "d_optimal":
        known[key] = chosen
    return chosen


def _prepare(sources: Sources, predictor: str) -> None:
    """Train what the predictor needs of the sources, which is no part of adapting to a device."""
    if predictor in _NEEDS:
        _NEEDS[predictor](sources)

"""Adds to each member of a front what was given up for what, and the probability that it belongs there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from service.accuracy_source import AccuracySource
from service.codesign import Codesign
from service.device_costs import DeviceCosts, MeasuredCosts
from service.search_metrics import split_name
from service.searched_devices import SearchedDevices
from spaces import Architecture
from spaces.base import FloatArray

if TYPE_CHECKING:
    from search import Problem, SearchResult

_DRAWS: Final = 400
# Draws of accuracies know their distribution at these levels, and nothing further out.
_LEVELS: Final = (0.01, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98)


def explanations(
    problem: Problem, result: SearchResult, devices: SearchedDevices, accuracy: AccuracySource | None, seed: int
) -> list[dict[str, Any]]:
    """For each member of the front: `exchanges`, and `non_dominated_probability` where something is predicted.

    The probability is over new measurements, against the other members alone. Errors of one device's latencies go
    together as its predictor's posterior says; errors of several devices and of accuracies are independent, which makes
    places look less sure than they are; and what has no distribution (a table's accuracies, the size that stands in for
    them, models of simulated devices, measurements) is taken as it is.
    """
    from search.explain import exchanges, non_dominated_share

    names = list(problem.objectives)
    architectures = [candidate.architecture for candidate in result.front]
    values = np.array([[candidate.values[name] for name in names] for candidate in result.front]).reshape(
        -1, len(names)
    )
    rows: list[dict[str, Any]] = [
        {
            "exchanges": [
                {"objective": each.objective, "architecture": architectures[each.to].key, "changes": dict(each.changes)}
                for each in of_member
            ]
        }
        for of_member in exchanges(names, values, problem.maximise)
    ]
    draws = np.repeat(values[None], _DRAWS, axis=0)
    rng = np.random.default_rng(seed)
    is_uncertain = False
    for column, name in enumerate(names):
        metric, device = split_name(name)
        drawn = None
        if metric == "latency_ms" and rows:
            costs = devices.first if device is None else devices.costs[device]
            drawn = _latency_draws(costs, architectures, rng)
        elif metric == "accuracy" and accuracy is not None and rows:
            inner = devices.first.space.split if isinstance(devices.first, Codesign) else None
            networks = [inner(each)[0] for each in architectures] if inner else architectures
            drawn = _accuracy_draws(accuracy, networks, rng)
        if drawn is not None:
            draws[:, :, column], is_uncertain = drawn, True
    if is_uncertain:
        for row, share in zip(rows, non_dominated_share(draws, problem.maximise).tolist(), strict=True):
            row["non_dominated_probability"] = share
    return rows


def _latency_draws(
    costs: DeviceCosts, architectures: Sequence[Architecture], rng: np.random.Generator
) -> FloatArray | None:
    """(draws, n) latencies in ms, measured ones always the same; None for a device whose latencies have no spread."""
    if not isinstance(costs, MeasuredCosts):
        return None
    drawn = costs.predictor.predict(architectures).draw(_DRAWS, rng=rng)
    for index, architecture in enumerate(architectures):
        if architecture.key in costs.measured_ms:
            drawn[:, index] = costs.measured_ms[architecture.key]
    return drawn


def _accuracy_draws(
    accuracy: AccuracySource, architectures: Sequence[Architecture], rng: np.random.Generator
) -> FloatArray | None:
    """(draws, n) accuracies, known ones always the same; None where nothing is predicted in %."""
    known = np.array([accuracy.table.get(each.key, np.nan) for each in architectures])
    unknown = np.flatnonzero(np.isnan(known))
    if accuracy.predictor is None or not len(unknown):
        return None
    estimate = accuracy.predictor.predictor.predict([architectures[row] for row in unknown.tolist()])
    bounds = [estimate.interval(level) for level in _LEVELS]
    quantiles = np.array([*(lower for lower, _ in reversed(bounds)), *(upper for _, upper in bounds)])
    probabilities = [*((1 - level) / 2 for level in reversed(_LEVELS)), *((1 + level) / 2 for level in _LEVELS)]
    drawn = np.repeat(known[None], _DRAWS, axis=0)
    for column, row in enumerate(unknown.tolist()):
        drawn[:, row] = np.interp(rng.random(_DRAWS), probabilities, quantiles[:, column])
    return drawn

"""Adds to each member of a front what was given up for what, and the probability that it belongs there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from service.device_costs import DeviceCosts, MeasuredCosts
from service.search_metrics import split_name
from service.searched_devices import SearchedDevices
from spaces import Architecture
from spaces.base import FloatArray

if TYPE_CHECKING:
    from search import Problem, SearchResult

_DRAWS: Final = 400


def explanations(problem: Problem, result: SearchResult, devices: SearchedDevices, seed: int) -> list[dict[str, Any]]:
    """For each member of the front: `exchanges`, and `non_dominated_probability` where a latency is predicted.

    The probability is over new measurements of the latencies, against the other members alone. Errors of one device go
    together as its predictor's posterior says, those of several devices are independent, and values that have no
    distribution (accuracies, models of simulated devices, measurements) are taken as they are.
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
        if metric == "latency_ms" and rows:
            costs = devices.first if device is None else devices.costs[device]
            drawn = _latency_draws(costs, architectures, rng)
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

"""Explains a front: what each member gives up for what, and how sure its place is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from search.pareto import non_dominated
from spaces.base import FloatArray


@dataclass(frozen=True, slots=True)
class Exchange:
    """The nearest way to more of one objective.

    Attributes:
        objective: what gets better.
        to: place of the other member in the front.
        changes: for each objective its value there minus its value here.
    """

    objective: str
    to: int
    changes: Mapping[str, float]


def exchanges(names: Sequence[str], values: FloatArray, maximise: Sequence[bool]) -> list[list[Exchange]]:
    """For each of n members, for each objective in which another one is better, the exchange with the nearest such one.

    Near is measured in shares of the front's range, summed over the objectives; of equally near ones the first counts.

    Args: values: (n, objectives) in the objectives' own directions.
    """
    costs = values * np.where(maximise, -1.0, 1.0)
    spread = np.ptp(costs, axis=0) if len(costs) else np.ones(len(names))
    scaled = costs / np.where(spread > 0, spread, 1.0)
    found: list[list[Exchange]] = []
    for here in range(len(costs)):
        distance = np.abs(scaled - scaled[here]).sum(axis=1)
        of_member = []
        for column, name in enumerate(names):
            better = np.flatnonzero(costs[:, column] < costs[here, column])
            if len(better):
                to = int(better[distance[better].argmin()])
                changes = dict(zip(names, (values[to] - values[here]).tolist(), strict=True))
                of_member.append(Exchange(name, to, changes))
        found.append(of_member)
    return found


def non_dominated_share(draws: FloatArray, maximise: Sequence[bool]) -> FloatArray:
    """(n,) share of draws in which a member is dominated by no other one.

    Args: draws: (draws, n, objectives) joint draws of the members' values.
    """
    costs = draws * np.where(maximise, -1.0, 1.0)
    return np.mean([non_dominated(np.ascontiguousarray(each)) for each in costs], axis=0)

"""Chooses which members of a front too large to be read stand for it.

Source: the crowding distance of Deb, Pratap, Agarwal and Meyarivan 2002, "A fast and elitist multiobjective genetic
algorithm: NSGA-II", in the implementation of pymoo (Blank and Deb 2020).
"""

import numpy as np
from pymoo.operators.survival.rank_and_crowding.metrics import get_crowding_function

from spaces.base import FloatArray, IntArray


def least_crowded(costs: FloatArray, count: int) -> IntArray:
    """Rows of the points that have most room around them, the extremes of every objective first of all.

    Args:
        costs: (n, m) points that do not dominate each other.
        count: at least twice m, or not every extreme finds room.

    Returns:
        (min(n, count),) rows, ascending.
    """
    if len(costs) <= count:
        return np.arange(len(costs))
    distances = np.asarray(get_crowding_function("cd").do(costs, n_remove=0))
    return np.sort(np.argsort(-distances, kind="stable")[:count])


def fill_gaps(costs: FloatArray, taken: FloatArray, count: int) -> IntArray:
    """Rows of the points farthest from those that are taken already and from each other, one after the other.

    Args:
        costs: (n, m) finite.
        taken: (k, m) finite; with none, the best in the first objective comes first.
        count: at most n.

    Returns:
        (count,) rows, in the order of their choice.
    """
    low = costs.min(axis=0, initial=np.inf)
    spread = costs.max(axis=0, initial=-np.inf) - low
    scale = np.where(spread > 0, spread, 1.0)
    scaled, others = (costs - low) / scale, (taken - low) / scale
    distance = np.full(len(costs), np.inf)
    for other in others:
        distance = np.minimum(distance, ((scaled - other) ** 2).sum(axis=1))
    chosen: list[int] = []
    for _ in range(count):
        row = int(scaled[:, 0].argmin()) if np.isinf(distance).all() else int(distance.argmax())
        chosen.append(row)
        distance = np.minimum(distance, ((scaled - scaled[row]) ** 2).sum(axis=1))
        distance[row] = -1.0
    return np.array(chosen, dtype=np.int64)

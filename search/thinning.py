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

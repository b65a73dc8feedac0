"""Pareto tools: the non-dominated set and the hypervolume, both computed by moocore.

A point dominates another if it is no worse in every objective and better in one. Equal points do not dominate each
other, so all of them are kept: two architectures with the same values are two choices.
"""

from collections.abc import Sequence

import moocore
import numpy as np

from spaces.base import BoolArray, FloatArray


def non_dominated(points: FloatArray, maximise: Sequence[bool] | bool = False) -> BoolArray:
    """Which points no other point dominates.

    Args:
        points: (n, m) finite objective values.
        maximise: per objective, whether more is better; one value stands for all of them.

    Returns:
        (n,) bool; True for every one of several equal points.
    """
    return np.asarray(moocore.is_nondominated(points, maximise=maximise, keep_weakly=True), dtype=bool)


def hypervolume(points: FloatArray, reference: FloatArray, maximise: Sequence[bool] | bool = False) -> float:
    """Volume of objective space that the points dominate, up to the reference point.

    Args:
        points: (n, m) finite objective values; dominated points and points beyond the reference add nothing.
        reference: (m,) a point that is worse than the points of interest in every objective.
        maximise: per objective, whether more is better; one value stands for all of them.

    Returns:
        The hypervolume in the product of the objectives' units; 0 for no points.
    """
    return float(moocore.hypervolume(points, ref=reference, maximise=maximise))

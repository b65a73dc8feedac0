"""Accuracies as normal scores: they lie within a per cent but for a tail of failures, and their order counts."""

import numpy as np
from scipy.special import ndtri

from spaces.base import FloatArray


def normal_scores(values: FloatArray) -> FloatArray:
    """(n,) of about zero mean and unit deviation, in the order of the values (n,); equals share their mean rank."""
    # scipy.stats.rankdata would do, but its import takes longer than a fit.
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    middles = np.cumsum(counts) - counts / 2
    return ndtri((middles / len(values))[inverse])

"""Accuracies as normal scores: they lie within a per cent but for a tail of failures, and their order counts."""

import numpy as np
from scipy.special import ndtri

from spaces.base import FloatArray


def normal_scores(values: FloatArray) -> FloatArray:
    """(n,) of about zero mean and unit deviation, in the order of the values (n,); the earlier of equals is lower."""
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return ndtri((ranks + 0.5) / len(ranks))

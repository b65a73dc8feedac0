"""Accuracies as normal scores: they lie within a per cent but for a tail of failures, and their order counts."""

from scipy.special import ndtri

from predictors.metrics import mean_ranks
from spaces.base import FloatArray


def normal_scores(values: FloatArray) -> FloatArray:
    """(n,) of about zero mean and unit deviation, in the order of the values (n,); equals share their mean rank."""
    return ndtri((mean_ranks(values) - 0.5) / len(values))

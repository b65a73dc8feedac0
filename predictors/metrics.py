"""How well predicted latencies agree with measured ones."""

from __future__ import annotations

import numpy as np

from spaces.base import FloatArray


def spearman(predicted: FloatArray, measured: FloatArray) -> float:
    """Spearman's rank correlation; 0 where either side is constant."""
    if not _varies(predicted, measured):
        return 0.0
    return float(np.corrcoef(mean_ranks(predicted), mean_ranks(measured))[0, 1])


def mean_ranks(values: FloatArray) -> FloatArray:
    """(n,) ranks from 1 on; equals share the mean of theirs."""
    # scipy.stats.rankdata would do, but its import takes longer than anything that is ranked here.
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def kendall(predicted: FloatArray, measured: FloatArray) -> float:
    """Kendall's tau-b; 0 where either side is constant."""
    from scipy.stats import kendalltau  # takes most of a second to import

    # Its result types are not declared: the statistic comes before its p-value.
    return float(kendalltau(predicted, measured)[0]) if _varies(predicted, measured) else 0.0  # pyright: ignore[reportArgumentType]


def relative_errors(predicted: FloatArray, measured: FloatArray) -> FloatArray:
    """(n,) absolute error as a share of the measured value; its mean is the MAPE."""
    return np.abs(predicted - measured) / measured


def coverage(lower: FloatArray, upper: FloatArray, measured: FloatArray) -> float:
    """Share of measurements inside their interval."""
    return float(np.mean((lower <= measured) & (measured <= upper)))


def _varies(*columns: FloatArray) -> bool:
    return all(np.ptp(column) > 0 for column in columns)

"""How well predicted latencies agree with measured ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from spaces.base import FloatArray


def spearman(predicted: FloatArray, measured: FloatArray) -> float:
    """Spearman's rank correlation; 0 where either side is constant."""
    return _first(stats.spearmanr(predicted, measured)) if _varies(predicted, measured) else 0.0


def kendall(predicted: FloatArray, measured: FloatArray) -> float:
    """Kendall's tau-b; 0 where either side is constant."""
    return _first(stats.kendalltau(predicted, measured)) if _varies(predicted, measured) else 0.0


def relative_errors(predicted: FloatArray, measured: FloatArray) -> FloatArray:
    """(n,) absolute error as a share of the measured value; its mean is the MAPE."""
    return np.abs(predicted - measured) / measured


def coverage(lower: FloatArray, upper: FloatArray, measured: FloatArray) -> float:
    """Share of measurements inside their interval."""
    return float(np.mean((lower <= measured) & (measured <= upper)))


def _first(result: Any) -> float:
    """The statistic, which comes before its p-value; scipy's result types are not declared."""
    return float(result[0])


def _varies(*columns: FloatArray) -> bool:
    return all(np.ptp(column) > 0 for column in columns)

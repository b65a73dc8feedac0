"""Accuracies in % as normal scores and back, so that a model of ranks answers in %.

Accuracies of a space lie within a few per cent but for a long tail of failures. A model of their ranks is not bent by
that tail; the way back is the monotone curve through the known accuracies, continued by the logarithm of the error,
so that no prediction leaves 0..100 %.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from predictors.normal_scores import normal_scores
from spaces.base import FloatArray

_QUADRATURE, _WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
_MOST_KNOTS: Final = 257
# Added to errors before the logarithm, so that 100 % has one.
_LEAST_ERROR: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class AccuracyEstimate:
    """Predictive distribution of the accuracy of n architectures.

    Attributes:
        mean: (n,) in %.
        std: (n,) in percentage points, what the model cannot know included.
        score: (n,) orders the architectures, greater for the more accurate; in units of normal scores.
        interval: level within (0, 1) -> lower (n,) and upper (n,) in %, between which an accuracy lies with that
            probability.
    """

    mean: FloatArray
    std: FloatArray
    score: FloatArray
    interval: Callable[[float], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True, slots=True, eq=False)
class AccuracyScale:
    """A monotone curve from normal scores to accuracies; of a single known accuracy, that one everywhere.

    Attributes:
        scores: (k,) ascending normal scores, one of each distinct accuracy.
        log_errors: (k,) logarithms of the errors in % at those, descending.
    """

    scores: FloatArray
    log_errors: FloatArray

    @classmethod
    def of(cls, accuracy: FloatArray) -> AccuracyScale:
        """The curve through accuracies (n,) in %, or through some of very many."""
        ordered = np.sort(accuracy)
        distinct, first = np.unique(ordered, return_index=True)
        rows = np.linspace(0, len(ordered) - 1, min(len(ordered), _MOST_KNOTS)).astype(np.int64)
        kept = np.unique(np.searchsorted(distinct, ordered[rows]))
        return cls(normal_scores(ordered)[first[kept]], np.log(100.0 - distinct[kept] + _LEAST_ERROR))

    def __call__(self, scores: FloatArray) -> FloatArray:
        """Accuracies in % at normal scores of any shape."""
        inside = np.interp(scores, self.scores, self.log_errors)
        # Beyond the known, the slope is that of the half of the curve next to it: the last gap alone is an accident.
        last = len(self.scores) - 1
        centre = len(self.scores) // 2
        slopes = self._slope(0, centre), self._slope(min(centre, max(last - 1, 0)), last)
        below = np.minimum(scores - self.scores[0], 0.0) * slopes[0]
        above = np.maximum(scores - self.scores[-1], 0.0) * slopes[1]
        return np.clip(100.0 + _LEAST_ERROR - np.exp(inside + below + above), 0.0, 100.0)

    def _slope(self, first: int, last: int) -> float:
        if first == last:
            return 0.0
        rise = self.log_errors[last] - self.log_errors[first]
        return float(rise / (self.scores[last] - self.scores[first]))

    def estimate(self, mean: FloatArray, std: FloatArray, half_width: Callable[[float], float]) -> AccuracyEstimate:
        """Accuracies from the distribution of their scores.

        Args:
            mean, std: (n,) of the normal scores.
            half_width: level -> half the central interval of that level in units of `std`.
        """
        values = self(mean[:, None] + std[:, None] * _QUADRATURE)
        weights = _WEIGHTS / _WEIGHTS.sum()
        expected = values @ weights
        variance = np.maximum(values**2 @ weights - expected**2, 0.0)

        def interval(level: float) -> tuple[FloatArray, FloatArray]:
            if not 0 < level < 1:
                raise ValueError(f"an interval's level must be within (0, 1), got {level}")
            margin = half_width(level) * std
            return self(mean - margin), self(mean + margin)

        return AccuracyEstimate(expected, np.sqrt(variance), mean, interval)

"""A stand-in for test accuracy where a table has only part of a space: a ridge on the cost encoding.

More arithmetic tends to mean more accuracy; on NAS-Bench-201 the number of MACs is a baseline that many zero-cost
proxies do not beat (White et al. 2022, arXiv 2210.03230). The ridge learns from the known accuracies which of the costs
count. It gives an order to search by, not a promise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from arch_encodings import Cost
from predictors.errors import TooFewSamplesError
from spaces.base import Architecture, FloatArray, SearchSpace

# A ridge needs this many known accuracies; with fewer, the size of the network is the better guess.
MIN_TABLE: Final = 20
_PENALTIES: Final = np.logspace(-3, 4, 15)


@dataclass(frozen=True, slots=True, eq=False)
class CostRidge:
    """Ridge regression of accuracy in % on the standardised cost encoding of one space; immutable, thread-safe.

    Attributes:
        space: of the architectures.
        mean: (d,) of each column of the encoding over the known architectures.
        scale: (d,) standard deviation of each column, infinite where it is constant, so that it drops out.
        weights: (d,) in % per standard deviation.
        intercept: in %.
        penalty: chosen by leave-one-out error.
    """

    space: SearchSpace
    mean: FloatArray
    scale: FloatArray
    weights: FloatArray
    intercept: float
    penalty: float

    def predict(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Accuracy (n,) in %, within 0..100."""
        features = (Cost().encode(self.space, architectures) - self.mean) / self.scale
        return np.clip(features @ self.weights + self.intercept, 0.0, 100.0)


def fit_cost_ridge(space: SearchSpace, architectures: Sequence[Architecture], accuracy: FloatArray) -> CostRidge:
    """The ridge with the penalty of least leave-one-out error, in closed form.

    Args:
        architectures: n >= MIN_TABLE with known accuracy.
        accuracy: (n,) in %.

    Raises: TooFewSamplesError.
    """
    if len(architectures) < MIN_TABLE:
        raise TooFewSamplesError(MIN_TABLE, len(architectures))
    encoded = Cost().encode(space, architectures)
    mean, scale = encoded.mean(axis=0), encoded.std(axis=0)
    scale[scale <= 1e-9 * np.abs(mean)] = np.inf
    left, singular, right = np.linalg.svd((encoded - mean) / scale, full_matrices=False)
    centred = accuracy - accuracy.mean()
    penalty = min(_PENALTIES, key=lambda candidate: _leave_one_out(left, singular, centred, candidate))
    weights = right.T @ (singular / (singular**2 + penalty) * (left.T @ centred))
    return CostRidge(space, mean, scale, weights, float(accuracy.mean()), float(penalty))


def _leave_one_out(left: FloatArray, singular: FloatArray, targets: FloatArray, penalty: float) -> float:
    """Sum of squared leave-one-out residuals, from the hat matrix H = U diag(s^2 / (s^2 + penalty)) U' + 1/n."""
    shrinkage = singular**2 / (singular**2 + penalty)
    residuals = targets - left @ (shrinkage * (left.T @ targets))
    leverage = (left**2) @ shrinkage + 1 / len(targets)
    return float(np.sum((residuals / np.maximum(1 - leverage, 1e-6)) ** 2))

"""The surrogate that needs to know nothing of a space: ridge regression on its choices, one column for each.

Costs that add over the parts of a network are found exactly from few more architectures than there are choices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from spaces.base import Architecture, FloatArray, SearchSpace

_PENALTIES: Final = np.logspace(-6, 3, 19)


def fit_choice_ridge(
    space: SearchSpace, architectures: Sequence[Architecture], values: FloatArray
) -> Callable[[Sequence[Architecture]], FloatArray]:
    """A predictor of values (n,) of n architectures; its penalty has the least leave-one-out error, in closed form."""
    offsets = np.cumsum([0, *(len(names) for names in space.choices)])

    def columns(batch: Sequence[Architecture]) -> FloatArray:
        rows = space.decisions(batch)
        encoded = np.zeros((len(rows), int(offsets[-1])))
        np.put_along_axis(encoded, rows + offsets[:-1], 1.0, axis=1)
        return encoded

    known = columns(architectures)
    mean, intercept = known.mean(axis=0), float(values.mean())
    left, singular, right = np.linalg.svd(known - mean, full_matrices=False)
    projected = left.T @ (values - intercept)
    penalty = min(_PENALTIES, key=lambda each: _left_out_error(left, singular, projected, values - intercept, each))
    # Directions without variance have a singular value that is rounding, which a small penalty would blow up.
    weights = right.T @ (singular / (singular**2 + penalty) * projected * (singular > 1e-9 * singular[0]))
    return lambda batch: intercept + (columns(batch) - mean) @ weights


def _left_out_error(
    left: FloatArray, singular: FloatArray, projected: FloatArray, targets: FloatArray, penalty: float
) -> float:
    shrinkage = singular**2 / (singular**2 + penalty)
    leverage = left**2 @ shrinkage + 1 / len(targets)
    residuals = (targets - left @ (shrinkage * projected)) / np.maximum(1 - leverage, 1e-6)
    return float(residuals @ residuals)

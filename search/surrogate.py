"""The surrogate that needs to know nothing of a space: ridge regression on its choices, bent where that tells more.

There is a column for each choice at each position, and one for how often each choice is made anywhere: from few known
architectures the latter say what a choice costs on the whole, from more of them the former say what it costs where. So
costs that add over the parts of a network are found exactly from few more architectures than there are choices. Others,
such as an accuracy that saturates, follow a sum of the choices that is bent: the square and the cube of the
regression's prediction become columns of a second one, if it tells what was left out clearly better.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from spaces.base import Architecture, FloatArray, SearchSpace

_PENALTIES: Final = np.logspace(-6, 3, 19)
_POWERS: Final = (2, 3)
# A cube of what lies farther out than anything known would outweigh everything else.
_FARTHEST_STD: Final = 4.0
_WORTH_BENDING: Final = 0.8


def fit_choice_ridge(
    space: SearchSpace, architectures: Sequence[Architecture], values: FloatArray
) -> Callable[[Sequence[Architecture]], FloatArray]:
    """A predictor of values (n,) of n architectures, finite ones; penalties have the least leave-one-out error."""
    known = _columns(space, architectures)
    straight = _fit_ridge(known, values)
    mean, std = float(values.mean()), float(values.std()) or 1.0
    weight = len(space.choices) ** 0.5  # as a position's columns, of which each row has one

    def bent_columns(columns: FloatArray, predicted: FloatArray) -> FloatArray:
        distance = np.clip((predicted - mean) / std, -_FARTHEST_STD, _FARTHEST_STD)
        return np.column_stack([columns, *(weight * distance**power for power in _POWERS)])

    bent = _fit_ridge(bent_columns(known, straight.left_out), values)
    if bent.left_out_error > _WORTH_BENDING * straight.left_out_error:
        return lambda batch: straight(_columns(space, batch))

    def predict(batch: Sequence[Architecture]) -> FloatArray:
        columns = _columns(space, batch)
        return bent(bent_columns(columns, straight(columns)))

    return predict


@dataclass(frozen=True, slots=True, eq=False)
class _Ridge:
    """A fitted regression.

    Attributes:
        left_out: (n,) what it predicts for each known row when that is left out.
        left_out_error: sum of squares.
    """

    weights: FloatArray
    intercept: float
    left_out: FloatArray
    left_out_error: float

    def __call__(self, columns: FloatArray) -> FloatArray:
        """Predictions (n,) of (n, columns)."""
        return columns @ self.weights + self.intercept


def _fit_ridge(columns: FloatArray, values: FloatArray) -> _Ridge:
    mean, level = columns.mean(axis=0), float(values.mean())
    left, singular, right = np.linalg.svd(columns - mean, full_matrices=False)
    projected = left.T @ (values - level)
    # (penalties, directions), and what each leaves of every row when that is left out, in closed form.
    shrinkage = singular**2 / (singular**2 + _PENALTIES[:, None])
    leverage = shrinkage @ (left**2).T + 1 / len(values)
    residuals = (values - level - (shrinkage * projected) @ left.T) / np.maximum(1 - leverage, 1e-6)
    errors = (residuals**2).sum(axis=1)
    best = int(errors.argmin())
    # Directions without variance have a singular value that is rounding, which a small penalty would blow up.
    has_variance = singular > 1e-9 * singular[0]
    weights = right.T @ (singular / (singular**2 + _PENALTIES[best]) * projected * has_variance)
    return _Ridge(weights, level - float(mean @ weights), values - residuals[best], float(errors[best]))


def _columns(space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
    """(n, choices of all positions and names of choices): which are made, and how often."""
    names = {name: column for column, name in enumerate(dict.fromkeys(name for each in space.choices for name in each))}
    offsets = np.cumsum([0, *(len(each) for each in space.choices)])
    rows = space.decisions(architectures)
    made = np.zeros((len(rows), int(offsets[-1])))
    np.put_along_axis(made, rows + offsets[:-1], 1.0, axis=1)
    shared = np.zeros((int(offsets[-1]), len(names)))
    shared[np.arange(len(shared)), [names[name] for each in space.choices for name in each]] = 1.0
    return np.hstack([made, made @ shared])

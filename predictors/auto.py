"""`auto`: of the closed-form predictors the one that tells a device's samples best when it has not seen them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from predictors.cost_linear import CostLinear
from predictors.graph_linear import GraphLinear

Fitted = TypeVar("Fitted", CostLinear, GraphLinear, CostLinear | GraphLinear)


def choose(fitted: Iterable[Fitted]) -> Fitted:
    """The predictor with the greatest mean log density of each sample given the others, the first of equals.

    Its name says which it is. The spread counts as well as the error, so a predictor that is sure of what it does not
    know loses.

    Args: fitted: to the same samples, at least one.
    """
    return max(fitted, key=lambda predictor: predictor.line.left_out_log_density)

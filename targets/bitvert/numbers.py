"""Arithmetic that takes a number or an array of them, one for each configuration of a sweep.

Numbers stay Python's, which for one configuration is much faster than arrays of length 1.
"""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np

# Equations are checked as if they were about floats: a union with arrays would be refused at every operator.
Number = float


def ceil(value: Number) -> Number:
    """Rounded up."""
    return np.ceil(value) if isinstance(value, np.ndarray) else math.ceil(value)


def floor(value: Number) -> Number:
    """Rounded down."""
    return np.floor(value) if isinstance(value, np.ndarray) else math.floor(value)


def ceil_div(numerator: Number, denominator: Number) -> Number:
    """Whole numbers divided and rounded up."""
    return -(-numerator // denominator)


def maximum(first: Number, second: Number) -> Number:
    """The larger one."""
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        return np.maximum(first, second)
    return max(first, second)


def where(condition: Any, first: Number, second: Number) -> Number:
    """`first` where the condition holds, `second` elsewhere; the condition is a bool, or an array of them."""
    if isinstance(condition, np.ndarray):
        return cast(Any, np.where(condition, first, second))
    return first if condition else second

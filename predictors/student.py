"""The noise of every latency predictor: Student's t of few degrees of freedom, as timings have outliers."""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
from scipy.special import stdtrit  # the quantile; scipy.stats takes a second to import

from spaces.base import FloatArray

DEGREES_OF_FREEDOM: Final = 4.0

_TYPICAL, _TAIL = 0.683, 0.9

Level = TypeVar("Level", float, FloatArray)


def student_half_width(level: Level) -> Level:
    """Half the central interval of each level, in units of the scale; finite for every level below 1."""
    return -stdtrit(DEGREES_OF_FREEDOM, (1 - level) / 2)  # the upper tail's 0.5 + level / 2 would round to 1


def spread_of(errors: FloatArray) -> float:
    """The scale at which intervals hold errors (n,): those of 68 %, and those of 90 % where the tails are heavier."""
    typical, tail = np.quantile(np.abs(errors), (_TYPICAL, _TAIL)).tolist()
    return max(typical, tail / student_half_width(_TAIL))

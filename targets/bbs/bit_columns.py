"""Bit columns of groups of weights: which are constant, and what is nearest when the low ones must be zero."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

MAGNITUDE_COLUMNS: Final = 7
MAX_MAGNITUDE: Final = 2**MAGNITUDE_COLUMNS - 1

# Of a magnitude of 7 bits: the columns above its highest one.
_LEADING_ZEROS: Final = np.array([MAGNITUDE_COLUMNS - int(value).bit_length() for value in range(MAX_MAGNITUDE + 1)])


def leading_zeros(magnitudes: NDArray[np.integer]) -> NDArray[np.int64]:
    """Zero columns from the top of 7-bit magnitudes, same shape."""
    return _LEADING_ZEROS[magnitudes]


def nearest_multiple(
    magnitudes: NDArray[np.integer], low_columns: NDArray[np.integer], columns: NDArray[np.integer]
) -> NDArray[np.integer]:
    """The nearest magnitude of `columns` bits whose low ones are zero; halfway goes down.

    Args:
        magnitudes: (groups, n) of at most `columns` bits.
        low_columns: (groups,) bits that become zero, 0 for none.
        columns: (groups,) bits that there are.
    """
    low = low_columns[:, None]
    below_half = np.maximum((1 << low) // 2 - 1, 0)
    top = (1 << (columns[:, None] - low)) - 1
    return np.minimum((magnitudes + below_half) >> low, top) << low

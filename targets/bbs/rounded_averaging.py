"""Rounded averaging: the low bits of a group become one constant, their mean; two's complement."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from targets.bbs.bit_columns import leading_zeros

# The number of columns that repeat the sign is stored in two bits.
_MAX_REDUNDANT_COLUMNS = 3


def rounded_averaging(groups: NDArray[np.int8], pruned_columns: int) -> NDArray[np.int16]:
    """The groups with their low bits averaged.

    Columns that repeat the sign column are pruned first and without loss, at most three of them; what is then left of
    `pruned_columns` are low columns, which all weights of the group fill with one value.

    Args:
        groups: (groups, n).
        pruned_columns: of the 8 columns of each group, 1 to 7.

    Returns: (groups, n), within int8.

    Source: Chen et al. 2024, section III ("conservative", two columns).
    """
    # A negative number and its complement have as many sign columns as the complement has leading zeros.
    magnitudes = np.where(groups < 0, ~groups, groups).max(axis=1)
    redundant = np.minimum(leading_zeros(magnitudes), _MAX_REDUNDANT_COLUMNS)
    low_mask = ((1 << np.maximum(pruned_columns - redundant, 0)) - 1).astype(np.int16)[:, None]
    wide = groups.astype(np.int16)
    mean = (wide & low_mask).sum(axis=1, dtype=np.int64) / groups.shape[1]
    return (wide & ~low_mask) | np.rint(mean).astype(np.int16)[:, None]

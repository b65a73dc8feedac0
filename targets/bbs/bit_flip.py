"""Bit flip, the baseline of BitWave: low columns of the sign-magnitude representation become zero."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from targets.bbs.bit_columns import MAGNITUDE_COLUMNS, MAX_MAGNITUDE, nearest_multiple

_COLUMNS = 1 + MAGNITUDE_COLUMNS


def bit_flip(groups: NDArray[np.int8], pruned_columns: int) -> NDArray[np.int16]:
    """The groups with `pruned_columns` magnitude columns zero, counting those that are zero already.

    A column that is zero in the whole group and lies above the cut saves one column below it. What rounding may change
    are the bits below the last such column. -128, which has no sign-magnitude form, becomes -127.

    Args:
        groups: (groups, n).
        pruned_columns: 0 to 7.

    Returns: (groups, n), within -127..127.
    """
    wide = groups.astype(np.int16)
    magnitudes = np.minimum(np.abs(wide), MAX_MAGNITUDE)
    used = np.bitwise_or.reduce(magnitudes, axis=1)
    # Columns are counted from the sign, 0, to the lowest bit, 7; everything from `cut` on becomes zero.
    cut = np.full(len(groups), _COLUMNS - pruned_columns)
    free_from = np.ones(len(groups), dtype=np.int64)
    for column in range(1, _COLUMNS):
        saved = _is_zero(used, column) & (column < cut)
        cut = np.minimum(cut + saved, _COLUMNS)
    for column in range(1, _COLUMNS):
        free_from = np.where(_is_zero(used, column) & (column < cut), column + 1, free_from)
    free_columns = _COLUMNS - free_from
    free_mask = ((1 << free_columns) - 1).astype(np.int16)[:, None]
    rounded = nearest_multiple(magnitudes & free_mask, np.minimum(_COLUMNS - cut, free_columns), free_columns)
    return np.where(wide < 0, -1, 1).astype(np.int16) * ((magnitudes & ~free_mask) | rounded).astype(np.int16)


def _is_zero(used: NDArray[np.int16], column: int) -> NDArray[np.bool_]:
    return (used >> (_COLUMNS - 1 - column)) & 1 == 0

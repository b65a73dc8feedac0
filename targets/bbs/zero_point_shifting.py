"""Zero-point shifting: a constant is added to a group so that its low magnitude bits can be dropped at least loss."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from targets.bbs.bit_columns import MAGNITUDE_COLUMNS, MAX_MAGNITUDE, leading_zeros, nearest_multiple

_VALUES = 256
_LOWEST = -128
# More than any group can lose; a constant of 0 loses less.
_FORBIDDEN = 2**40
# Groups at a time: what is in flight stays in the cache.
_CHUNK_WEIGHTS = 1 << 16


def zero_point_shifting(
    groups: NDArray[np.int8], pruned_columns: int, *, constant_bits: int = 5, within_int8: bool = False
) -> NDArray[np.int16]:
    """The groups as they read after shifting, pruning and shifting back.

    For every constant: weights shifted by it and clipped to +-127, zero columns from the top of the magnitudes pruned
    first and without loss, the rest of `pruned_columns` are low magnitude columns, rounded away (halfway goes down).
    The constant of least squared error wins, of equals the most negative.

    Args:
        groups: (groups, n).
        pruned_columns: 1 to 7.
        constant_bits: width of the constant, two's complement; the hardware's field has 6.
        within_int8: only constants whose results are int8, which the authors do not ask for.

    Returns: (groups, n), which may leave int8 by the constant unless that is forbidden.

    Source: Chen et al. 2024, section III ("moderate", four columns).
    """
    # Loss and result depend on the weight, the constant and the group's zero columns alone: a table of each.
    tables = _tables(pruned_columns, constant_bits, within_int8)
    rows = _CHUNK_WEIGHTS // groups.shape[1] + 1
    out = np.empty(groups.shape, dtype=np.int16)
    for start in range(0, len(groups), rows):
        _shift(groups[start : start + rows], tables, constant_bits, out[start : start + rows])
    return out


def _shift(
    groups: NDArray[np.int8],
    tables: tuple[NDArray[np.int16], NDArray[np.signedinteger]],
    constant_bits: int,
    out: NDArray[np.int16],
) -> None:
    results, losses = tables
    indices = groups.astype(np.int32) - _LOWEST
    low, high = groups.min(axis=1).astype(np.int16), groups.max(axis=1).astype(np.int16)
    least = np.full(len(groups), np.iinfo(losses.dtype).max, dtype=losses.dtype)
    chosen = np.zeros(len(groups), dtype=np.int32)
    for row, constant in enumerate(_constants(constant_bits)):
        largest = np.minimum(np.maximum(np.abs(low + constant), np.abs(high + constant)), MAX_MAGNITUDE)
        table = (row * (MAGNITUDE_COLUMNS + 1) + leading_zeros(largest)).astype(np.int32) * _VALUES
        loss = losses.take(indices + table[:, None]).sum(axis=1, dtype=losses.dtype)
        is_less = loss < least
        least = np.where(is_less, loss, least)
        chosen = np.where(is_less, table, chosen)
    results.take(indices + chosen[:, None], out=out)


def _constants(constant_bits: int) -> range:
    return range(-(1 << (constant_bits - 1)), 1 << (constant_bits - 1))


@lru_cache(maxsize=32)
def _tables(
    pruned_columns: int, constant_bits: int, within_int8: bool
) -> tuple[NDArray[np.int16], NDArray[np.signedinteger]]:
    """Result and squared error of each (constant, zero columns, weight), flat."""
    weights = np.arange(_LOWEST, _LOWEST + _VALUES)
    zero_columns = np.arange(MAGNITUDE_COLUMNS + 1)
    results = np.stack(
        [_pruned(weights, constant, zero_columns, pruned_columns) for constant in _constants(constant_bits)]
    )
    losses = (results - weights) ** 2
    if within_int8:
        losses = np.where((results < _LOWEST) | (results >= _LOWEST + _VALUES), _FORBIDDEN, losses)
    else:
        losses = losses.astype(np.int32)
    return results.astype(np.int16).ravel(), losses.ravel()


def _pruned(weights: NDArray, constant: int, zero_columns: NDArray, pruned_columns: int) -> NDArray:
    """(zero columns, weights) after shifting, pruning, shifting back."""
    shifted = np.clip(weights + constant, -MAX_MAGNITUDE, MAX_MAGNITUDE)
    columns = MAGNITUDE_COLUMNS - zero_columns
    # A weight of more columns than its group has never meets its row of the table.
    magnitudes = np.minimum(np.abs(shifted)[None, :], ((1 << columns) - 1)[:, None])
    low_columns = np.clip(pruned_columns - zero_columns, 0, columns)
    return np.sign(shifted) * nearest_multiple(magnitudes, low_columns, columns) - constant

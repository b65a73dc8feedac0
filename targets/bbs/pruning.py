"""Binary pruning of whole tensors: grouping along the input channels, methods by name, what is left to store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from targets.bbs.bit_flip import bit_flip
from targets.bbs.errors import BinaryPruningError
from targets.bbs.rounded_averaging import rounded_averaging
from targets.bbs.zero_point_shifting import zero_point_shifting

METHODS: Final[dict[str, Callable[[NDArray[np.int8], int], NDArray[np.int16]]]] = {
    "rounded_averaging": rounded_averaging,
    "zero_point_shifting": zero_point_shifting,
    "bit_flip": bit_flip,
}

_COLUMNS = 8
# Per group: 2 bits that count the redundant columns and a constant of 6.
_METADATA_BITS = 8


def binary_prune(
    weights: NDArray[np.int8],
    method: str,
    *,
    pruned_columns: int,
    group_size: int = 32,
    constant_bits: int = 5,
    within_int8: bool = False,
) -> NDArray[np.int16]:
    """A tensor with each group's columns pruned, in the layout that it came in.

    Args:
        weights: (cout, cin) or (cout, cin, kernel height, kernel width).
        method: key of `METHODS`.
        pruned_columns: of 8, 1 to 7.
        group_size: consecutive weights along the input channels; all of them where there are fewer. Groups run on
            through kernel positions and output channels, as the authors' do.
        constant_bits: of zero-point shifting.
        within_int8: of zero-point shifting: whether its results must be int8, as those of the others are.

    Returns: same shape; int16, because zero-point shifting may leave int8.

    Raises:
        BinaryPruningError: another type or shape of tensor, an unknown method, columns out of range, or weights that
            do not fill their last group.
    """
    if method not in METHODS:
        raise BinaryPruningError(f"unknown method {method!r}; known: {', '.join(METHODS)}")
    if not 1 <= pruned_columns < _COLUMNS:
        raise BinaryPruningError(f"pruned_columns must be 1 to {_COLUMNS - 1}, got {pruned_columns}")
    if not 1 <= constant_bits <= _COLUMNS:
        raise BinaryPruningError(f"constant_bits must be 1 to {_COLUMNS}, got {constant_bits}")
    layout = channels_last(weights)
    groups = layout.reshape(-1, _group_length(weights, group_size))
    if method == "zero_point_shifting":
        pruned = zero_point_shifting(groups, pruned_columns, constant_bits=constant_bits, within_int8=within_int8)
    else:
        pruned = METHODS[method](groups, pruned_columns)
    return channels_first(pruned.reshape(layout.shape))


def channels_last(weights: NDArray) -> NDArray:
    """(cout, kernel height, kernel width, cin), which is the order that weights are read in; (cout, cin) as it is."""
    return weights.transpose(0, 2, 3, 1) if weights.ndim == 4 else weights


def channels_first(weights: NDArray) -> NDArray:
    """Inverse of `channels_last`."""
    return weights.transpose(0, 3, 1, 2) if weights.ndim == 4 else weights


def best_method(
    weights: NDArray[np.int8],
    *,
    pruned_columns: int,
    group_size: int = 32,
    methods: Sequence[str] = ("rounded_averaging", "zero_point_shifting"),
) -> tuple[str, NDArray[np.int16]]:
    """The method of least squared error for this tensor, of equals the first, and its result.

    Rounded averaging is better on uniform weights, zero-point shifting on bell-shaped ones.

    Raises: BinaryPruningError, as `binary_prune`.
    """
    results = [
        (method, binary_prune(weights, method, pruned_columns=pruned_columns, group_size=group_size))
        for method in methods
    ]
    return min(results, key=lambda result: int(((result[1].astype(np.int64) - weights) ** 2).sum()))


def effective_size_bits(weights: NDArray[np.int8], *, pruned_columns: int, group_size: int = 32) -> int:
    """What the pruned tensor takes to store: the columns that are left and 8 bits a group.

    Raises: BinaryPruningError for tensors that cannot be grouped.
    """
    length = _group_length(weights, group_size)
    groups = weights.size // length
    return groups * ((_COLUMNS - pruned_columns) * length + _METADATA_BITS)


def _group_length(weights: NDArray[np.int8], group_size: int) -> int:
    if weights.dtype != np.int8 or weights.ndim not in (2, 4) or weights.size == 0:
        raise BinaryPruningError(
            f"weights must be int8 of shape (cout, cin) or (cout, cin, kh, kw), got {weights.dtype} {weights.shape}"
        )
    length = min(group_size, weights.shape[1])
    if length < 1 or weights.size % length:
        raise BinaryPruningError(f"{weights.size} weights cannot be cut into groups of {group_size}")
    return length

"""Cycles of tiles that depend on the bits of the weights: Pragmatic, Bitlet, BitWave, BitVert without inversion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from targets.bbs import bit_flip
from targets.bbs.pruning import channels_first, channels_last
from targets.bitvert.hardware import CycleRule
from targets.bitvert.refinements import Refinements
from targets.bitvert.shapes import ProductShape

Slices = NDArray[np.int8]
Cycles = NDArray[np.int64]

_BYTES: Final = np.arange(256, dtype=np.uint8)
_SIGNED: Final = _BYTES.view(np.int8).astype(np.int16)
_MAGNITUDES: Final = np.abs(_SIGNED)
# All tables are indexed by the byte of a two's complement weight. -128 has no sign-magnitude byte: it takes -127's.
_SIGN_MAGNITUDE: Final = (np.minimum(_MAGNITUDES, 127) | np.where(_SIGNED < 0, 128, 0)).astype(np.uint8)
_ESSENTIAL_BITS: Final = np.bitwise_count(_SIGN_MAGNITUDE)
# The non-adjacent form of x has a digit that is not zero wherever x and 3x differ.
_SIGNED_DIGITS: Final = np.bitwise_count(_MAGNITUDES ^ (3 * _MAGNITUDES))
# Each bit in a byte of its own, so that one addition counts the ones of 8 columns.
_SPREAD: Final = np.unpackbits(_BYTES[:, None], axis=1).view(np.uint64).ravel()


def _essential_bits(slices: Slices, refinements: Refinements) -> Cycles:
    table = _SIGNED_DIGITS if "essential-bits" in refinements else _ESSENTIAL_BITS
    return table[slices.view(np.uint8)].max(axis=-1)


def _column_ones(slices: Slices, refinements: Refinements) -> Cycles:
    return _ones_per_column(slices).max(axis=-1)


def _effectual_columns(slices: Slices, refinements: Refinements) -> Cycles:
    # Eight multipliers for 16 weights: a column of more ones takes a second cycle.
    per_cycle = max(slices.shape[-1] // 2, 1)
    return (-(-_ones_per_column(slices).astype(np.int64) // per_cycle)).sum(axis=-1)


def _nonzero_columns(slices: Slices, refinements: Refinements) -> Cycles:
    used = np.bitwise_or.reduce(_SIGN_MAGNITUDE[slices.view(np.uint8)], axis=-1)
    return np.bitwise_count(used & 127) if "sign-column" in refinements else np.bitwise_count(used)


def _ones_per_column(slices: Slices) -> NDArray[np.uint8]:
    counts = _SPREAD[slices.view(np.uint8)].sum(axis=-1, dtype=np.uint64)
    return counts.view(np.uint8).reshape(*counts.shape, 8)


# Slices (..., weights per PE) -> cycles of each (...).
_RULES: Final[dict[str, Callable[[Slices, Refinements], Cycles]]] = {
    "essential_bits": _essential_bits,
    "column_ones": _column_ones,
    "effectual_columns": _effectual_columns,
    "nonzero_columns": _nonzero_columns,
}
DATA_DEPENDENT_RULES: Final = frozenset(_RULES)
_QUEUED_RULES: Final = frozenset({"essential_bits", "column_ones"})
_FLIP_GROUP: Final = 32
# Weights at a time: what is counted of them stays within the processor's cache.
_CHUNK: Final = 2**17


@dataclass(frozen=True, slots=True)
class BitCounter:
    """The cycles that a layer's weights take on an array whose tiles depend on their bits.

    Attributes:
        rule: one of `DATA_DEPENDENT_RULES`, see `BitSerialHardware`.
        rows: output channels at a time.
        weights_per_pe: weights that a PE works on together.
        refinements: faults of the published model that are removed.
    """

    rule: CycleRule
    rows: int
    weights_per_pe: int
    refinements: Refinements

    def cycles(self, weights: NDArray[np.int8], shape: ProductShape, weight_bits: int) -> int:
        """Cycles of one pass over all weights, for one block of columns.

        Args:
            weights: (cout, cin / groups) or (cout, cin / groups, kernel height, kernel width).
            shape: of their layer.
            weight_bits: columns that bit flip leaves, where the rule prunes.
        """
        if self.rule == "nonzero_columns":
            weights = _flipped(weights, 8 - weight_bits, self.weights_per_pe, self.refinements)
        sliced = slice_weights(weights, shape, self.weights_per_pe, is_flat="flat-reduction" in self.refinements)
        groups = sliced.reshape(shape.groups, shape.out_channels, *sliced.shape[1:])
        rows = min(self.rows, shape.out_channels)
        # Rows of zeros fill the last block: they take no more than any other row does.
        blocks = np.pad(groups, ((0, 0), (0, -shape.out_channels % rows), (0, 0), (0, 0)))
        blocks = blocks.reshape(-1, rows, *groups.shape[2:])
        step = max(1, _CHUNK // blocks[0].size)
        return sum(self._block_cycles(blocks[start : start + step]) for start in range(0, len(blocks), step))

    def _block_cycles(self, blocks: Slices) -> int:
        """Of blocks of rows, (blocks, rows, slices, weights per PE)."""
        cycles = _RULES[self.rule](blocks, self.refinements).astype(np.int64)
        if self.rule in _QUEUED_RULES and "row-queues" in self.refinements:
            return int(np.maximum(cycles, 1).sum(axis=2).max(axis=1).sum())
        slowest = cycles.max(axis=1)
        if "sign-column" in self.refinements:
            return int(np.maximum(slowest, 1).sum())
        return int(slowest.sum()) - (slowest.size if self.rule == "nonzero_columns" else 0)


def slice_weights(weights: NDArray[np.int8], shape: ProductShape, weights_per_pe: int, *, is_flat: bool) -> Slices:
    """(cout, slices, weights per PE), zeros where a slice is not full. See `ProductShape.slices`."""
    rows = len(weights)
    positions_last = weights.reshape(rows, shape.in_channels, shape.kernel_area)
    if is_flat:
        runs = positions_last.transpose(0, 2, 1).reshape(rows, 1, -1)
    else:
        runs = positions_last if shape.slices_positions else positions_last.transpose(0, 2, 1)
    padding = -runs.shape[2] % weights_per_pe
    padded = np.pad(runs, ((0, 0), (0, 0), (0, padding))) if padding else np.ascontiguousarray(runs)
    return padded.reshape(rows, -1, weights_per_pe)


def _flipped(
    weights: NDArray[np.int8], pruned_columns: int, weights_per_pe: int, refinements: Refinements
) -> NDArray[np.int8]:
    """After bit flip, in the groups of the original or, refined, in the slices that a PE holds."""
    layout = channels_last(weights)
    channels = layout.shape[-1]
    if "channel-groups" in refinements:
        padding = [(0, 0)] * (layout.ndim - 1) + [(0, -channels % weights_per_pe)]
        padded = np.pad(layout, padding)
        flipped = bit_flip(padded.reshape(-1, weights_per_pe), pruned_columns).reshape(padded.shape)[..., :channels]
        return channels_first(flipped.astype(np.int8))
    length = min(_FLIP_GROUP, channels)
    # The original fails where the last group is not full; zeros that fill it change no column of the others.
    flat = np.pad(layout.ravel(), (0, -layout.size % length))
    flipped = bit_flip(flat.reshape(-1, length), pruned_columns).ravel()[: layout.size]
    return channels_first(flipped.astype(np.int8).reshape(layout.shape))

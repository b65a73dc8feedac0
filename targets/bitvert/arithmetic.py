"""Tiles and cycles of a layer on a bit-serial array."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from spaces.base import Layer
from targets.bitvert.hardware import BitSerialHardware
from targets.bitvert.numbers import Number, ceil, floor
from targets.bitvert.run import Run
from targets.bitvert.shapes import ProductShape
from targets.bitvert.synthetic_weights import synthetic_weights, weight_shape
from targets.bitvert.weight_cycles import DATA_DEPENDENT_RULES, BitCounter
from targets.layer_kinds import PRODUCT_KINDS

_FULL_BITS = 8
# Of a layer without weights of its own no more are drawn than tell its mean cycles to a percent.
_DRAWN_WEIGHTS = 2**16


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """What the array does for one layer.

    Attributes:
        tiles: slices of weights times rows times columns that it steps through.
        cycles: of computation.
        weight_bits: mean width of the weights that are computed with.
    """

    tiles: Number
    cycles: Number
    weight_bits: Number


def arithmetic(layer: Layer, run: Run, weights: NDArray[np.int8] | None = None) -> Arithmetic:
    """Tiles and cycles of a convolution, linear layer or matrix product.

    Args:
        weights: the layer's, in the layout of torch; synthetic ones where a rule needs some and none are given.
    """
    hardware, refinements = run.hardware, run.refinements
    shape = ProductShape.of(layer)
    repeats = 1 if shape.has_weights else run.batch  # of a product of activations each sample has its own operands
    columns = shape.column_blocks(hardware.columns, run.batch // repeats, is_folded="output-folding" in refinements)
    blocks = shape.row_blocks(hardware.rows)
    passes = columns * repeats
    tiles = blocks * shape.slices(hardware.weights_per_pe, is_flat="flat-reduction" in refinements) * passes
    bits = run.weight_bits if shape.has_weights else run.activation_bits
    if hardware.cycle_rule in DATA_DEPENDENT_RULES:
        cycles = _counted_cycles(layer, shape, run, ceil(bits), weights)
        return Arithmetic(tiles, cycles * passes, bits)
    # A width that is no whole number is a mean, as ANT's over weights of 6 and 8 bits; and so are the cycles.
    sensitive = 0.0
    if hardware.cycle_rule == "pruned_columns" and shape.has_weights:
        sensitive = _sensitive_fraction(shape, blocks, run)
    mean_bits = sensitive * _FULL_BITS + (1 - sensitive) * bits
    return Arithmetic(tiles, tiles * mean_bits, mean_bits)


def _sensitive_fraction(shape: ProductShape, blocks: Number, run: Run) -> Number:
    """Share of the output channels, or of their blocks, that keep all their bits."""
    channels = shape.groups * shape.out_channels
    sensitive = floor(run.hardware.sensitive_fraction * channels)
    if "channel-blocks" in run.refinements:
        return ceil(sensitive * blocks / channels) / blocks
    return sensitive / channels


def _counted_cycles(
    layer: Layer, shape: ProductShape, run: Run, bits: Number, weights: NDArray[np.int8] | None
) -> Number:
    """Cycles of one pass over the weights, given or synthetic; once for each array and width that a sweep has."""

    def counted(rows: float, weights_per_pe: float, whole_bits: float) -> float:
        rule = run.hardware.cycle_rule
        counter = BitCounter(rule, int(rows), int(weights_per_pe), run.refinements)
        if weights is None:
            return _synthetic_cycles(counter, shape, weight_shape(layer), int(whole_bits))
        return counter.cycles(weights, shape, int(whole_bits))

    setting = run.hardware.rows, run.hardware.weights_per_pe, bits
    if not any(isinstance(each, np.ndarray) for each in setting):
        return counted(*setting)
    distinct, inverse = np.unique(np.stack(np.broadcast_arrays(*setting), axis=-1), axis=0, return_inverse=True)
    return cast(Any, np.array([counted(*each) for each in distinct])[inverse])


@lru_cache(maxsize=4096)
def _synthetic_cycles(counter: BitCounter, shape: ProductShape, weights_shape: tuple[int, ...], bits: int) -> float:
    """Cycles of one pass over weights as `synthetic_weights` draws them."""
    drawn = _drawn_shape(shape, counter.rows)
    rng = np.random.default_rng([*weights_shape, shape.groups])
    weights = synthetic_weights((drawn.groups * drawn.out_channels, *weights_shape[1:]), rng=rng)
    scale = shape.row_blocks(counter.rows) / drawn.row_blocks(counter.rows)
    return counter.cycles(_without_low_bits(weights, counter, bits), drawn, bits) * scale


def counted_weights(layer: Layer, hardware: BitSerialHardware) -> int:
    """Weights whose bits are counted to cost a layer without weights of its own, with the places that stay empty.

    Time and memory of the cost grow with them; 0 where the cycles do not depend on the weights.
    """
    if hardware.cycle_rule not in DATA_DEPENDENT_RULES or layer.kind not in PRODUCT_KINDS:
        return 0
    shape = _drawn_shape(ProductShape.of(layer), hardware.rows)
    per_pe = hardware.weights_per_pe
    channels = shape.groups * shape.out_channels
    return channels * per_pe * int(shape.slices(per_pe, is_flat="flat-reduction" in hardware.active_refinements))


def _drawn_shape(shape: ProductShape, rows: int) -> ProductShape:
    """The shape with as many whole blocks of rows as may be drawn."""
    if shape.weights <= _DRAWN_WEIGHTS:
        return shape
    per_channel = shape.in_channels * shape.kernel_area
    if shape.groups > 1:
        groups = max(1, _DRAWN_WEIGHTS // (per_channel * shape.out_channels))
        return _replaced(shape, groups, shape.out_channels)
    blocks = max(1, _DRAWN_WEIGHTS // (per_channel * rows))
    return _replaced(shape, 1, min(blocks * rows, shape.out_channels))


def _replaced(shape: ProductShape, groups: int, out_channels: int) -> ProductShape:
    return ProductShape(
        shape.kind, groups, shape.kernel_area, shape.in_channels, out_channels, shape.rows, shape.columns
    )


def _without_low_bits(weights: NDArray[np.int8], counter: BitCounter, bits: int) -> NDArray[np.int8]:
    """Weights of fewer bits, with the low ones zero: the columns that are left are those of the wider weights."""
    mask = np.int8(-(1 << (_FULL_BITS - bits)))
    if bits >= _FULL_BITS or counter.rule == "nonzero_columns":  # bit flip prunes what it finds
        return weights
    if counter.rule == "essential_bits":
        return np.sign(weights) * (np.abs(weights) & mask)
    return weights & mask

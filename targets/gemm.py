"""Layers as matrix products, n at a time: what output-stationary arrays of multipliers compute.

A convolution becomes the product of its filters with the columns of its input (im2col): `cin` = channels of a group x
kernel positions, `tokens` = output positions. The columns are gathered on the way into the array, so memory sees the
input map once. Every group is a product of its own, which makes depthwise convolutions as slow as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from spaces.base import BoolArray, FloatArray, Layer
from targets.layer_kinds import MOVER_KINDS, PRODUCT_KINDS, RIDING_KINDS, vector_operations

# What a row of numbers holds, in order.
_NUMBERS: Final = (
    *("weight_copies", "products", "cout", "cin", "tokens", "in_row", "in_rows", "out_row", "out_rows"),
    *("vector_ops", "riding_ops", "macs"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Gemms:
    """n layers; all arrays (n,), whole numbers as float64, for the whole batch.

    Attributes:
        weight_copies: separate stationary operands, cout x cin each.
        products: matrix products, each of cout x cin with cin x tokens; several may share their weights.
        cout, cin, tokens: sizes of one product, 0 where there is none.
        in_row, in_rows: the feature map in memory, as rows that are padded to whole bytes and words.
        out_row, out_rows: the same of the output.
        is_matmul: True where the stationary operand is an activation.
        is_input_streamed, is_output_streamed: as `Layer` has them.
        vector_ops: element-wise operations of layers that move data.
        riding_ops: element-wise operations of layers that ride along: norms and activation functions.
        macs: multiply-accumulates.
    """

    weight_copies: FloatArray
    products: FloatArray
    cout: FloatArray
    cin: FloatArray
    tokens: FloatArray
    in_row: FloatArray
    in_rows: FloatArray
    out_row: FloatArray
    out_rows: FloatArray
    is_matmul: BoolArray
    is_input_streamed: BoolArray
    is_output_streamed: BoolArray
    vector_ops: FloatArray
    riding_ops: FloatArray
    macs: FloatArray


def lower(layers: Sequence[Layer], batch: int, *, folds_batch: bool) -> Gemms:
    """The layers of `batch` samples.

    Args:
        folds_batch: whether samples that share weights become further tokens of one product, rather than products of
            their own.
    """
    rows = [_row(layer, batch, folds_batch) for layer in layers]
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(_NUMBERS))
    return Gemms(
        **{name: table[:, column] for column, name in enumerate(_NUMBERS)},
        is_matmul=np.array([layer.kind == "matmul" for layer in layers], dtype=np.bool_),
        is_input_streamed=np.array([layer.is_input_streamed for layer in layers], dtype=np.bool_),
        is_output_streamed=np.array([layer.is_output_streamed for layer in layers], dtype=np.bool_),
    )


def _row(layer: Layer, batch: int, folds_batch: bool) -> tuple[float, ...]:
    if layer.kind not in PRODUCT_KINDS:
        moves = layer.kind in MOVER_KINDS
        in_rows = batch * layer.inputs * layer.in_height * layer.in_width if moves else 0
        out_rows = batch * layer.out_height * layer.out_width if moves else 0
        traffic = (layer.in_channels, in_rows, layer.out_channels, out_rows)
        operations = batch * vector_operations(layer)
        rides = layer.kind in RIDING_KINDS
        return (0, 0, 0, 0, 0, *traffic, 0 if rides else operations, operations if rides else 0, 0)
    positions = layer.out_height * layer.out_width
    folds = layer.kind != "matmul" and folds_batch
    return (
        layer.groups * (batch if layer.kind == "matmul" else 1),
        layer.groups * (1 if folds else batch),
        layer.out_channels // layer.groups,
        layer.in_channels // layer.groups * layer.kernel_area,
        positions * (batch if folds else 1),
        layer.in_channels // layer.groups * layer.in_height,
        batch * layer.inputs * layer.groups * layer.in_width,
        layer.out_channels // layer.groups,
        batch * layer.groups * positions,
        0,
        0,
        batch * layer.macs,
    )

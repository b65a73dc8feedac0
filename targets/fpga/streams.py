"""How a layer's values enter and leave a circuit: arrays as beats and beats as arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from targets.fpga.primitives import (
    Conv1dFullyUnrolled,
    Conv1dPixelWise,
    Conv2dFullyUnrolled,
    Conv2dPixelWise,
    Conv2dRowParallel,
    GemmSystolic,
    GemmTreeFullyUnrolled,
    GemmTreeRowParallel,
    Primitive,
)

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BeatOrder:
    """Order of a primitive's values in time.

    Attributes:
        split: input of `input_shape` to (beats, elements).
        join: outputs of one layer (outputs, elements) to `output_shape`.
    """

    split: Callable[[Any, IntArray], IntArray]
    join: Callable[[Any, IntArray], IntArray]


def _whole(_: Primitive, inputs: IntArray) -> IntArray:
    return inputs.reshape(1, -1)


def _as_output(layer: Primitive, outputs: IntArray) -> IntArray:
    return outputs.reshape(layer.output_shape)


def _rows(_: Primitive, inputs: IntArray) -> IntArray:
    return inputs


def _columns(_: Primitive, inputs: IntArray) -> IntArray:
    return inputs.T


def _image_rows(layer: Conv2dRowParallel, inputs: IntArray) -> IntArray:
    return inputs.transpose(1, 0, 2).reshape(layer.height, -1)


def _from_image_rows(layer: Conv2dRowParallel, outputs: IntArray) -> IntArray:
    return outputs.reshape(layer.output_height, layer.out_channels, layer.output_width).transpose(1, 0, 2)


def _band_columns(layer: Conv2dPixelWise, inputs: IntArray) -> IntArray:
    tops = range(0, layer.output_height * layer.stride, layer.stride)
    bands = [inputs[:, top : top + layer.filter, : layer.band_columns] for top in tops]
    return np.concatenate([band.transpose(2, 0, 1).reshape(layer.band_columns, -1) for band in bands])


def _from_pixels(layer: Primitive, outputs: IntArray) -> IntArray:
    return outputs.T.reshape(layer.output_shape)


ORDERS: Final[dict[type[Primitive], BeatOrder]] = {
    GemmTreeFullyUnrolled: BeatOrder(_whole, _as_output),
    GemmTreeRowParallel: BeatOrder(_rows, _as_output),
    GemmSystolic: BeatOrder(_rows, _as_output),
    Conv1dFullyUnrolled: BeatOrder(_whole, _as_output),
    Conv1dPixelWise: BeatOrder(_columns, _from_pixels),
    Conv2dFullyUnrolled: BeatOrder(_whole, _as_output),
    Conv2dRowParallel: BeatOrder(_image_rows, _from_image_rows),
    Conv2dPixelWise: BeatOrder(_band_columns, _from_pixels),
}

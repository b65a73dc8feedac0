"""Which inputs meet which weights: how a primitive is laid out over cores, windows and cycles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from targets.fpga.primitives import (
    Conv1dFullyUnrolled,
    Conv1dPixelWise,
    Conv2dFullyUnrolled,
    Conv2dPixelWise,
    Conv2dRowParallel,
    GemmTreeFullyUnrolled,
    GemmTreeRowParallel,
    Primitive,
)

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stream:
    """When a circuit that reads one beat per cycle has an output.

    Attributes:
        window: beats that an output looks at.
        band_beats: beats from an empty window to the next one.
        bands: of one layer.
        stride: beats between the outputs of a band.
    """

    window: int = 1
    band_beats: int = 1
    bands: int = 1
    stride: int = 1

    @property
    def outputs_of_band(self) -> int:
        """Outputs of one band."""
        return (self.band_beats - self.window) // self.stride + 1

    @property
    def last_output_beat(self) -> int:
        """Beat of the band, from zero, that completes its last output."""
        return (self.outputs_of_band - 1) * self.stride + self.window - 1


@dataclass(frozen=True, slots=True)
class Wiring:
    """A primitive as sums of products over a window of beats.

    Attributes:
        columns: the weights of each distinct sum of products, zeros included.
        instances: (column, positions in the window of its operands) of each output of a cycle, in order. Position 0
            is the first element of the oldest beat.
        beat_elements: values per beat.
        stream: None where one beat is a whole layer.
    """

    columns: list[list[int]]
    instances: list[tuple[int, list[int]]]
    beat_elements: int
    stream: Stream | None


def _gemm_columns(weights: IntArray) -> list[list[int]]:
    return weights.T.tolist()


def _filters(weights: IntArray) -> list[list[int]]:
    return weights.reshape(len(weights), -1).tolist()


def _gemm_fully_unrolled(layer: GemmTreeFullyUnrolled, weights: IntArray) -> Wiring:
    instances = [(j, [i * layer.n + k for k in range(layer.n)]) for i in range(layer.m) for j in range(layer.p)]
    return Wiring(_gemm_columns(weights), instances, layer.m * layer.n, None)


def _gemm_row_parallel(layer: GemmTreeRowParallel, weights: IntArray) -> Wiring:
    instances = [(j, list(range(layer.n))) for j in range(layer.p)]
    return Wiring(_gemm_columns(weights), instances, layer.n, Stream(band_beats=layer.m))


def _conv1d_fully_unrolled(layer: Conv1dFullyUnrolled, weights: IntArray) -> Wiring:
    instances = [
        (o, [c * layer.width + x * layer.stride + f for c in range(layer.channels) for f in range(layer.filter)])
        for o in range(layer.out_channels)
        for x in range(layer.output_width)
    ]
    return Wiring(_filters(weights), instances, layer.channels * layer.width, None)


def _conv1d_pixel_wise(layer: Conv1dPixelWise, weights: IntArray) -> Wiring:
    taps = [f * layer.channels + c for c in range(layer.channels) for f in range(layer.filter)]
    stream = Stream(layer.filter, layer.width, 1, layer.stride)
    return Wiring(_filters(weights), [(o, taps) for o in range(layer.out_channels)], layer.channels, stream)


def _conv2d_fully_unrolled(layer: Conv2dFullyUnrolled, weights: IntArray) -> Wiring:
    places = np.arange(layer.channels * layer.height * layer.width).reshape(layer.input_shape)
    instances = [
        (o, places[:, top : top + layer.filter, left : left + layer.filter].ravel().tolist())
        for o in range(layer.out_channels)
        for top in range(0, layer.output_height * layer.stride, layer.stride)
        for left in range(0, layer.output_width * layer.stride, layer.stride)
    ]
    return Wiring(_filters(weights), instances, places.size, None)


def _conv2d_row_parallel(layer: Conv2dRowParallel, weights: IntArray) -> Wiring:
    row = layer.channels * layer.width
    taps = list(product(range(layer.channels), range(layer.filter), range(layer.filter)))
    instances = [
        (o, [v * row + c * layer.width + x + u for c, v, u in taps])
        for o in range(layer.out_channels)
        for x in range(layer.output_width)
    ]
    return Wiring(_filters(weights), instances, row, Stream(layer.filter, layer.height))


def _conv2d_pixel_wise(layer: Conv2dPixelWise, weights: IntArray) -> Wiring:
    column = layer.channels * layer.filter
    taps = [
        u * column + c * layer.filter + v
        for c, v, u in product(range(layer.channels), range(layer.filter), range(layer.filter))
    ]
    stream = Stream(layer.filter, layer.band_columns, layer.output_height, layer.stride)
    return Wiring(_filters(weights), [(o, taps) for o in range(layer.out_channels)], column, stream)


WIRINGS: Final[dict[type[Primitive], Callable[..., Wiring]]] = {
    GemmTreeFullyUnrolled: _gemm_fully_unrolled,
    GemmTreeRowParallel: _gemm_row_parallel,
    Conv1dFullyUnrolled: _conv1d_fully_unrolled,
    Conv1dPixelWise: _conv1d_pixel_wise,
    Conv2dFullyUnrolled: _conv2d_fully_unrolled,
    Conv2dRowParallel: _conv2d_row_parallel,
    Conv2dPixelWise: _conv2d_pixel_wise,
}

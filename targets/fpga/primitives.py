"""The layers that Kratos unrolls on FPGA fabric: their sizes, cycles and exact results.

Source: Dai et al. 2024, "Kratos: An FPGA Benchmark for Unrolled DNNs with Fine-Grained Sparsity and Mixed Precision",
FPL'24, arXiv 2407.06033. Names end in the form: `fu` fully unrolled, `rp` one row per cycle, `pw` one pixel per cycle.
Cycles are those of the circuits that `targets.fpga.verilog` generates, as their simulation counts them: the control
state machines of the original add one to three cycles to the forms `rp` and `pw`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import prod
from typing import Any, ClassVar, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from targets.fpga.errors import InvalidCircuitError

IntArray = NDArray[np.integer[Any]]


def adder_levels(terms: int) -> int:
    """Levels of a binary adder tree over so many terms."""
    return max(terms - 1, 0).bit_length()


@dataclass(frozen=True, slots=True)
class Primitive:
    """One unrolled layer with constant weights. Values are hashable; every field is a size of at least one.

    What a subclass adds: `reduction_length`, the products L that one output sums; `multiply_cores`, how often a sum of
    products is instantiated; the shapes; `beats`, the cycles over which the input of one layer arrives, and
    `beat_shape`, what of it arrives in one of them.
    """

    name: ClassVar[str]

    def __post_init__(self) -> None:
        faults = [
            (field.name, f"must be at least 1, got {getattr(self, field.name)}")
            for field in fields(self)
            if getattr(self, field.name) < 1
        ]
        faults = faults or self._size_faults()
        if faults:
            raise InvalidCircuitError(self.name, faults)

    def _size_faults(self) -> list[tuple[str, str]]:
        return []

    @property
    def reduction_length(self) -> int:
        """Products that one output value sums, L."""
        raise NotImplementedError

    @property
    def multiply_cores(self) -> int:
        """Instances of a sum of products."""
        raise NotImplementedError

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """(n, p) of a matrix product, else as torch has it: (output channels, input channels, filter...)."""
        raise NotImplementedError

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(m, n) of a matrix product, else (channels, [height,] width)."""
        raise NotImplementedError

    @property
    def output_shape(self) -> tuple[int, ...]:
        """(m, p) of a matrix product, else (output channels, [output height,] output width)."""
        raise NotImplementedError

    @property
    def beats(self) -> int:
        """Cycles over which the input of one layer arrives."""
        return 1

    @property
    def multiplications(self) -> int:
        """Products of the whole layer, those by zero included."""
        return prod(self.output_shape) * self.reduction_length

    @property
    def multiplications_per_cycle(self) -> int:
        """Products that are instantiated, those by zero included."""
        return self.multiply_cores * self.reduction_length

    @property
    def initiation_interval(self) -> int:
        """Cycles from one layer's first input to the next one's."""
        return self.beats

    @property
    def latency_cycles(self) -> int:
        """Clock edges from the first input to the last output of the pipelined circuit when no weight is zero."""
        return self.pipelined_latency_cycles(self.reduction_length)

    def pipelined_latency_cycles(self, nonzeros: int) -> int:
        """Clock edges from the first input to the last output of the pipelined circuit.

        Args:
            nonzeros: weights other than zero in the output that has most of them.
        """
        return self.beats - 1 + adder_levels(nonzeros) + 2

    def reference(self, weights: IntArray, inputs: IntArray) -> NDArray[np.int64]:
        """The layer's exact result.

        Args:
            weights: integers of `weight_shape`.
            inputs: integers of `input_shape`.

        Returns:
            Array of `output_shape`.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class _MatrixProduct(Primitive):
    """A matrix of activations (m, n) times one of weights (n, p)."""

    m: int
    n: int
    p: int

    @property
    def reduction_length(self) -> int:
        return self.n

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return self.n, self.p

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.m, self.n

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.m, self.p

    def reference(self, weights: IntArray, inputs: IntArray) -> NDArray[np.int64]:
        return np.asarray(inputs, np.int64) @ np.asarray(weights, np.int64)


@dataclass(frozen=True, slots=True)
class GemmTreeFullyUnrolled(_MatrixProduct):
    """A whole matrix product per cycle: the tree of each column once per row."""

    name: ClassVar[str] = "gemmt-fu"

    @property
    def multiply_cores(self) -> int:
        """Trees."""
        return self.m * self.p


@dataclass(frozen=True, slots=True)
class GemmTreeRowParallel(_MatrixProduct):
    """A row of the matrix product per cycle: one tree per column."""

    name: ClassVar[str] = "gemmt-rp"

    @property
    def multiply_cores(self) -> int:
        """Trees."""
        return self.p

    @property
    def beats(self) -> int:
        """Rows."""
        return self.m


@dataclass(frozen=True, slots=True)
class GemmSystolic(_MatrixProduct):
    """A weight-stationary systolic array of n x p cells; the inputs arrive skewed and so do the outputs leave."""

    name: ClassVar[str] = "gemms-rp"

    @property
    def multiply_cores(self) -> int:
        """Cells of the array."""
        return self.n * self.p

    @property
    def multiplications_per_cycle(self) -> int:
        """One per cell."""
        return self.multiply_cores

    @property
    def beats(self) -> int:
        """Rows."""
        return self.m

    def pipelined_latency_cycles(self, nonzeros: int) -> int:
        """Clock edges until the last output; zero weights keep their cell's register."""
        return self.m + self.n + self.p - 2


def _output_size(size: int, filter_size: int, stride: int) -> int:
    return (size - filter_size) // stride + 1


@dataclass(frozen=True, slots=True)
class _Convolution1d(Primitive):
    """A convolution along one dimension without padding."""

    width: int
    channels: int
    filter: int
    out_channels: int
    stride: int = 1

    def _size_faults(self) -> list[tuple[str, str]]:
        if self.filter > self.width:
            return [("filter", f"must not exceed the width {self.width}, got {self.filter}")]
        return []

    @property
    def output_width(self) -> int:
        """Output pixels."""
        return _output_size(self.width, self.filter, self.stride)

    @property
    def reduction_length(self) -> int:
        return self.filter * self.channels

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return self.out_channels, self.channels, self.filter

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.channels, self.width

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.out_channels, self.output_width

    def reference(self, weights: IntArray, inputs: IntArray) -> NDArray[np.int64]:
        windows = sliding_window_view(np.asarray(inputs, np.int64), self.filter, axis=1)[:, :: self.stride]
        return np.einsum("cxf,ocf->ox", windows, np.asarray(weights, np.int64))


@dataclass(frozen=True, slots=True)
class Conv1dFullyUnrolled(_Convolution1d):
    """A whole image per cycle: the trees of all output channels at each output pixel."""

    name: ClassVar[str] = "conv1d-fu"

    @property
    def multiply_cores(self) -> int:
        """Trees."""
        return self.output_width * self.out_channels


@dataclass(frozen=True, slots=True)
class Conv1dPixelWise(_Convolution1d):
    """A column of the image per cycle into a window of `filter` columns: one tree per output channel."""

    name: ClassVar[str] = "conv1d-pw"

    @property
    def multiply_cores(self) -> int:
        """Trees."""
        return self.out_channels

    @property
    def beats(self) -> int:
        """Columns."""
        return self.width

    def pipelined_latency_cycles(self, nonzeros: int) -> int:
        """Clock edges until the last output, which needs no columns behind its window."""
        used_columns = (self.output_width - 1) * self.stride + self.filter
        return used_columns - 1 + adder_levels(nonzeros) + 2


@dataclass(frozen=True, slots=True)
class _Convolution2d(Primitive):
    """A convolution with a square filter, without padding."""

    width: int
    height: int
    channels: int
    filter: int
    out_channels: int
    stride: int = 1

    def _size_faults(self) -> list[tuple[str, str]]:
        smallest = min(self.width, self.height)
        if self.filter > smallest:
            return [("filter", f"must not exceed width and height, of which one is {smallest}, got {self.filter}")]
        return []

    @property
    def output_width(self) -> int:
        """Output pixels of a row."""
        return _output_size(self.width, self.filter, self.stride)

    @property
    def output_height(self) -> int:
        """Output rows."""
        return _output_size(self.height, self.filter, self.stride)

    @property
    def reduction_length(self) -> int:
        return self.filter * self.filter * self.channels

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return self.out_channels, self.channels, self.filter, self.filter

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.channels, self.height, self.width

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.out_channels, self.output_height, self.output_width

    def reference(self, weights: IntArray, inputs: IntArray) -> NDArray[np.int64]:
        windows = sliding_window_view(np.asarray(inputs, np.int64), (self.filter, self.filter), axis=(1, 2))
        strided = windows[:, :: self.stride, :: self.stride]
        return np.einsum("cyxuv,ocuv->oyx", strided, np.asarray(weights, np.int64))


@dataclass(frozen=True, slots=True)
class Conv2dFullyUnrolled(_Convolution2d):
    """A whole image per cycle: the trees of all output channels at each output pixel."""

    name: ClassVar[str] = "conv2d-fu"

    @property
    def multiply_cores(self) -> int:
        """Trees."""
        return self.output_width * self.output_height * self.out_channels


@dataclass(frozen=True, slots=True)
class Conv2dRowParallel(_Convolution2d):
    """A row of the image per cycle into a window of `filter` rows: the trees of one output row. The stride is one."""

    name: ClassVar[str] = "conv2d-rp"

    def _size_faults(self) -> list[tuple[str, str]]:
        faults = super(Conv2dRowParallel, self)._size_faults()
        if self.stride != 1:
            faults.append(("stride", f"must be 1 in the row-parallel form, got {self.stride}"))
        return faults

    @property
    def multiply_cores(self) -> int:
        """Trees."""
        return self.output_width * self.out_channels

    @property
    def beats(self) -> int:
        """Rows."""
        return self.height


@dataclass(frozen=True, slots=True)
class Conv2dPixelWise(_Convolution2d):
    """A column of `filter` pixels per cycle, a band of rows after the other: one tree per output channel."""

    name: ClassVar[str] = "conv2d-pw"

    @property
    def multiply_cores(self) -> int:
        """Trees."""
        return self.out_channels

    @property
    def band_columns(self) -> int:
        """Columns of a band that its output row needs."""
        return (self.output_width - 1) * self.stride + self.filter

    @property
    def beats(self) -> int:
        """Columns of all bands."""
        return self.output_height * self.band_columns


PRIMITIVES: Final[dict[str, type[Primitive]]] = {
    primitive.name: primitive
    for primitive in (
        GemmTreeFullyUnrolled,
        GemmTreeRowParallel,
        GemmSystolic,
        Conv1dFullyUnrolled,
        Conv1dPixelWise,
        Conv2dFullyUnrolled,
        Conv2dRowParallel,
        Conv2dPixelWise,
    )
}

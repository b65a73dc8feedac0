"""Unrolled convolutions along one dimension, without padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from targets.fpga.primitives.base import IntArray, Primitive, adder_levels, output_size


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
        return output_size(self.width, self.filter, self.stride)

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

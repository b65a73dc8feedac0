"""Unrolled convolutions of images with square filters, without padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from targets.fpga.primitives.base import IntArray, Primitive, output_size


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
        return output_size(self.width, self.filter, self.stride)

    @property
    def output_height(self) -> int:
        """Output rows."""
        return output_size(self.height, self.filter, self.stride)

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

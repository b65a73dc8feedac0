"""Constructors of the layers that image networks are made of: square maps, "same" padding, batch 1."""

from __future__ import annotations

import math

from spaces.base import Layer, LayerKind


def conv(
    name: str,
    channels: tuple[int, int],
    size: int,
    *,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    has_bias: bool = False,
) -> Layer:
    """Convolution on a `size` x `size` map, `channels` = (in, out); only the stride shrinks the map."""
    out_size = math.ceil(size / stride)
    in_channels, out_channels = channels
    return Layer(
        name,
        "conv",
        in_channels,
        out_channels,
        size,
        size,
        out_size,
        out_size,
        kernel=kernel,
        stride=stride,
        groups=groups,
        has_bias=has_bias,
    )


def norm(name: str, channels: int, size: int, *, is_affine: bool = True) -> Layer:
    """Batch normalisation, with a learned scale and shift if affine."""
    return Layer(name, "norm", channels, channels, size, size, size, size, is_affine=is_affine)


def activation(name: str, channels: int, size: int) -> Layer:
    """One element-wise kernel that reads and writes a map: ReLU, or a multiplication by a constant or per channel."""
    return _elementwise(name, "activation", channels, size)


def shuffle(name: str, channels: int, size: int) -> Layer:
    """Channel shuffle: a transposed copy of the map."""
    return _elementwise(name, "shuffle", channels, size)


def zeros(name: str, channels: int, size: int) -> Layer:
    """A map of zeros that is written without reading anything."""
    return Layer(name, "activation", 0, channels, size, size, size, size)


def cut(name: str, channels: int, size: int) -> Layer:
    """A copy of a piece of a map, `channels` and `size` those of the piece: what is left out is not read."""
    return _elementwise(name, "slice", channels, size)


def concat(name: str, channels: int, size: int) -> Layer:
    """Maps put one behind the other, `channels` altogether."""
    return _elementwise(name, "concat", channels, size)


def add(name: str, channels: int, size: int) -> Layer:
    """Sum of two maps."""
    return Layer(name, "add", channels, channels, size, size, size, size, inputs=2)


def pool(name: str, channels: int, size: int, *, kernel: int, stride: int) -> Layer:
    """Average or maximum pooling; the global one has `kernel == stride == size`."""
    out_size = math.ceil(size / stride)
    return Layer(
        name, "pool", channels, channels, size, size, out_size, out_size, kernel=kernel, stride=stride, groups=channels
    )


def linear(name: str, in_features: int, out_features: int) -> Layer:
    """Fully connected layer with bias."""
    return Layer(name, "linear", in_features, out_features, has_bias=True)


def _elementwise(name: str, kind: LayerKind, channels: int, size: int) -> Layer:
    return Layer(name, kind, channels, channels, size, size, size, size)

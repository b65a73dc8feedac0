"""Weights for layers whose own are not at hand: bell-shaped, scaled per output channel, as in the reference outputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spaces.base import Layer

_LARGEST = np.float32(127)


def synthetic_weights(shape: tuple[int, ...], *, rng: np.random.Generator) -> NDArray[np.int8]:
    """Normal weights, each output channel scaled so that its largest magnitude is 127.

    Args:
        shape: (cout, cin) or (cout, cin, kernel height, kernel width).

    Returns: int8 of that shape.
    """
    weights = rng.standard_normal(shape, dtype=np.float32)
    largest = np.abs(weights).max(axis=tuple(range(1, len(shape))), keepdims=True)
    return np.rint(weights * (_LARGEST / largest)).astype(np.int8)


def weight_shape(layer: Layer) -> tuple[int, ...]:
    """Shape of the weights of a convolution or a linear layer."""
    shape = (layer.out_channels, layer.in_channels // layer.groups)
    if layer.kind != "conv":
        return shape
    return (*shape, layer.kernel, layer.kernel if layer.kernel_width is None else layer.kernel_width)

"""Kernel, stride, padding and groups of a convolution or pooling node, however its exporter wrote them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from onnx import NodeProto, helper

from spaces.onnx_model.shapes import Shape


@dataclass(frozen=True, slots=True)
class Window:
    """What slides over a map, for each of its spatial axes.

    Attributes:
        kernel, strides, dilations: one number for each axis.
        pads: those at the beginning of each axis, then those at its end.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    groups: int


def attributes(node: NodeProto) -> dict[str, Any]:
    """The node's attributes by name."""
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def window(node: NodeProto, shape: Shape, weight: Shape | None = None) -> Window:
    """The window of a Conv or pool node.

    Args: shape: (batch, channels, spatial...) of its input. weight: (out, in / groups, kernel...) of a convolution.
    """
    given = attributes(node)
    spatial = shape[2:]
    kernel = tuple(weight[2:] if weight is not None else given["kernel_shape"])
    strides = tuple(given.get("strides", [1] * len(spatial)))
    dilations = tuple(given.get("dilations", [1] * len(spatial)))
    pads = tuple(given.get("pads", [0] * (2 * len(spatial))))
    mode = given.get("auto_pad", b"NOTSET")
    if mode == b"VALID":
        pads = (0,) * (2 * len(spatial))
    elif mode in (b"SAME_UPPER", b"SAME_LOWER"):
        totals = [
            max(0, (math.ceil(size / stride) - 1) * stride + (width - 1) * dilation + 1 - size)
            for size, stride, width, dilation in zip(spatial, strides, kernel, dilations, strict=True)
        ]
        less, more = [total // 2 for total in totals], [total - total // 2 for total in totals]
        pads = (*less, *more) if mode == b"SAME_UPPER" else (*more, *less)
    return Window(kernel, strides, dilations, pads, given.get("group", 1))

"""The DARTS network of NAS-Bench-301 for CIFAR-10 in torch, without auxiliary head and path dropping.

Source: Liu, Simonyan & Yang 2019, arXiv 1806.09055; Zela et al. 2022, arXiv 2008.09777, as implemented in NASLib, whose
parameter counts it has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor, nn

from spaces.nb301 import row_cells
from spaces.nb301_layers import CLASSES, INPUT_SHAPE, NODES, OPS, STEM_CHANNELS, CellEdges, CellShapes, cell_shapes
from spaces.networks.operations import FactorizedReduce, ReluConvNorm


class DepthwisePointwise(nn.Sequential):
    """ReLU, depthwise k x k, 1x1, batch normalisation without scale and shift."""

    def __init__(self, channels: int, kernel: int, stride: int, dilation: int = 1):
        padding = dilation * (kernel - 1) // 2
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels, affine=False),
        )


def _max_pool(channels: int, stride: int) -> nn.Module:
    return nn.Sequential(nn.MaxPool2d(3, stride, padding=1), nn.BatchNorm2d(channels, affine=False))


def _avg_pool(channels: int, stride: int) -> nn.Module:
    pooling = nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
    return nn.Sequential(pooling, nn.BatchNorm2d(channels, affine=False))


def _skip(channels: int, stride: int) -> nn.Module:
    return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels, is_affine=False)


def _separable(kernel: int) -> Callable[[int, int], nn.Module]:
    return lambda channels, stride: nn.Sequential(
        DepthwisePointwise(channels, kernel, stride), DepthwisePointwise(channels, kernel, 1)
    )


def _dilated(kernel: int) -> Callable[[int, int], nn.Module]:
    return lambda channels, stride: DepthwisePointwise(channels, kernel, stride, dilation=2)


_OPERATIONS: Final[dict[str, Callable[[int, int], nn.Module]]] = {
    "max_pool_3x3": _max_pool,
    "avg_pool_3x3": _avg_pool,
    "skip_connect": _skip,
    "sep_conv_3x3": _separable(3),
    "sep_conv_5x5": _separable(5),
    "dil_conv_3x3": _dilated(3),
    "dil_conv_5x5": _dilated(5),
}


class Cell(nn.Module):
    """Four nodes that add two operations each, concatenated."""

    def __init__(self, edges: CellEdges, shapes: CellShapes):
        super().__init__()
        reduce_or_not = FactorizedReduce if shapes.is_first_input_larger else _pointwise
        self.first_input = reduce_or_not(shapes.before_last[0], shapes.channels)
        self.last_input = _pointwise(shapes.last[0], shapes.channels)
        self.sources = [edge.source for node in edges for edge in node]
        self.operations = nn.ModuleList(
            _OPERATIONS[OPS[edge.op]](shapes.channels, shapes.stride(edge.source)) for node in edges for edge in node
        )

    def forward(self, before_last: Tensor, last: Tensor) -> Tensor:
        """The cell's output from those of the two cells before it."""
        maps = [self.first_input(before_last), self.last_input(last)]
        for node in range(NODES):
            first, second = (self.operations[at](maps[self.sources[at]]) for at in (2 * node, 2 * node + 1))
            maps.append(first + second)
        return torch.cat(maps[2:], 1)


class Nb301Network(nn.Module):
    """Images (batch, 3, 32, 32) to logits (batch, 10) through the cells with choices `row` (22,)."""

    def __init__(self, row: Sequence[int]):
        super().__init__()
        kinds = row_cells(row)
        self.stem = nn.Sequential(
            nn.Conv2d(INPUT_SHAPE[0], STEM_CHANNELS, 3, padding=1, bias=False), nn.BatchNorm2d(STEM_CHANNELS)
        )
        self.cells = nn.ModuleList(Cell(kinds[shapes.kind], shapes) for shapes in cell_shapes())
        channels = NODES * cell_shapes()[-1].channels
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        """Logits of images."""
        before_last = last = self.stem(x)
        for cell in self.cells:
            before_last, last = last, cell(before_last, last)
        return self.head(last)


def _pointwise(in_channels: int, out_channels: int) -> nn.Module:
    return ReluConvNorm(in_channels, out_channels, kernel=1)

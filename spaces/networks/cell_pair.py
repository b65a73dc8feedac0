"""The network of the spaces with a normal and a reduction cell in torch: stem, eight cells, classifier.

Source: Liu, Simonyan & Yang 2019, arXiv 1806.09055, without auxiliary head and path dropping; shapes are those of
`spaces.nb301_layers`. The spaces differ in their operations and in the nodes that a cell concatenates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from spaces.nb301_layers import CLASSES, INPUT_SHAPE, STEM_CHANNELS, CellEdges, CellShapes, cell_shapes
from spaces.networks.operations import FactorizedReduce, ReluConvNorm

# The module of an operation from its channels and stride.
Operation = Callable[[int, int], nn.Module]


class Cell(nn.Module):
    """Nodes that add two operations each, of which those of `outputs` are concatenated.

    Args:
        operations: `Edge.op` is an index.
        outputs: sources, counted like `Edge.source`: the first node is 2.
    """

    def __init__(self, edges: CellEdges, shapes: CellShapes, operations: Sequence[Operation], outputs: tuple[int, ...]):
        super().__init__()
        reduce_or_not = FactorizedReduce if shapes.is_first_input_larger else _pointwise
        self.first_input = reduce_or_not(shapes.before_last[0], shapes.channels)
        self.last_input = _pointwise(shapes.last[0], shapes.channels)
        self.sources = [(first.source, second.source) for first, second in edges]
        self.operations = nn.ModuleList(
            operations[edge.op](shapes.channels, shapes.stride(edge.source)) for node in edges for edge in node
        )
        self.outputs = outputs

    def forward(self, before_last: Tensor, last: Tensor) -> Tensor:
        """The cell's output from those of the two cells before it."""
        maps = [self.first_input(before_last), self.last_input(last)]
        for node, (first, second) in enumerate(self.sources):
            added = self.operations[2 * node](maps[first]), self.operations[2 * node + 1](maps[second])
            maps.append(added[0] + added[1])
        return torch.cat([maps[source] for source in self.outputs], 1)


class CellPairNetwork(nn.Module):
    """Images (batch, 3, 32, 32) to logits (batch, 10) through a normal and a reduction cell; args as `Cell`'s."""

    def __init__(
        self, cells: Sequence[CellEdges], operations: Sequence[Operation], outputs: tuple[tuple[int, ...], ...]
    ):
        super().__init__()
        normal, reduce = map(len, outputs)
        all_shapes = cell_shapes((normal, reduce))
        self.stem = nn.Sequential(
            nn.Conv2d(INPUT_SHAPE[0], STEM_CHANNELS, 3, padding=1, bias=False), nn.BatchNorm2d(STEM_CHANNELS)
        )
        self.cells = nn.ModuleList(
            Cell(cells[shapes.kind], shapes, operations, outputs[shapes.kind]) for shapes in all_shapes
        )
        last = all_shapes[-1]
        channels = len(outputs[last.kind]) * last.channels
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        """Logits of images."""
        before_last = last = self.stem(x)
        for cell in self.cells:
            before_last, last = last, cell(before_last, last)
        return self.head(last)


def _pointwise(in_channels: int, out_channels: int) -> nn.Module:
    return ReluConvNorm(in_channels, out_channels, kernel=1)

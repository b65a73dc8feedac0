"""The NAS-Bench-101 network for CIFAR-10 in torch.

Source: Ying et al. 2019, arXiv 1902.09635, and the authors' released network, whose parameter counts it has.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from spaces.nb101 import row_vertices
from spaces.nb101_layers import (
    CELLS_PER_STACK,
    CLASSES,
    INPUT_SHAPE,
    KERNELS,
    OPS,
    OUTPUT,
    STACKS,
    Vertex,
    cell_input_channels,
)
from spaces.networks.operations import Truncate


class ConvNormRelu(nn.Sequential):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 1):
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        )


class InnerVertex(nn.Module):
    """The operation of a vertex on the sum of what it reads, cut to its channels."""

    def __init__(self, vertex: Vertex, stack: int, in_channels: int):
        super().__init__()
        channels = vertex.widths[stack]
        self.sources = [source for source, _ in vertex.sources]
        self.cuts = nn.ModuleList(
            Truncate(channels) if widths[stack] > channels else nn.Identity() for _, widths in vertex.sources
        )
        self.project = ConvNormRelu(in_channels, channels) if vertex.reads_input else None
        op = OPS[vertex.op]
        self.op = (
            ConvNormRelu(channels, channels, KERNELS[op]) if op in KERNELS else nn.MaxPool2d(3, stride=1, padding=1)
        )

    def forward(self, tensors: list[Tensor]) -> Tensor:
        """The vertex' map from the cell's input and the maps of the vertices before it."""
        total = None
        for source, cut in zip(self.sources, self.cuts, strict=True):
            term = cut(tensors[source])
            total = term if total is None else total + term
        if self.project is not None:
            projected = self.project(tensors[0])
            total = projected if total is None else total + projected
        return self.op(total)


class OutputVertex(nn.Module):
    """What the cell writes: the vertices that it reads side by side, plus its projected input."""

    def __init__(self, vertex: Vertex, stack: int, in_channels: int):
        super().__init__()
        self.sources = [source for source, _ in vertex.sources]
        self.project = ConvNormRelu(in_channels, vertex.widths[stack]) if vertex.reads_input else None

    def forward(self, tensors: list[Tensor]) -> Tensor:
        """The cell's output from its input and the maps of its inner vertices."""
        maps = [tensors[source] for source in self.sources]
        joined = torch.cat(maps, 1) if len(maps) > 1 else maps[0] if maps else None
        if self.project is None:
            assert joined is not None  # a pruned cell's output reads something
            return joined
        projected = self.project(tensors[0])
        return projected if joined is None else joined + projected


class Cell(nn.Module):
    """The vertices in their order, the output last."""

    def __init__(self, vertices: Sequence[Vertex], stack: int, in_channels: int):
        super().__init__()
        self.vertices = nn.ModuleList(
            (OutputVertex if vertex.op == OUTPUT else InnerVertex)(vertex, stack, in_channels) for vertex in vertices
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps to maps of the stack's channels."""
        tensors = [x]
        for vertex in self.vertices:
            tensors.append(vertex(tensors))
        return tensors[-1]


class Nb101Network(nn.Sequential):
    """Images (batch, 3, 32, 32) to logits (batch, 10) through the cell with choices `row` (26,)."""

    def __init__(self, row: Sequence[int]):
        vertices = row_vertices(row)
        body: list[nn.Module] = []
        for stack in range(len(STACKS)):
            if stack > 0:
                body.append(nn.MaxPool2d(2))
            body += [Cell(vertices, stack, cell_input_channels(stack, cell)) for cell in range(CELLS_PER_STACK)]
        super().__init__(
            ConvNormRelu(INPUT_SHAPE[0], STACKS[0].channels, 3),
            *body,
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(STACKS[-1].channels, CLASSES),
        )

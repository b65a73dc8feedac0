"""The TransNAS-Bench-101 networks for scene classification in torch.

Source: Duan et al. 2021, arXiv 2105.11871, and the authors' released networks. Every edge of a cell runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from torch import Tensor, nn

from spaces import tnb101_layers as layers
from spaces.nb201_layers import EDGES
from spaces.networks.operations import FactorizedReduce, ReluConvNorm, Zero, Zeros
from spaces.tnb101_layers import Module


def _zero(shapes: Module) -> nn.Module:
    return Zeros(shapes.out_channels, shapes.stride) if _changes_shape(shapes) else Zero()


def _skip(shapes: Module) -> nn.Module:
    return FactorizedReduce(shapes.channels, shapes.out_channels) if _changes_shape(shapes) else nn.Identity()


def _changes_shape(shapes: Module) -> bool:
    return shapes.is_widening or shapes.is_halving


_OPERATIONS: Final[dict[str, Callable[[Module], nn.Module]]] = {
    "none": _zero,
    "skip_connect": _skip,
    "nor_conv_1x1": lambda shapes: ReluConvNorm(shapes.channels, shapes.out_channels, 1, shapes.stride),
    "nor_conv_3x3": lambda shapes: ReluConvNorm(shapes.channels, shapes.out_channels, 3, shapes.stride),
}


class Cell(nn.Module):
    """Four nodes; each is the sum of its edges' results. The edges from the first change the shape if the cell does."""

    def __init__(self, row: Sequence[int], shapes: Module):
        super().__init__()
        inner = _kept(shapes)
        self.edges = nn.ModuleList(
            _OPERATIONS[layers.OPS[choice]](shapes if source == 0 else inner)
            for choice, (source, _) in zip(row, EDGES, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps to maps of the cell's output shape."""
        nodes = [x]
        for (source, target), operation in zip(EDGES, self.edges, strict=True):
            result = operation(nodes[source])
            if target == len(nodes):
                nodes.append(result)
            else:
                nodes[target] = nodes[target] + result
        return nodes[-1]


class Block(nn.Module):
    """ResNet basic block with activations first; a 1x1 convolution as shortcut where the shape changes."""

    def __init__(self, shapes: Module):
        super().__init__()
        self.body = nn.Sequential(
            ReluConvNorm(shapes.channels, shapes.out_channels, 3, shapes.stride),
            ReluConvNorm(shapes.out_channels, shapes.out_channels, 3),
        )
        self.shortcut = (
            nn.Sequential(
                nn.Conv2d(shapes.channels, shapes.out_channels, 1, shapes.stride, bias=False),
                nn.BatchNorm2d(shapes.out_channels),
            )
            if _changes_shape(shapes)
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps to maps of the block's output shape."""
        return self.body(x) + self.shortcut(x)


class _Network(nn.Sequential):
    """Images (batch, 3, size, size) to logits (batch, 63) through the modules' cells."""

    def __init__(self, modules: Sequence[Module], cell: Callable[[Module], nn.Module]):
        first, second = layers.STEM_CHANNELS
        stem = nn.Sequential(
            nn.Conv2d(layers.INPUT_SHAPE[0], first, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(first),
            ReluConvNorm(first, second, 3, 2),
        )
        body = [
            cell(shapes) for module in modules for shapes in (module, *[_kept(module)] * (layers.CELLS_PER_MODULE - 1))
        ]
        head = nn.Linear(modules[-1].out_channels, layers.CLASSES)
        super().__init__(stem, *body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)


class Tnb101MicroNetwork(_Network):
    """The network of the micro space through the cell with choices `row` (6,)."""

    def __init__(self, row: Sequence[int]):
        super().__init__(layers.modules(layers.MICRO_MODULES), lambda shapes: Cell(row, shapes))


class Tnb101MacroNetwork(_Network):
    """The network of the macro space through the modules of types `row` (6,), 0 for none."""

    def __init__(self, row: Sequence[int]):
        super().__init__(layers.modules(tuple(module_type for module_type in row if module_type)), Block)


def _kept(module: Module) -> Module:
    """The shapes around a cell behind a module's first."""
    return Module(module.out_channels, module.out_size, is_widening=False, is_halving=False)

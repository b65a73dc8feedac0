"""The network of the NDS cell spaces as layers: NAS-Bench-301's plan of eight cells for CIFAR-10 with NDS's operations.

Source: Radosavovic et al. 2019, arXiv 1905.13214; operations and network as in the authors' code (the genotypes and the
CIFAR network of pycls). NDS varies width and depth; here they are fixed at one of its settings, 32 channels and eight
cells, which is NAS-Bench-301's network: stem, cells, reductions and inputs of cells are described in
`spaces.nb301_layers`. What differs: batch norms of the operations learn scale and shift, pools have none behind them,
and a cell's output has as many times its channels as it concatenates nodes.

`none` multiplies by zero. A `conv_kx1_1xk` is ReLU - conv 1 x k - conv k x 1 - BN, each with the stride along its own
direction; `dil_sep_conv_3x3` is a dilated convolution twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

from spaces.base import Layer
from spaces.layers import activation, concat, conv, norm, pool
from spaces.nb301_layers import (
    CELL_KINDS,
    CellEdges,
    CellShapes,
    OpLayers,
    cell_shapes,
    depthwise_pointwise,
    factorized_reduce,
    first_input_layers,
    head_layers,
    last_input_layers,
    network_reads,
    node_sum_layers,
    over_cells,
    separable,
    stem_layers,
    sum_layers,
)
from spaces.wiring import Reads

# How many nodes the normal and the reduction cell concatenate.
Concatenated = tuple[int, int]


def network_layers(cells: Sequence[CellEdges], ops: Sequence[str], concatenated: Concatenated) -> tuple[Layer, ...]:
    """All layers in execution order of the network with a normal and a reduction cell; `Edge.op` indexes `ops`."""
    layers = list(stem_layers())
    for number, shapes in enumerate(cell_shapes(concatenated)):
        layers += first_input_layers(number, shapes) + last_input_layers(number, shapes)
        for node, edges in enumerate(cells[shapes.kind]):
            for slot, edge in enumerate(edges):
                layers += _edge_layers(number, shapes, (node, slot), edge.source, ops[edge.op])
            layers += node_sum_layers(number, shapes, node)
        layers += _concat_layers(number, shapes, concatenated)
    return (*layers, *head_layers(concatenated))


def layers_read(cells: Sequence[CellEdges], ops: Sequence[str], concatenated: Concatenated) -> Reads:
    """What each of `network_layers` reads, see `Workload.reads`."""
    return network_reads(cells, [_OP_LAYERS[op] for op in ops], concatenated)


@cache
def fixed_layers(nodes: int, concatenated: Concatenated) -> tuple[Layer, ...]:
    """Everything but the operations, in cells of so many nodes."""
    layers = list(stem_layers())
    for kind in range(len(CELL_KINDS)):
        layers += input_layers(kind, 0, concatenated) + input_layers(kind, 1, concatenated)
        layers += concat_layers(kind, concatenated)
        for node in range(nodes):
            layers += sum_layers(kind, node)
    return (*layers, *head_layers(concatenated))


@cache
def input_layers(kind: int, place: int, concatenated: Concatenated) -> tuple[Layer, ...]:
    """What the cells of a kind do first with the older (0) or the newer (1) of the maps that they read."""
    return over_cells(kind, (first_input_layers, last_input_layers)[place], concatenated)


@cache
def concat_layers(kind: int, concatenated: Concatenated) -> tuple[Layer, ...]:
    """The concatenations at the end of the cells of a kind."""
    return over_cells(kind, lambda number, shapes: _concat_layers(number, shapes, concatenated), concatenated)


@cache
def edge_layers(kind: int, place: tuple[int, int], source: int, op: str) -> tuple[Layer, ...]:
    """What an operation runs at `place` = (node, slot), over the cells of a kind in execution order."""
    return over_cells(kind, lambda number, shapes: _edge_layers(number, shapes, place, source, op))


def _concat_layers(number: int, shapes: CellShapes, concatenated: Concatenated) -> tuple[Layer, ...]:
    return (concat(f"cell{number}.concat", concatenated[shapes.kind] * shapes.channels, shapes.out_size),)


def _edge_layers(number: int, shapes: CellShapes, place: tuple[int, int], source: int, op: str) -> tuple[Layer, ...]:
    stride = shapes.stride(source)
    name = f"cell{number}.node{place[0]}.edge{place[1]}.{op}"
    return _OP_LAYERS[op](name, shapes.channels, shapes.out_size * stride, stride)


def _zero(name: str, channels: int, size: int, stride: int) -> tuple[Layer, ...]:
    return (activation(f"{name}.zero", channels, size // stride),)


def _skip(name: str, channels: int, size: int, stride: int) -> tuple[Layer, ...]:
    return () if stride == 1 else factorized_reduce(name, (channels, channels), size, is_affine=True)


def _pool(kernel: int) -> OpLayers:
    return lambda name, channels, size, stride: (pool(f"{name}.pool", channels, size, kernel=kernel, stride=stride),)


def _conv(kernel: int) -> OpLayers:
    return lambda name, channels, size, stride: (
        activation(f"{name}.relu", channels, size),
        conv(f"{name}.conv", (channels, channels), size, kernel=kernel, stride=stride),
        norm(f"{name}.norm", channels, size // stride),
    )


def _row_then_column(kernel: int) -> OpLayers:
    def layers(name: str, channels: int, size: int, stride: int) -> tuple[Layer, ...]:
        out_size = size // stride
        wide = (channels, channels, size, size, size, out_size)
        high = (channels, channels, size, out_size, out_size, out_size)
        return (
            activation(f"{name}.relu", channels, size),
            Layer(f"{name}.row", "conv", *wide, kernel=1, kernel_width=kernel, stride=stride),
            Layer(f"{name}.column", "conv", *high, kernel=kernel, kernel_width=1, stride=stride),
            norm(f"{name}.norm", channels, out_size),
        )

    return layers


_OP_LAYERS: Final[dict[str, OpLayers]] = {
    "none": _zero,
    "skip_connect": _skip,
    "avg_pool_3x3": _pool(3),
    "max_pool_3x3": _pool(3),
    "max_pool_5x5": _pool(5),
    "max_pool_7x7": _pool(7),
    "conv_1x1": _conv(1),
    "conv_3x3": _conv(3),
    "conv_3x1_1x3": _row_then_column(3),
    "conv_7x1_1x7": _row_then_column(7),
    "sep_conv_3x3": separable(3, is_affine=True),
    "sep_conv_5x5": separable(5, is_affine=True),
    "sep_conv_7x7": separable(7, is_affine=True),
    "dil_conv_3x3": depthwise_pointwise(3, is_affine=True),
    "dil_conv_5x5": depthwise_pointwise(5, is_affine=True),
    "dil_sep_conv_3x3": separable(3, is_affine=True),
}

"""The DARTS network of NAS-Bench-301 as layers: eight cells of two kinds for CIFAR-10.

Source: Liu, Simonyan & Yang 2019, arXiv 1806.09055; Zela et al. 2022, arXiv 2008.09777, as implemented in NASLib, on
whose network NAS-Bench-Suite-Zero computed its table. Stem conv3x3 - BN to 96 channels; cells of 32, 64 and 128
channels at 32, 16 and 8 pixels, the third and the sixth reduction cells; global average pool, linear. A cell reads the
outputs of the two cells before it, each through ReLU - conv1x1 - BN, or a factorized reduction where the map is still
larger. Its four nodes add two operations each and are concatenated. In a reduction cell the operations on the cell's
inputs have stride 2; a `skip_connect` there is a factorized reduction. Pools are followed by a batch norm. Batch norms
of the operations learn no scale and shift. There is no auxiliary head.

Counts: `Workload.params` is the `params` column of NAS-Bench-Suite-Zero exactly. `Workload.macs` counts
multiply-accumulates, no bias; that table's `flops` column adds 2 per output of an affine batch norm and 1 of another, 1
per ReLU output, kernel^2 per pooling output, with the global pool's window taken one pixel too wide, and nothing for
additions, concatenations and cuts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final, NamedTuple

from spaces.base import Layer
from spaces.layers import activation, add, concat, conv, cut, linear, norm, pool
from spaces.wiring import Reads, Wiring, Writers

INPUT_SHAPE: Final = (3, 32, 32)
CLASSES: Final = 10
STEM_CHANNELS: Final = 96
NODES: Final = 4
EDGES_PER_NODE: Final = 2
OPS: Final = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
NORMAL, REDUCE = 0, 1
CELL_KINDS: Final = ("normal", "reduce")


class Edge(NamedTuple):
    """An operation: `source` 0 and 1 are the cell's inputs, 2 to 4 its first nodes; `op` is an index into `OPS`."""

    source: int
    op: int


# Layers of an operation from a name, channels, the side of the map that it reads, and its stride.
OpLayers = Callable[[str, int, int, int], tuple[Layer, ...]]
# For each node the two edges into it, by rising source.
CellEdges = tuple[tuple[Edge, Edge], ...]


class CellShapes(NamedTuple):
    """What a cell has to connect: the channels and sides of the two maps that it reads, its channels and kind."""

    before_last: tuple[int, int]
    last: tuple[int, int]
    channels: int
    kind: int

    @property
    def out_size(self) -> int:
        """Side in pixels of the cell's nodes."""
        return self.last[1] // 2 if self.kind == REDUCE else self.last[1]

    @property
    def is_first_input_larger(self) -> bool:
        """Whether a reduction cell lies between this cell and the older of the maps that it reads."""
        return self.before_last[1] != self.last[1]

    def stride(self, source: int) -> int:
        """Stride of an operation on that source."""
        return 2 if self.kind == REDUCE and source < 2 else 1


@cache
def cell_shapes(concatenated: tuple[int, int] = (NODES, NODES)) -> tuple[CellShapes, ...]:
    """The shapes of the eight cells, where each kind of cell concatenates so many nodes."""
    found: list[CellShapes] = []
    channels = 32
    before_last = last = (STEM_CHANNELS, INPUT_SHAPE[1])
    for kind in (NORMAL, NORMAL, REDUCE, NORMAL, NORMAL, REDUCE, NORMAL, NORMAL):
        channels *= 2 if kind == REDUCE else 1
        found.append(CellShapes(before_last, last, channels, kind))
        before_last, last = last, (concatenated[kind] * channels, found[-1].out_size)
    return tuple(found)


def network_layers(cells: Sequence[CellEdges]) -> tuple[Layer, ...]:
    """All layers in execution order of the network with a normal and a reduction cell."""
    layers = list(stem_layers())
    for number, shapes in enumerate(cell_shapes()):
        layers += first_input_layers(number, shapes) + last_input_layers(number, shapes)
        for node, edges in enumerate(cells[shapes.kind]):
            for slot, edge in enumerate(edges):
                layers += _edge_layers(number, shapes, node, slot, edge)
            layers += node_sum_layers(number, shapes, node)
        layers += _concat_layers(number, shapes)
    return (*layers, *head_layers())


def network_reads(
    cells: Sequence[CellEdges], op_layers: Sequence[OpLayers], concatenated: tuple[int, int] = (NODES, NODES)
) -> Reads:
    """What each layer of a network of these cells reads, see `Workload.reads`.

    Args:
        op_layers: of the operations that `Edge.op` indexes.
        concatenated: nodes that each kind of cell concatenates: all of them, or those that no other node reads.
    """
    wiring = Wiring()
    before_last = last = wiring.chain(len(stem_layers()))
    for number, shapes in enumerate(cell_shapes(concatenated)):
        edges = cells[shapes.kind]
        is_reduced, first_layers = shapes.is_first_input_larger, first_input_layers(number, shapes)
        values = [
            wiring.factorized_reduce(before_last) if is_reduced else wiring.chain(len(first_layers), before_last),
            wiring.chain(len(last_input_layers(number, shapes)), last),
        ]
        for node in edges:
            results = [
                _wire_op(wiring, op_layers[edge.op], shapes.stride(edge.source), values[edge.source]) for edge in node
            ]
            values.append(wiring.chain(1, *results))
        read = {edge.source for node in edges for edge in node} if concatenated[shapes.kind] < len(edges) else {0, 1}
        ends = [value for place, value in enumerate(values) if place > 1 and place not in read]
        before_last, last = last, wiring.chain(1, *ends)
    wiring.chain(len(head_layers(concatenated)), last)
    return wiring.reads


def _wire_op(wiring: Wiring, op: OpLayers, stride: int, source: Writers) -> Writers:
    at_stride = op("", 2, 4, stride)
    # What nothing is needed for where it keeps the shape is a factorized reduction where it halves the map.
    is_reduction = len(at_stride) > 0 and not op("", 2, 4, 1)
    return wiring.factorized_reduce(source) if is_reduction else wiring.chain(len(at_stride), source)


@cache
def stem_layers() -> tuple[Layer, ...]:
    """conv3x3 - BN from the image to the first cell."""
    size = INPUT_SHAPE[1]
    return (
        conv("stem.conv", (INPUT_SHAPE[0], STEM_CHANNELS), size, kernel=3),
        norm("stem.norm", STEM_CHANNELS, size),
    )


@cache
def head_layers(concatenated: tuple[int, int] = (NODES, NODES)) -> tuple[Layer, ...]:
    """Global average pool, linear."""
    last = cell_shapes(concatenated)[-1]
    channels, size = concatenated[last.kind] * last.channels, last.out_size
    return (pool("head.pool", channels, size, kernel=size, stride=size), linear("head.linear", channels, CLASSES))


@cache
def fixed_layers() -> tuple[Layer, ...]:
    """Everything that does not depend on the architecture."""
    layers = list(stem_layers())
    for kind in range(len(CELL_KINDS)):
        layers += input_layers(kind, 0) + input_layers(kind, 1) + concat_layers(kind)
        for node in range(NODES):
            layers += sum_layers(kind, node)
    return (*layers, *head_layers())


@cache
def input_layers(kind: int, place: int) -> tuple[Layer, ...]:
    """What the cells of a kind do first with the older (0) or the newer (1) of the maps that they read."""
    return over_cells(kind, (first_input_layers, last_input_layers)[place])


@cache
def sum_layers(kind: int, node: int) -> tuple[Layer, ...]:
    """The additions at a node of the cells of a kind."""
    return over_cells(kind, lambda number, shapes: node_sum_layers(number, shapes, node))


@cache
def concat_layers(kind: int) -> tuple[Layer, ...]:
    """The concatenations at the end of the cells of a kind."""
    return over_cells(kind, _concat_layers)


@cache
def edge_layers(kind: int, node: int, slot: int, edge: Edge) -> tuple[Layer, ...]:
    """What an edge into a node runs, over the cells of a kind in execution order; a node has slots 0 and 1."""
    return over_cells(kind, lambda number, shapes: _edge_layers(number, shapes, node, slot, edge))


def over_cells(
    kind: int,
    of_cell: Callable[[int, CellShapes], tuple[Layer, ...]],
    concatenated: tuple[int, int] = (NODES, NODES),
) -> tuple[Layer, ...]:
    """Layers of every cell of a kind, each from the cell's number and shapes."""
    cells = [(number, shapes) for number, shapes in enumerate(cell_shapes(concatenated)) if shapes.kind == kind]
    return tuple(layer for number, shapes in cells for layer in of_cell(number, shapes))


@cache
def first_input_layers(number: int, shapes: CellShapes) -> tuple[Layer, ...]:
    """What a cell does first with the older of the maps that it reads."""
    channels, size = shapes.before_last
    if shapes.is_first_input_larger:
        return factorized_reduce(f"cell{number}.input0", (channels, shapes.channels), size, is_affine=True)
    return _relu_conv_norm(f"cell{number}.input0", (channels, shapes.channels), size)


@cache
def last_input_layers(number: int, shapes: CellShapes) -> tuple[Layer, ...]:
    """What a cell does first with the newer of the maps that it reads."""
    channels, size = shapes.last
    return _relu_conv_norm(f"cell{number}.input1", (channels, shapes.channels), size)


@cache
def node_sum_layers(number: int, shapes: CellShapes, node: int) -> tuple[Layer, ...]:
    """The addition at a node of a cell."""
    return (add(f"cell{number}.node{node}.add", shapes.channels, shapes.out_size),)


@cache
def _concat_layers(number: int, shapes: CellShapes) -> tuple[Layer, ...]:
    return (concat(f"cell{number}.concat", NODES * shapes.channels, shapes.out_size),)


@cache
def _edge_layers(number: int, shapes: CellShapes, node: int, slot: int, edge: Edge) -> tuple[Layer, ...]:
    name = f"cell{number}.node{node}.edge{slot}.{OPS[edge.op]}"
    stride = shapes.stride(edge.source)
    return _OP_LAYERS[OPS[edge.op]](name, shapes.channels, shapes.out_size * stride, stride)


def _pool(name: str, channels: int, size: int, stride: int) -> tuple[Layer, ...]:
    pooled = pool(f"{name}.pool", channels, size, kernel=3, stride=stride)
    return pooled, norm(f"{name}.norm", channels, pooled.out_height, is_affine=False)


def _skip(name: str, channels: int, size: int, stride: int) -> tuple[Layer, ...]:
    return () if stride == 1 else factorized_reduce(name, (channels, channels), size, is_affine=False)


def separable(kernel: int, *, is_affine: bool = False) -> OpLayers:
    """Twice ReLU - depthwise - conv1x1 - BN; the stride is that of the first."""

    def layers(name: str, channels: int, size: int, stride: int) -> tuple[Layer, ...]:
        once = depthwise_pointwise(kernel, is_affine=is_affine)
        return (
            *once(f"{name}.first", channels, size, stride),
            *once(f"{name}.second", channels, size // stride, 1),
        )

    return layers


def depthwise_pointwise(kernel: int, *, is_affine: bool = False) -> OpLayers:
    """ReLU - depthwise - conv1x1 - BN: what a dilated convolution is."""

    def layers(name: str, channels: int, size: int, stride: int) -> tuple[Layer, ...]:
        depthwise = conv(f"{name}.depthwise", (channels, channels), size, kernel=kernel, stride=stride, groups=channels)
        out_size = depthwise.out_height
        return (
            activation(f"{name}.relu", channels, size),
            depthwise,
            conv(f"{name}.pointwise", (channels, channels), out_size),
            norm(f"{name}.norm", channels, out_size, is_affine=is_affine),
        )

    return layers


_OP_LAYERS: Final[dict[str, OpLayers]] = {
    "max_pool_3x3": _pool,
    "avg_pool_3x3": _pool,
    "skip_connect": _skip,
    "sep_conv_3x3": separable(3),
    "sep_conv_5x5": separable(5),
    "dil_conv_3x3": depthwise_pointwise(3),
    "dil_conv_5x5": depthwise_pointwise(5),
}


OP_LAYERS: Final = tuple(_OP_LAYERS[op] for op in OPS)


def _relu_conv_norm(name: str, channels: tuple[int, int], size: int) -> tuple[Layer, ...]:
    return (
        activation(f"{name}.relu", channels[0], size),
        conv(f"{name}.conv", channels, size),
        norm(f"{name}.norm", channels[1], size),
    )


def factorized_reduce(name: str, channels: tuple[int, int], size: int, *, is_affine: bool) -> tuple[Layer, ...]:
    """ReLU, two conv1x1 of stride 2 on the map and on the map shifted by a pixel, concatenated, BN."""
    in_channels, out_channels = channels
    half = (in_channels, out_channels // 2)
    return (
        activation(f"{name}.relu", in_channels, size),
        conv(f"{name}.even", half, size, stride=2),
        cut(f"{name}.shift", in_channels, size - 1),
        conv(f"{name}.odd", half, size - 1, stride=2),
        concat(f"{name}.concat", out_channels, size // 2),
        norm(f"{name}.norm", out_channels, size // 2, is_affine=is_affine),
    )

"""The NAS-Bench-101 network as layers: nine copies of a cell with three widths, for CIFAR-10.

Source: Ying et al. 2019, arXiv 1902.09635, and the authors' released network. Stem conv3x3 - BN - ReLU to 128 channels;
three stacks of three cells with 128, 256, 512 channels at 32, 16, 8 pixels, a 2x2 maximum pool between them; global
average, linear. In a cell a vertex computes its operation on the sum of what it reads; the vertices that the output
reads are concatenated and share its channels as evenly as may be, the first ones getting one more; others have as
many as the widest of their readers, which cut what they do not need. What is read from the input of the cell goes
through a 1x1 convolution - BN - ReLU of its own.

Counts: `Workload.params` is the `params` column of NAS-Bench-Suite-Zero exactly for the table's own order of vertices,
scale and shift of the batch norms included. The order matters where channels do not divide evenly: the canonical order
of isomorphic cells then moves single channels between vertices. `Workload.macs` counts multiply-accumulates, no bias;
the table's `flops` column adds 2 per batch-norm output, 1 per ReLU output and kernel^2 per output of a maximum pool;
global average, additions, concatenations and cuts cost nothing there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

from spaces.base import BoolArray, Layer
from spaces.layers import activation, add, concat, conv, cut, linear, norm, pool
from spaces.wiring import Reads, Wiring, Writers

INPUT_SHAPE: Final = (3, 32, 32)
CLASSES: Final = 10
CELLS_PER_STACK: Final = 3
OPS: Final = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
KERNELS: Final = {"conv3x3-bn-relu": 3, "conv1x1-bn-relu": 1}


class Stack(NamedTuple):
    """Channels and side in pixels of what the cells of a stack write."""

    channels: int
    size: int


STACKS: Final = (Stack(128, 32), Stack(256, 16), Stack(512, 8))
_CONV_NORM_RELU: Final = 3
# Channels of a vertex in each of the three stacks.
Widths = tuple[int, int, int]


class Vertex(NamedTuple):
    """A vertex of a cell with all that its layers depend on.

    Attributes:
        number: its place in the cell.
        op: index into `OPS`, `OUTPUT` for the output vertex.
        reads_input: whether there is an edge from the cell's input.
        widths: its channels in each stack.
        sources: the other vertices that it reads, with their channels.
    """

    number: int
    op: int
    reads_input: bool
    widths: Widths
    sources: tuple[tuple[int, Widths], ...]


OUTPUT: Final = len(OPS)


def cell_vertices(ops: Sequence[int], matrix: BoolArray) -> tuple[Vertex, ...]:
    """The vertices behind the input of a pruned cell.

    Args:
        ops: (n - 2,) operation of each inner vertex.
        matrix: (n, n) edges, strictly upper triangular.
    """
    columns = [_widths(matrix, stack.channels) for stack in STACKS]
    widths = [(first, second, third) for first, second, third in zip(*columns, strict=True)]
    return tuple(
        Vertex(
            number,
            op,
            bool(matrix[0, number]),
            widths[number],
            tuple((source, widths[source]) for source in range(1, number) if matrix[source, number]),
        )
        for number, op in enumerate((*ops, OUTPUT), start=1)
    )


def _widths(matrix: BoolArray, out_channels: int) -> list[int]:
    """Channels of every vertex where the cell writes `out_channels`; the input's, which varies, is given as 0."""
    last = len(matrix) - 1
    final = [vertex for vertex in range(1, last) if matrix[vertex, last]]
    widths = [0] * last + [out_channels]
    for place, vertex in enumerate(final):
        widths[vertex] = out_channels // len(final) + (place < out_channels % len(final))
    for vertex in range(last - 1, 0, -1):
        if vertex not in final:
            widths[vertex] = max(widths[reader] for reader in range(vertex + 1, last) if matrix[vertex, reader])
    return widths


def network_layers(vertices: Iterable[Vertex]) -> tuple[Layer, ...]:
    """All layers in execution order."""
    cell = tuple(vertices)
    layers = list(stem_layers())
    for stack in range(len(STACKS)):
        layers += _downsampling_layers(stack)
        for number in range(CELLS_PER_STACK):
            for vertex in cell:
                layers += _vertex_layers(stack, number, vertex)
    return (*layers, *_head_layers())


def network_reads(vertices: Iterable[Vertex]) -> Reads:
    """What each of `network_layers` reads, see `Workload.reads`."""
    cell = tuple(vertices)
    wiring = Wiring()
    value = wiring.chain(len(stem_layers()))
    for stack in range(len(STACKS)):
        value = wiring.chain(len(_downsampling_layers(stack)), value)
        for _ in range(CELLS_PER_STACK):
            values = {0: value}
            for vertex in cell:
                value = values[vertex.number] = _wire_vertex(wiring, stack, vertex, values)
    wiring.chain(len(_head_layers()), value)
    return wiring.reads


def _wire_vertex(wiring: Wiring, stack: int, vertex: Vertex, values: Mapping[int, Writers]) -> Writers:
    """As `_vertex_layers`; returns what writes the vertex's output."""
    is_output = vertex.op == OUTPUT
    total: Writers = ()
    if is_output:
        read = [values[source] for source, _ in vertex.sources]
        total = wiring.chain(int(len(read) > 1), *read)
    else:
        for place, (source, widths) in enumerate(vertex.sources):
            value = wiring.chain(int(widths[stack] > vertex.widths[stack]), values[source])
            total = wiring.chain(int(place > 0), total, value)
    if vertex.reads_input:
        projected = wiring.chain(_CONV_NORM_RELU, values[0])
        total = wiring.chain(int(bool(vertex.sources)), total, projected)
    return total if is_output else wiring.chain(len(_op_layers("", vertex.op, 1, 1)), total)


@cache
def fixed_layers() -> tuple[Layer, ...]:
    """Stem, pools between the stacks, head."""
    pools = (layer for stack in range(len(STACKS)) for layer in _downsampling_layers(stack))
    return (*stem_layers(), *pools, *_head_layers())


@cache
def vertex_layers(vertex: Vertex) -> tuple[Layer, ...]:
    """What a vertex runs, over all cells in execution order."""
    return tuple(
        layer
        for stack in range(len(STACKS))
        for cell in range(CELLS_PER_STACK)
        for layer in _vertex_layers(stack, cell, vertex)
    )


def cell_input_channels(stack: int, cell: int) -> int:
    """Channels of what a cell reads: those of its stack, or for the first of a stack those of the one before."""
    return STACKS[max(stack - 1, 0) if cell == 0 else stack].channels


@cache
def stem_layers() -> tuple[Layer, ...]:
    """conv3x3 - BN - ReLU from the image to the first cell."""
    return _conv_norm_relu("stem", (INPUT_SHAPE[0], STACKS[0].channels), STACKS[0].size, 3)


def _head_layers() -> tuple[Layer, ...]:
    channels, size = STACKS[-1]
    return pool("head.pool", channels, size, kernel=size, stride=size), linear("head.linear", channels, CLASSES)


def _downsampling_layers(stack: int) -> tuple[Layer, ...]:
    if stack == 0:
        return ()
    before = STACKS[stack - 1]
    return (pool(f"stack{stack}.pool", before.channels, before.size, kernel=2, stride=2),)


@cache
def _vertex_layers(stack: int, cell: int, vertex: Vertex) -> tuple[Layer, ...]:
    name = f"stack{stack}.cell{cell}.vertex{vertex.number}"
    channels, size = vertex.widths[stack], STACKS[stack].size
    layers: list[Layer] = []
    if vertex.op == OUTPUT:
        if len(vertex.sources) > 1:
            layers.append(concat(f"{name}.concat", channels, size))
    else:
        for place, (source, widths) in enumerate(vertex.sources):
            if widths[stack] > channels:
                layers.append(cut(f"{name}.cut{source}", channels, size))
            if place > 0:
                layers.append(add(f"{name}.add{source}", channels, size))
    if vertex.reads_input:
        layers += _conv_norm_relu(f"{name}.project", (cell_input_channels(stack, cell), channels), size, 1)
        if vertex.sources:
            layers.append(add(f"{name}.add0", channels, size))
    return (*layers, *_op_layers(name, vertex.op, channels, size))


def _op_layers(name: str, op: int, channels: int, size: int) -> tuple[Layer, ...]:
    if op == OUTPUT:
        return ()
    if OPS[op] in KERNELS:
        return _conv_norm_relu(f"{name}.{OPS[op]}", (channels, channels), size, KERNELS[OPS[op]])
    return (pool(f"{name}.{OPS[op]}", channels, size, kernel=3, stride=1),)


def _conv_norm_relu(name: str, channels: tuple[int, int], size: int, kernel: int) -> tuple[Layer, ...]:
    return (
        conv(f"{name}.conv", channels, size, kernel=kernel),
        norm(f"{name}.norm", channels[1], size),
        activation(f"{name}.relu", channels[1], size),
    )

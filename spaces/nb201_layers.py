"""The NAS-Bench-201 network for CIFAR-10 as layers: every kernel that the reference network launches.

Source: Dong & Yang 2020, arXiv 2001.00326, and the authors' released network. Stem conv3x3-BN to 16 channels; three
stages of five cells with 16, 32, 64 channels at 32, 16, 8 pixels; residual blocks of stride 2 between the stages;
BN-ReLU, global average pool, linear.

What runs, and therefore counts: a cell computes all six edges, also those that do not reach its output. An edge
`none` is a kernel too: the reference multiplies its input by zero and the node adds the result (measured batch-1
latencies agree: on desktop GPU, CPU and phones `none` costs more than `skip_connect`). So the number of
additions does not depend on the architecture: 0, 1 and 2 at the three nodes, in every cell.

Counts: `Workload.params` is the `params` column of NAS-Bench-Suite-Zero exactly, scale and shift of the batch norms
included. `Workload.macs` counts multiply-accumulates of convolutions and the linear layer, no bias; that table's
`flops` column adds to them 2 per batch-norm output, 1 per ReLU output and kernel^2 per pooling output, with the global
pool's window taken one pixel too wide (9 x 9 for 8 x 8), and nothing for additions and zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from itertools import chain
from typing import Final, NamedTuple

from spaces.base import Layer
from spaces.layers import activation, add, conv, linear, norm, pool
from spaces.wiring import Reads, Wiring, Writers, in_chain

INPUT_SHAPE: Final = (3, 32, 32)
CLASSES: Final = 10
CELLS_PER_STAGE: Final = 5
EDGES: Final = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
OPS: Final = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


class Stage(NamedTuple):
    """Channels and side length in pixels of a stage's maps."""

    channels: int
    size: int


STAGES: Final = (Stage(16, 32), Stage(32, 16), Stage(64, 8))


def network_layers(row: Sequence[int]) -> tuple[Layer, ...]:
    """All layers in execution order of the cell with choices `row` (6,)."""
    layers = list(stem_layers())
    for stage in range(len(STAGES)):
        layers += _reduction_layers(stage)
        for cell in range(CELLS_PER_STAGE):
            for position, choice in enumerate(row):
                layers += _edge_layers(stage, cell, position, choice)
                layers += _sum_layers(stage, cell, position)
    return (*layers, *_head_layers())


@lru_cache(maxsize=1024)
def network_reads(row: tuple[int, ...]) -> Reads:
    """What each of `network_layers` reads, see `Workload.reads`."""
    cell = Wiring()
    wire_cell(
        cell, (-1,), lambda position, sources: cell.chain(len(_edge_layers(0, 0, position, row[position])), sources)
    )
    stem, head = in_chain(len(stem_layers()), is_first=True), in_chain(len(_head_layers()))
    stages = (_reduction_reads(stage) + cell.reads * CELLS_PER_STAGE for stage in range(len(STAGES)))
    return tuple(chain(stem, *stages, head))


def wire_cell(wiring: Wiring, source: Writers, edge: Callable[[int, Writers], Writers]) -> Writers:
    """Wire a cell in the order of its edges and their additions; returns what writes its output.

    Args:
        source: what writes its input.
        edge: wires the operation of an edge, by its position and what writes its input.
    """
    nodes = [source]
    for position, (start, node) in enumerate(EDGES):
        value = edge(position, nodes[start])
        if start == 0:
            nodes.append(value)
        else:
            nodes[node] = wiring.chain(1, nodes[node], value)
    return nodes[-1]


@cache
def body_layers() -> tuple[Layer, ...]:
    """Every layer behind the stem that does not depend on the architecture, in execution order."""
    layers: list[Layer] = []
    for stage in range(len(STAGES)):
        layers += _reduction_layers(stage)
        for cell in range(CELLS_PER_STAGE):
            for position in range(len(EDGES)):
                layers += _sum_layers(stage, cell, position)
    return (*layers, *_head_layers())


@cache
def segment_layers(position: int, choice: int) -> tuple[Layer, ...]:
    """What `choice` on edge `position` runs, over all cells in execution order."""
    return tuple(
        layer
        for stage in range(len(STAGES))
        for cell in range(CELLS_PER_STAGE)
        for layer in _edge_layers(stage, cell, position, choice)
    )


@cache
def stem_layers() -> tuple[Layer, ...]:
    """conv3x3-BN from the image to the first stage."""
    channels, size = STAGES[0]
    return (conv("stem.conv", (INPUT_SHAPE[0], channels), size, kernel=3), norm("stem.norm", channels, size))


@cache
def _head_layers() -> tuple[Layer, ...]:
    channels, size = STAGES[-1]
    return (
        norm("head.norm", channels, size),
        activation("head.relu", channels, size),
        pool("head.pool", channels, size, kernel=size, stride=size),
        linear("head.linear", channels, CLASSES),
    )


@cache
def _reduction_layers(stage: int) -> tuple[Layer, ...]:
    """ResNet basic block of stride 2 before each stage but the first; its shortcut is avgpool2x2 and conv1x1."""
    if stage == 0:
        return ()
    (before, size), (after, half) = STAGES[stage - 1], STAGES[stage]
    name = f"stage{stage}.reduction"
    return (
        *_relu_conv_norm(f"{name}.conv_a", (before, after), size, kernel=3, stride=2),
        *_relu_conv_norm(f"{name}.conv_b", (after, after), half, kernel=3),
        pool(f"{name}.shortcut.pool", before, size, kernel=2, stride=2),
        conv(f"{name}.shortcut.conv", (before, after), half),
        add(f"{name}.add", after, half),
    )


@cache
def _reduction_reads(stage: int) -> Reads:
    if stage == 0:
        return ()
    wiring = Wiring()
    body = wiring.chain(6, (-1,))
    shortcut = wiring.chain(2, (-1,))
    wiring.chain(1, body, shortcut)
    return wiring.reads


@cache
def _sum_layers(stage: int, cell: int, position: int) -> tuple[Layer, ...]:
    """The addition of an edge's result to its node; the first edge of a node has nothing to be added to."""
    source, node = EDGES[position]
    if source == 0:
        return ()
    return (add(f"stage{stage}.cell{cell}.node{node}.add{source}", *STAGES[stage]),)


@cache
def _edge_layers(stage: int, cell: int, position: int, choice: int) -> tuple[Layer, ...]:
    source, node = EDGES[position]
    name = f"stage{stage}.cell{cell}.edge{source}{node}.{OPS[choice]}"
    return _OP_LAYERS[OPS[choice]](name, STAGES[stage])


def _relu_conv_norm(
    name: str, channels: tuple[int, int], size: int, *, kernel: int, stride: int = 1
) -> tuple[Layer, ...]:
    convolution = conv(f"{name}.conv", channels, size, kernel=kernel, stride=stride)
    return (
        activation(f"{name}.relu", channels[0], size),
        convolution,
        norm(f"{name}.norm", channels[1], convolution.out_height),
    )


def _zero(name: str, stage: Stage) -> tuple[Layer, ...]:
    return (activation(f"{name}.zero", *stage),)


def _identity(name: str, stage: Stage) -> tuple[Layer, ...]:
    return ()


def _conv_1x1(name: str, stage: Stage) -> tuple[Layer, ...]:
    return _relu_conv_norm(name, (stage.channels, stage.channels), stage.size, kernel=1)


def _conv_3x3(name: str, stage: Stage) -> tuple[Layer, ...]:
    return _relu_conv_norm(name, (stage.channels, stage.channels), stage.size, kernel=3)


def _avg_pool(name: str, stage: Stage) -> tuple[Layer, ...]:
    return (pool(f"{name}.pool", *stage, kernel=3, stride=1),)


_OP_LAYERS: Final[dict[str, Callable[[str, Stage], tuple[Layer, ...]]]] = {
    "none": _zero,
    "skip_connect": _identity,
    "nor_conv_1x1": _conv_1x1,
    "nor_conv_3x3": _conv_3x3,
    "avg_pool_3x3": _avg_pool,
}

"""The TransNAS-Bench-101 networks as layers: the macro network of modules that both of its spaces fill.

Source: Duan et al. 2021, arXiv 2105.11871, and the authors' released networks. Images of 256 pixels; stem conv3x3 of
stride 2 to 32 channels - BN, then ReLU - conv3x3 of stride 2 - BN to 64; modules of two cells or residual blocks, of
which the first may double the channels and halve the side; global average pool, linear. The head is that of scene
classification with 63 classes, as in NAS-Bench-Suite-Zero; other tasks have other heads.

What runs, and therefore counts: every edge of a cell, also those that do not reach its output, and an addition for
every edge but the first of a node, as in `nb201_layers`. `none` multiplies by zero where it keeps the shape, and else
writes a map of zeros. `skip_connect` is nothing where it keeps the shape, and else a factorized reduction, which here
cuts the odd pixels from the map where the reference also pads it by a row and a column that it never reads.

Counts: `Workload.params` is the `params` column of the class_scene tables of NAS-Bench-Suite-Zero exactly, scale and
shift of the batch norms included. `Workload.macs` counts multiply-accumulates, no bias; that table's `flops` column
adds 2 per batch-norm output, 1 per ReLU output, and the global pool's window squared per output, taken one pixel too
wide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final, NamedTuple

from spaces.base import Layer
from spaces.layers import activation, add, concat, conv, cut, linear, norm, pool, zeros
from spaces.nb201_layers import EDGES, wire_cell
from spaces.wiring import Reads, Wiring, Writers

INPUT_SHAPE: Final = (3, 256, 256)
CLASSES: Final = 63
STEM_CHANNELS: Final = (32, 64)
CELLS_PER_MODULE: Final = 2
OPS: Final = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3")


class Module(NamedTuple):
    """Channels and side of what a module reads, and whether its first cell doubles the one and halves the other."""

    channels: int
    size: int
    is_widening: bool
    is_halving: bool

    @property
    def out_channels(self) -> int:
        """Channels of what the module writes."""
        return 2 * self.channels if self.is_widening else self.channels

    @property
    def out_size(self) -> int:
        """Side in pixels of what the module writes."""
        return self.size // 2 if self.is_halving else self.size

    @property
    def stride(self) -> int:
        """Stride of the first cell."""
        return 2 if self.is_halving else 1


# Of the types of module that the benchmark numbers 1 to 4: whether it doubles the channels, whether it halves the side.
MODULE_TYPES: Final = {1: (False, False), 2: (True, False), 3: (False, True), 4: (True, True)}
MICRO_MODULES: Final = (4, 1, 4, 1, 4)


@cache
def modules(types: tuple[int, ...]) -> tuple[Module, ...]:
    """The modules of those types one behind the other."""
    found: list[Module] = []
    channels, size = STEM_CHANNELS[1], INPUT_SHAPE[1] // 4
    for module_type in types:
        found.append(Module(channels, size, *MODULE_TYPES[module_type]))
        channels, size = found[-1].out_channels, found[-1].out_size
    return tuple(found)


@cache
def stem_layers() -> tuple[Layer, ...]:
    """Two strided convolutions from the image to the first module."""
    first, second = STEM_CHANNELS
    size = INPUT_SHAPE[1]
    return (
        conv("stem.conv", (INPUT_SHAPE[0], first), size, kernel=3, stride=2),
        norm("stem.norm", first, size // 2),
        *_relu_conv_norm("stem.second", (first, second), size // 2, kernel=3, stride=2),
    )


@cache
def head_layers(channels: int, size: int) -> tuple[Layer, ...]:
    """Global average pool, linear."""
    return (pool("head.pool", channels, size, kernel=size, stride=size), linear("head.linear", channels, CLASSES))


def micro_layers(row: Sequence[int]) -> tuple[Layer, ...]:
    """All layers in execution order of the network with the cell of choices `row` (6,)."""
    layers = list(stem_layers())
    for number, module in enumerate(modules(MICRO_MODULES)):
        for cell in range(CELLS_PER_MODULE):
            for position, choice in enumerate(row):
                layers += _edge_layers(number, module, cell, position, choice)
                layers += _sum_layers(number, module, cell, position)
    return (*layers, *micro_head_layers())


def micro_reads(row: Sequence[int]) -> Reads:
    """What each of `micro_layers` reads, see `Workload.reads`."""
    wiring = Wiring()
    value = wiring.chain(len(stem_layers()))
    for number, module in enumerate(modules(MICRO_MODULES)):
        for cell in range(CELLS_PER_MODULE):

            def edge(
                position: int, source: Writers, place: tuple[int, Module, int] = (number, module, cell)
            ) -> Writers:
                found = _edge_layers(*place, position, row[position])
                is_reduction = OPS[row[position]] == "skip_connect" and len(found) > 0
                return wiring.factorized_reduce(source) if is_reduction else wiring.chain(len(found), source)

            value = wire_cell(wiring, value, edge)
    wiring.chain(len(micro_head_layers()), value)
    return wiring.reads


@cache
def micro_body_layers() -> tuple[Layer, ...]:
    """Every layer behind the stem that does not depend on the cell."""
    sums = (
        layer
        for number, module in enumerate(modules(MICRO_MODULES))
        for cell in range(CELLS_PER_MODULE)
        for position in range(len(EDGES))
        for layer in _sum_layers(number, module, cell, position)
    )
    return (*sums, *micro_head_layers())


def micro_head_layers() -> tuple[Layer, ...]:
    """The head behind the last module of the micro space's network."""
    last = modules(MICRO_MODULES)[-1]
    return head_layers(last.out_channels, last.out_size)


@cache
def micro_segment_layers(position: int, choice: int) -> tuple[Layer, ...]:
    """What `choice` on edge `position` runs, over all cells in execution order."""
    return tuple(
        layer
        for number, module in enumerate(modules(MICRO_MODULES))
        for cell in range(CELLS_PER_MODULE)
        for layer in _edge_layers(number, module, cell, position, choice)
    )


@cache
def block_layers(number: int, module: Module) -> tuple[Layer, ...]:
    """The two residual blocks of a module of the macro space, in execution order."""
    channels, size = module.out_channels, module.out_size
    name = f"module{number}"
    shortcut: tuple[Layer, ...] = ()
    if module.is_widening or module.is_halving:
        shortcut = (
            conv(f"{name}.block0.shortcut.conv", (module.channels, channels), module.size, stride=module.stride),
            norm(f"{name}.block0.shortcut.norm", channels, size),
        )
    return (
        *_relu_conv_norm(f"{name}.block0.conv_a", (module.channels, channels), module.size, 3, module.stride),
        *_relu_conv_norm(f"{name}.block0.conv_b", (channels, channels), size, 3),
        *shortcut,
        add(f"{name}.block0.add", channels, size),
        *_relu_conv_norm(f"{name}.block1.conv_a", (channels, channels), size, 3),
        *_relu_conv_norm(f"{name}.block1.conv_b", (channels, channels), size, 3),
        add(f"{name}.block1.add", channels, size),
    )


@cache
def block_reads(module: Module) -> Reads:
    """What each of `block_layers` reads; the first block's input is what stands before the module."""
    wiring = Wiring()
    source = (-1,)
    for shortcut in (2 if module.is_widening or module.is_halving else 0, 0):
        body = wiring.chain(6, source)
        source = wiring.chain(1, body, wiring.chain(shortcut, source))
    return wiring.reads


@cache
def _sum_layers(number: int, module: Module, cell: int, position: int) -> tuple[Layer, ...]:
    """The addition of an edge's result to its node; the first edge of a node has nothing to be added to."""
    source, node = EDGES[position]
    if source == 0:
        return ()
    return (add(f"module{number}.cell{cell}.node{node}.add{source}", module.out_channels, module.out_size),)


@cache
def _edge_layers(number: int, module: Module, cell: int, position: int, choice: int) -> tuple[Layer, ...]:
    source, node = EDGES[position]
    name = f"module{number}.cell{cell}.edge{source}{node}.{OPS[choice]}"
    is_first = cell == 0 and source == 0
    shapes = module if is_first else Module(module.out_channels, module.out_size, is_widening=False, is_halving=False)
    return _OP_LAYERS[OPS[choice]](name, shapes)


def _zero(name: str, shapes: Module) -> tuple[Layer, ...]:
    if shapes.is_widening or shapes.is_halving:
        return (zeros(f"{name}.zero", shapes.out_channels, shapes.out_size),)
    return (activation(f"{name}.zero", shapes.channels, shapes.size),)


def _skip(name: str, shapes: Module) -> tuple[Layer, ...]:
    if not shapes.is_widening and not shapes.is_halving:
        return ()
    half = (shapes.channels, shapes.out_channels // 2)
    return (
        activation(f"{name}.relu", shapes.channels, shapes.size),
        conv(f"{name}.even", half, shapes.size, stride=2),
        cut(f"{name}.shift", shapes.channels, shapes.size - 1),
        conv(f"{name}.odd", half, shapes.size - 1, stride=2),
        concat(f"{name}.concat", shapes.out_channels, shapes.out_size),
        norm(f"{name}.norm", shapes.out_channels, shapes.out_size),
    )


def _conv_1x1(name: str, shapes: Module) -> tuple[Layer, ...]:
    return _relu_conv_norm(name, (shapes.channels, shapes.out_channels), shapes.size, 1, shapes.stride)


def _conv_3x3(name: str, shapes: Module) -> tuple[Layer, ...]:
    return _relu_conv_norm(name, (shapes.channels, shapes.out_channels), shapes.size, 3, shapes.stride)


_OP_LAYERS: Final[dict[str, Callable[[str, Module], tuple[Layer, ...]]]] = {
    "none": _zero,
    "skip_connect": _skip,
    "nor_conv_1x1": _conv_1x1,
    "nor_conv_3x3": _conv_3x3,
}


def _relu_conv_norm(
    name: str, channels: tuple[int, int], size: int, kernel: int, stride: int = 1
) -> tuple[Layer, Layer, Layer]:
    convolution = conv(f"{name}.conv", channels, size, kernel=kernel, stride=stride)
    return (
        activation(f"{name}.relu", channels[0], size),
        convolution,
        norm(f"{name}.norm", channels[1], convolution.out_height),
    )

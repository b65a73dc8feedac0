"""The FBNet networks as layers: 22 searchable blocks between a stem and a header.

Source: Wu et al. 2019, arXiv 1812.03443; the CIFAR-100 macro is the one of HW-NAS-Bench (Li et al. 2021, arXiv
2103.10584) and HELP, whose measurements we read. A block is conv1x1 (groups g) - BN - ReLU, a channel shuffle if g > 1,
depthwise conv k x k with the stride - BN - ReLU, conv1x1 (groups g) - BN, plus the input where shapes agree.
`skip` is nothing at all where shapes agree, else a strided conv1x1 - BN - ReLU.

Counts: `Workload.params` is the `params` column of NASFLAT's FBNet table exactly, scale and shift of the batch norms
included. `Workload.macs` counts multiply-accumulates of convolutions and the linear layer, no bias; that table's
`flops` column adds to them 2 per batch-norm output, 1 per input of the pool and 1 per ReLU output, but of a block's two
ReLUs, one module called twice, it has only the second; shuffles and additions cost nothing there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from spaces.base import Layer
from spaces.layers import activation, add, conv, linear, norm, pool, shuffle

IMAGE_CHANNELS: Final = 3
POSITIONS: Final = 22


@dataclass(frozen=True, slots=True)
class Macro:
    """Everything of an FBNet network that is not searched.

    Attributes: one entry per stage in the tuples; a stage's stride is that of its first block.
    """

    space: str
    image_size: int
    classes: int
    stem_channels: int
    stem_stride: int
    stage_blocks: tuple[int, ...]
    stage_channels: tuple[int, ...]
    stage_strides: tuple[int, ...]
    header_channels: int


CIFAR100: Final = Macro(
    space="fbnet",
    image_size=32,
    classes=100,
    stem_channels=16,
    stem_stride=1,
    stage_blocks=(1, 4, 4, 4, 4, 4, 1),
    stage_channels=(16, 24, 32, 64, 112, 184, 352),
    stage_strides=(1, 1, 2, 2, 1, 2, 1),
    header_channels=1504,
)
IMAGENET: Final = Macro(
    space="fbnet_imagenet",
    image_size=224,
    classes=1000,
    stem_channels=16,
    stem_stride=2,
    stage_blocks=(1, 4, 4, 4, 4, 4, 1),
    stage_channels=(16, 24, 32, 64, 112, 184, 352),
    stage_strides=(1, 2, 2, 2, 1, 2, 1),
    header_channels=1984,
)


class BlockChoice(NamedTuple):
    """Kernel size, expansion ratio and groups of the 1x1 convolutions of a block."""

    kernel: int
    expansion: int
    groups: int


BLOCKS: Final[dict[str, BlockChoice | None]] = {
    "k3_e1": BlockChoice(3, 1, 1),
    "k3_e1_g2": BlockChoice(3, 1, 2),
    "k3_e3": BlockChoice(3, 3, 1),
    "k3_e6": BlockChoice(3, 6, 1),
    "k5_e1": BlockChoice(5, 1, 1),
    "k5_e1_g2": BlockChoice(5, 1, 2),
    "k5_e3": BlockChoice(5, 3, 1),
    "k5_e6": BlockChoice(5, 6, 1),
    "skip": None,
}
OPS: Final = tuple(BLOCKS)


class Position(NamedTuple):
    """Shapes that a block has to connect; `size` is the side of its input in pixels."""

    in_channels: int
    out_channels: int
    size: int
    stride: int

    @property
    def out_size(self) -> int:
        """Side of the output in pixels."""
        return self.size // self.stride

    @property
    def keeps_shape(self) -> bool:
        """Whether output and input have one shape, so that they can be added."""
        return self.stride == 1 and self.in_channels == self.out_channels


@cache
def positions(macro: Macro) -> tuple[Position, ...]:
    """The shapes around each of the 22 blocks."""
    found: list[Position] = []
    channels, size = macro.stem_channels, macro.image_size // macro.stem_stride
    for blocks, out_channels, stride in zip(macro.stage_blocks, macro.stage_channels, macro.stage_strides, strict=True):
        for block in range(blocks):
            found.append(Position(channels, out_channels, size, stride if block == 0 else 1))
            channels, size = out_channels, found[-1].out_size
    return tuple(found)


def network_layers(macro: Macro, row: Sequence[int]) -> tuple[Layer, ...]:
    """All layers in execution order of the network with choices `row` (22,)."""
    blocks = (layer for position, choice in enumerate(row) for layer in segment_layers(macro, position, choice))
    return (*stem_layers(macro), *blocks, *head_layers(macro))


@cache
def stem_layers(macro: Macro) -> tuple[Layer, ...]:
    """conv3x3 - BN - ReLU from the image to the first block."""
    channels = (IMAGE_CHANNELS, macro.stem_channels)
    return _conv_norm_relu("stem", channels, macro.image_size, kernel=3, stride=macro.stem_stride)


@cache
def head_layers(macro: Macro) -> tuple[Layer, ...]:
    """conv1x1 - BN - ReLU, global average pool, linear."""
    last = positions(macro)[-1]
    size, channels = last.out_size, macro.header_channels
    return (
        *_conv_norm_relu("header", (last.out_channels, channels), size),
        pool("head.pool", channels, size, kernel=size, stride=size),
        linear("head.linear", channels, macro.classes),
    )


@cache
def segment_layers(macro: Macro, position: int, choice: int) -> tuple[Layer, ...]:
    """What block `choice` runs at `position`."""
    shapes, op = positions(macro)[position], OPS[choice]
    block = BLOCKS[op]
    name = f"block{position}.{op}"
    if block is not None:
        return _block_layers(name, shapes, block)
    if shapes.keeps_shape:
        return ()
    return _conv_norm_relu(name, (shapes.in_channels, shapes.out_channels), shapes.size, stride=shapes.stride)


def _block_layers(name: str, shapes: Position, block: BlockChoice) -> tuple[Layer, ...]:
    hidden = shapes.in_channels * block.expansion
    layers = _conv_norm_relu(f"{name}.expand", (shapes.in_channels, hidden), shapes.size, groups=block.groups)
    if block.groups > 1:
        layers += (shuffle(f"{name}.shuffle", hidden, shapes.size),)
    layers += _conv_norm_relu(
        f"{name}.depthwise", (hidden, hidden), shapes.size, kernel=block.kernel, stride=shapes.stride, groups=hidden
    )
    layers += (
        conv(f"{name}.project.conv", (hidden, shapes.out_channels), shapes.out_size, groups=block.groups),
        norm(f"{name}.project.norm", shapes.out_channels, shapes.out_size),
    )
    if shapes.keeps_shape:
        layers += (add(f"{name}.add", shapes.out_channels, shapes.out_size),)
    return layers


def _conv_norm_relu(
    name: str, channels: tuple[int, int], size: int, *, kernel: int = 1, stride: int = 1, groups: int = 1
) -> tuple[Layer, ...]:
    convolution = conv(f"{name}.conv", channels, size, kernel=kernel, stride=stride, groups=groups)
    out_size = convolution.out_height
    return (
        convolution,
        norm(f"{name}.norm", channels[1], out_size),
        activation(f"{name}.relu", channels[1], out_size),
    )

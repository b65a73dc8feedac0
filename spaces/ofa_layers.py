"""The Once-for-all MobileNetV3 networks as layers: five units of two to four blocks, at 128 to 224 pixels.

Source: Cai et al. 2020, arXiv 1908.09791, and the authors' released network at width 1.2, with which HELP (Lee et al.
2021, arXiv 2106.08630) evaluates the architectures it measured. A block is conv1x1 - BN - activation, depthwise k x k
with the stride - BN - activation, squeeze and excitation in some units, conv1x1 - BN, plus the input where shapes
agree. Channels are multiples of 8. Every activation, squeeze's and the hard sigmoid included, is one kernel, and so is
the product with the gate.

There is no published table of counts to compare with: counts are those of the torch network, batch norms' scale and
shift and the biases of squeeze and excitation included in `params`, `macs` without biases.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Final, NamedTuple

from spaces.base import Layer
from spaces.layers import activation, add, conv, linear, norm, pool

RESOLUTIONS: Final = tuple(range(128, 225, 4))
KERNELS: Final = (3, 5, 7)
EXPANSIONS: Final = (3, 4, 6)
DEPTHS: Final = (2, 3, 4)
MOST_BLOCKS: Final = max(DEPTHS)
IMAGE_CHANNELS: Final = 3
CLASSES: Final = 1000
SQUEEZE: Final = 4


class Unit(NamedTuple):
    """What the blocks of a unit have in common; the stride is that of the first."""

    channels: int
    stride: int
    has_hard_swish: bool
    has_squeeze: bool


class BlockChoice(NamedTuple):
    """Kernel size of the depthwise convolution and expansion ratio."""

    kernel: int
    expansion: int


STEM_CHANNELS: Final = 24
UNITS: Final = (
    Unit(32, 2, has_hard_swish=False, has_squeeze=False),
    Unit(48, 2, has_hard_swish=False, has_squeeze=True),
    Unit(96, 2, has_hard_swish=True, has_squeeze=False),
    Unit(136, 1, has_hard_swish=True, has_squeeze=True),
    Unit(192, 2, has_hard_swish=True, has_squeeze=True),
)
FINAL_CHANNELS: Final = 1152
MIXED_CHANNELS: Final = 1536
BLOCKS: Final = {
    f"k{kernel}e{expansion}": BlockChoice(kernel, expansion) for kernel, expansion in product(KERNELS, EXPANSIONS)
}
ABSENT: Final = "absent"
POSITIONS: Final = len(UNITS) * MOST_BLOCKS


class Shapes(NamedTuple):
    """What a block has to connect; `size` is the side of its input in pixels."""

    in_channels: int
    out_channels: int
    size: int
    stride: int

    @property
    def keeps_shape(self) -> bool:
        """Whether output and input have one shape, so that they can be added."""
        return self.stride == 1 and self.in_channels == self.out_channels


def hidden_channels(in_channels: int, expansion: int) -> int:
    """Channels of a block's depthwise convolution."""
    return multiple_of_8(in_channels * expansion)


def multiple_of_8(channels: float) -> int:
    """The nearest multiple of 8, at least 8 and not more than a tenth below `channels`."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


@cache
def block_shapes(position: int, resolution: int) -> Shapes:
    """The shapes around the block at `position` (0..19) of a network for images of `resolution` pixels."""
    number, index = divmod(position, MOST_BLOCKS)
    unit = UNITS[number]
    size = halved(resolution)
    for before in UNITS[:number]:
        size = halved(size) if before.stride == 2 else size
    if index == 0:
        return Shapes(UNITS[number - 1].channels if number else STEM_CHANNELS, unit.channels, size, unit.stride)
    return Shapes(unit.channels, unit.channels, halved(size) if unit.stride == 2 else size, 1)


def halved(size: int) -> int:
    """Side of a map behind a convolution of stride 2."""
    return (size + 1) // 2


@cache
def stem_layers(resolution: int) -> tuple[Layer, ...]:
    """conv3x3 of stride 2 - BN - hard swish, then a block of expansion 1 that is not searched."""
    size, channels = halved(resolution), (STEM_CHANNELS, STEM_CHANNELS)
    return (
        *_conv_norm("stem", (IMAGE_CHANNELS, STEM_CHANNELS), resolution, kernel=3, stride=2),
        activation("stem.act", STEM_CHANNELS, size),
        *_conv_norm("first.depthwise", channels, size, kernel=3, groups=STEM_CHANNELS),
        activation("first.depthwise.act", STEM_CHANNELS, size),
        *_conv_norm("first.project", channels, size),
        add("first.add", STEM_CHANNELS, size),
    )


@cache
def head_layers(resolution: int) -> tuple[Layer, ...]:
    """conv1x1 - BN - hard swish, global average pool, conv1x1 - hard swish, linear."""
    last = block_shapes(POSITIONS - 1, resolution)
    return (
        *_conv_norm("final", (last.out_channels, FINAL_CHANNELS), last.size),
        activation("final.act", FINAL_CHANNELS, last.size),
        pool("head.pool", FINAL_CHANNELS, last.size, kernel=last.size, stride=last.size),
        conv("head.mix", (FINAL_CHANNELS, MIXED_CHANNELS), 1),
        activation("head.act", MIXED_CHANNELS, 1),
        linear("head.linear", MIXED_CHANNELS, CLASSES),
    )


@cache
def block_layers(position: int, name: str, resolution: int) -> tuple[Layer, ...]:
    """What the block of that name runs at `position`; an absent one runs nothing."""
    if name == ABSENT:
        return ()
    shapes, block, unit = block_shapes(position, resolution), BLOCKS[name], UNITS[position // MOST_BLOCKS]
    hidden = hidden_channels(shapes.in_channels, block.expansion)
    prefix = f"unit{position // MOST_BLOCKS}.block{position % MOST_BLOCKS}.{name}"
    depthwise = _conv_norm(
        f"{prefix}.depthwise", (hidden, hidden), shapes.size, kernel=block.kernel, stride=shapes.stride, groups=hidden
    )
    size = depthwise[0].out_height
    return (
        *_conv_norm(f"{prefix}.expand", (shapes.in_channels, hidden), shapes.size),
        activation(f"{prefix}.expand.act", hidden, shapes.size),
        *depthwise,
        activation(f"{prefix}.depthwise.act", hidden, size),
        *(_squeeze_layers(f"{prefix}.squeeze", hidden, size) if unit.has_squeeze else ()),
        *_conv_norm(f"{prefix}.project", (hidden, shapes.out_channels), size),
        *((add(f"{prefix}.add", shapes.out_channels, size),) if shapes.keeps_shape else ()),
    )


def _squeeze_layers(name: str, channels: int, size: int) -> tuple[Layer, ...]:
    squeezed = multiple_of_8(channels // SQUEEZE)
    return (
        pool(f"{name}.pool", channels, size, kernel=size, stride=size),
        conv(f"{name}.reduce", (channels, squeezed), 1, has_bias=True),
        activation(f"{name}.relu", squeezed, 1),
        conv(f"{name}.expand", (squeezed, channels), 1, has_bias=True),
        activation(f"{name}.gate", channels, 1),
        activation(f"{name}.scale", channels, size),
    )


def _conv_norm(
    name: str, channels: tuple[int, int], size: int, *, kernel: int = 1, stride: int = 1, groups: int = 1
) -> tuple[Layer, Layer]:
    convolution = conv(f"{name}.conv", channels, size, kernel=kernel, stride=stride, groups=groups)
    return convolution, norm(f"{name}.norm", channels[1], convolution.out_height)

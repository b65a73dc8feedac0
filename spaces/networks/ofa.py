"""The Once-for-all MobileNetV3 networks in torch, as stand-alone networks without shared weights.

Source: Cai et al. 2020, arXiv 1908.09791, at width 1.2.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from spaces import ofa_layers as layers
from spaces.networks.operations import HardSigmoid
from spaces.ofa_layers import BlockChoice, Shapes, Unit


class ConvNorm(nn.Sequential):
    """Convolution, batch normalisation, and the activation if there is one."""

    def __init__(
        self, channels: tuple[int, int], kernel: int = 1, stride: int = 1, groups: int = 1, act: nn.Module | None = None
    ):
        convolution = nn.Conv2d(*channels, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(channels[1]), act or nn.Identity())


class Squeeze(nn.Module):
    """Squeeze and excitation: each channel scaled by a gate that all channels' means decide."""

    def __init__(self, channels: int):
        super().__init__()
        squeezed = layers.multiple_of_8(channels // layers.SQUEEZE)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1),
            nn.ReLU(),
            nn.Conv2d(squeezed, channels, 1),
            HardSigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps to maps of the same shape."""
        return x * self.gate(x)


class Residual(nn.Module):
    """The body's result plus its input."""

    def __init__(self, body: nn.Module):
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """Maps to maps of the same shape."""
        return self.body(x) + x


class OfaNetwork(nn.Sequential):
    """Images (batch, 3, size, size) to logits (batch, 1000) for the decisions `row` (21,): resolution and blocks.

    The resolution changes no weight.
    """

    def __init__(self, row: Sequence[int]):
        stem, last, names = layers.STEM_CHANNELS, layers.UNITS[-1].channels, list(layers.BLOCKS)
        blocks = [
            _block(position, layers.BLOCKS[names[block]])
            for position, block in enumerate(row[1:])
            if block < len(names)
        ]
        super().__init__(
            ConvNorm((layers.IMAGE_CHANNELS, stem), 3, 2, act=nn.Hardswish()),
            Residual(nn.Sequential(ConvNorm((stem, stem), 3, groups=stem, act=nn.ReLU()), ConvNorm((stem, stem)))),
            *blocks,
            ConvNorm((last, layers.FINAL_CHANNELS), act=nn.Hardswish()),
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(layers.FINAL_CHANNELS, layers.MIXED_CHANNELS, 1, bias=False),
            nn.Hardswish(),
            nn.Flatten(),
            nn.Linear(layers.MIXED_CHANNELS, layers.CLASSES),
        )


def _block(position: int, block: BlockChoice) -> nn.Module:
    shapes = layers.block_shapes(position, layers.RESOLUTIONS[0])
    body = _body(shapes, block, layers.UNITS[position // layers.MOST_BLOCKS])
    return Residual(body) if shapes.keeps_shape else body


def _body(shapes: Shapes, block: BlockChoice, unit: Unit) -> nn.Module:
    hidden = layers.hidden_channels(shapes.in_channels, block.expansion)
    activation = nn.Hardswish if unit.has_hard_swish else nn.ReLU
    return nn.Sequential(
        ConvNorm((shapes.in_channels, hidden), act=activation()),
        ConvNorm((hidden, hidden), block.kernel, shapes.stride, hidden, act=activation()),
        Squeeze(hidden) if unit.has_squeeze else nn.Identity(),
        ConvNorm((hidden, shapes.out_channels)),
    )

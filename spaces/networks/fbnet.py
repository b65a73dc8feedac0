"""The FBNet networks in torch, on the CIFAR-100 macro of HW-NAS-Bench and HELP or on the ImageNet one.

Source: Wu et al. 2019, arXiv 1812.03443; Li et al. 2021, arXiv 2103.10584, whose parameter counts it has.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from spaces.fbnet_layers import BLOCKS, IMAGE_CHANNELS, OPS, BlockChoice, Macro, Position, positions


class ConvNormRelu(nn.Sequential):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1, groups: int = 1):
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        )


class Block(nn.Module):
    """Inverted residual: expand, shuffle if grouped, depthwise, project, plus the input where shapes agree."""

    def __init__(self, shapes: Position, block: BlockChoice):
        super().__init__()
        hidden = shapes.in_channels * block.expansion
        self.body = nn.Sequential(
            ConvNormRelu(shapes.in_channels, hidden, groups=block.groups),
            nn.ChannelShuffle(block.groups) if block.groups > 1 else nn.Identity(),
            ConvNormRelu(hidden, hidden, block.kernel, shapes.stride, groups=hidden),
            nn.Conv2d(hidden, shapes.out_channels, 1, groups=block.groups, bias=False),
            nn.BatchNorm2d(shapes.out_channels),
        )
        self.has_residual = shapes.keeps_shape

    def forward(self, x: Tensor) -> Tensor:
        """Maps (batch, in_channels, size, size) to (batch, out_channels, size / stride, size / stride)."""
        return self.body(x) + x if self.has_residual else self.body(x)


class FbnetNetwork(nn.Sequential):
    """Images (batch, 3, size, size) to logits (batch, classes) through the blocks with choices `row` (22,)."""

    def __init__(self, row: Sequence[int], *, macro: Macro):
        last = positions(macro)[-1].out_channels
        super().__init__(
            ConvNormRelu(IMAGE_CHANNELS, macro.stem_channels, 3, macro.stem_stride),
            *(_block(shapes, OPS[choice]) for shapes, choice in zip(positions(macro), row, strict=True)),
            ConvNormRelu(last, macro.header_channels),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(macro.header_channels, macro.classes),
        )


def _block(shapes: Position, op: str) -> nn.Module:
    block = BLOCKS[op]
    if block is not None:
        return Block(shapes, block)
    if shapes.keeps_shape:
        return nn.Identity()
    return ConvNormRelu(shapes.in_channels, shapes.out_channels, stride=shapes.stride)

"""Modules that the networks of several spaces share.

Those that are one kernel on a device are one ONNX node each: `Zeros`, `Shift`, `Truncate`, `HardSigmoid`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Zero(nn.Module):
    """The operation `none`: a map of zeros, computed as the reference does."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps of zeros in the shape of `x`."""
        return x * 0.0


class Zeros(nn.Module):
    """Maps of zeros in a shape of their own, `stride` times smaller than the input's."""

    def __init__(self, channels: int, stride: int):
        super().__init__()
        self.channels = channels
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Maps (batch, channels, size / stride, size / stride)."""
        batch, _, height, width = x.shape
        return x.new_zeros(batch, self.channels, height // self.stride, width // self.stride)


class Shift(nn.Module):
    """The map without its first row and column."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps of a side smaller by 1."""
        return x[:, :, 1:, 1:]


class Truncate(nn.Module):
    """The first channels of a map."""

    def __init__(self, channels: int):
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """Maps of `channels` channels."""
        return x[:, : self.channels]


class HardSigmoid(nn.Module):
    """What `nn.Hardsigmoid` computes, of which torch has no second derivative."""

    def forward(self, x: Tensor) -> Tensor:
        """relu6(x + 3) / 6, of the shape of `x`."""
        return functional.relu6(x + 3) / 6


class ReluConvNorm(nn.Sequential):
    """ReLU, convolution, batch normalisation: the order inside a cell."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1):
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(out_channels),
        )


class DepthwisePointwise(nn.Sequential):
    """ReLU, depthwise k x k, 1x1, batch normalisation; `is_affine` says whether it learns scale and shift."""

    def __init__(self, channels: int, kernel: int, stride: int, dilation: int = 1, *, is_affine: bool):
        padding = dilation * (kernel - 1) // 2
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels, affine=is_affine),
        )


class FactorizedReduce(nn.Module):
    """Halves a map of even side by two strided 1x1 convolutions, one on even and one on odd pixels, side by side."""

    def __init__(self, in_channels: int, out_channels: int, *, is_affine: bool = True):
        super().__init__()
        self.relu = nn.ReLU()
        self.even = nn.Conv2d(in_channels, out_channels // 2, 1, stride=2, bias=False)
        self.shift = Shift()
        self.odd = nn.Conv2d(in_channels, out_channels // 2, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(out_channels, affine=is_affine)

    def forward(self, x: Tensor) -> Tensor:
        """Maps to maps of half the side and `out_channels`."""
        x = self.relu(x)
        return self.norm(torch.cat([self.even(x), self.odd(self.shift(x))], 1))

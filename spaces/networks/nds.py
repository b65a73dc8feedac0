"""The operations of the NDS cell spaces for CIFAR-10 in torch.

Source: Radosavovic et al. 2019, arXiv 1905.13214; what differs from NAS-Bench-301's network is in `spaces.nds_layers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from torch import nn

from spaces.nb301_layers import Edge
from spaces.nds_cells import CellFamily, nodes_of
from spaces.networks.cell_pair import CellPairNetwork, Operation
from spaces.networks.operations import DepthwisePointwise, FactorizedReduce, ReluConvNorm, Zero, Zeros


class RowThenColumn(nn.Sequential):
    """ReLU, 1 x k, k x 1, batch normalisation; each convolution has the stride along its own direction."""

    def __init__(self, channels: int, kernel: int, stride: int):
        padding = kernel // 2
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(channels, channels, (1, kernel), (1, stride), (0, padding), bias=False),
            nn.Conv2d(channels, channels, (kernel, 1), (stride, 1), (padding, 0), bias=False),
            nn.BatchNorm2d(channels),
        )


def _none(channels: int, stride: int) -> nn.Module:
    return Zero() if stride == 1 else Zeros(channels, stride)


def _skip(channels: int, stride: int) -> nn.Module:
    return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels)


def _avg_pool(channels: int, stride: int) -> nn.Module:
    del channels
    return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)


def _max_pool(kernel: int) -> Operation:
    return lambda _, stride: nn.MaxPool2d(kernel, stride, padding=kernel // 2)


def _conv(kernel: int) -> Operation:
    return lambda channels, stride: ReluConvNorm(channels, channels, kernel, stride)


def _row_then_column(kernel: int) -> Operation:
    return lambda channels, stride: RowThenColumn(channels, kernel, stride)


def _separable(kernel: int, dilation: int = 1) -> Operation:
    return lambda channels, stride: nn.Sequential(
        DepthwisePointwise(channels, kernel, stride, dilation, is_affine=True),
        DepthwisePointwise(channels, kernel, 1, dilation, is_affine=True),
    )


def _dilated(kernel: int) -> Operation:
    return lambda channels, stride: DepthwisePointwise(channels, kernel, stride, dilation=2, is_affine=True)


_OPERATIONS: Final[dict[str, Operation]] = {
    "none": _none,
    "skip_connect": _skip,
    "avg_pool_3x3": _avg_pool,
    "max_pool_3x3": _max_pool(3),
    "max_pool_5x5": _max_pool(5),
    "max_pool_7x7": _max_pool(7),
    "conv_1x1": _conv(1),
    "conv_3x3": _conv(3),
    "conv_3x1_1x3": _row_then_column(3),
    "conv_7x1_1x7": _row_then_column(7),
    "sep_conv_3x3": _separable(3),
    "sep_conv_5x5": _separable(5),
    "sep_conv_7x7": _separable(7),
    "dil_conv_3x3": _dilated(3),
    "dil_conv_5x5": _dilated(5),
    "dil_sep_conv_3x3": _separable(3, dilation=2),
}


class NdsNetwork(CellPairNetwork):
    """The network of a family through the cells with choices `row`: for each node input, operation, twice."""

    def __init__(self, row: Sequence[int], family: CellFamily):
        edges = [Edge(source, op) for source, op in zip(row[::2], row[1::2], strict=True)]
        middle = len(edges) // 2
        normal, reduce = nodes_of(edges[:middle]), nodes_of(edges[middle:])
        super().__init__(
            (normal, reduce),
            [_OPERATIONS[op] for op in family.ops],
            (family.concatenated(normal), family.concatenated(reduce)),
        )

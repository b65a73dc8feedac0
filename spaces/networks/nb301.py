"""The operations of NAS-Bench-301's DARTS network for CIFAR-10 in torch.

Source: Liu, Simonyan & Yang 2019, arXiv 1806.09055; Zela et al. 2022, arXiv 2008.09777, as implemented in NASLib, whose
parameter counts it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from torch import nn

from spaces.nb301 import row_cells
from spaces.nb301_layers import NODES, OPS
from spaces.networks.cell_pair import CellPairNetwork, Operation
from spaces.networks.operations import DepthwisePointwise, FactorizedReduce

_OUTPUTS: Final = tuple(range(2, 2 + NODES))


def _max_pool(channels: int, stride: int) -> nn.Module:
    return nn.Sequential(nn.MaxPool2d(3, stride, padding=1), nn.BatchNorm2d(channels, affine=False))


def _avg_pool(channels: int, stride: int) -> nn.Module:
    pooling = nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
    return nn.Sequential(pooling, nn.BatchNorm2d(channels, affine=False))


def _skip(channels: int, stride: int) -> nn.Module:
    return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels, is_affine=False)


def _separable(kernel: int) -> Operation:
    return lambda channels, stride: nn.Sequential(
        DepthwisePointwise(channels, kernel, stride, is_affine=False),
        DepthwisePointwise(channels, kernel, 1, is_affine=False),
    )


def _dilated(kernel: int) -> Operation:
    return lambda channels, stride: DepthwisePointwise(channels, kernel, stride, dilation=2, is_affine=False)


_OPERATIONS: Final[dict[str, Operation]] = {
    "max_pool_3x3": _max_pool,
    "avg_pool_3x3": _avg_pool,
    "skip_connect": _skip,
    "sep_conv_3x3": _separable(3),
    "sep_conv_5x5": _separable(5),
    "dil_conv_3x3": _dilated(3),
    "dil_conv_5x5": _dilated(5),
}


class Nb301Network(CellPairNetwork):
    """The network through the cells with choices `row` (22,)."""

    def __init__(self, row: Sequence[int]):
        super().__init__(row_cells(row), [_OPERATIONS[op] for op in OPS], (_OUTPUTS, _OUTPUTS))

"""The NAS-Bench-201 network for CIFAR-10 in torch.

Source: Dong & Yang 2020, arXiv 2001.00326, and the authors' released network, whose parameter counts it has. It runs
every edge of a cell: `none` multiplies by zero, and the node adds the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from torch import Tensor, nn

from spaces.nb201_layers import CELLS_PER_STAGE, CLASSES, EDGES, INPUT_SHAPE, OPS, STAGES
from spaces.networks.operations import ReluConvNorm, Zero

_OPERATIONS: Final[dict[str, Callable[[int], nn.Module]]] = {
    "none": lambda _: Zero(),
    "skip_connect": lambda _: nn.Identity(),
    "nor_conv_1x1": lambda channels: ReluConvNorm(channels, channels, kernel=1),
    "nor_conv_3x3": lambda channels: ReluConvNorm(channels, channels, kernel=3),
    "avg_pool_3x3": lambda _: nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
}


class Cell(nn.Module):
    """Four nodes; each is the sum of its edges' results."""

    def __init__(self, row: Sequence[int], channels: int):
        super().__init__()
        self.edges = nn.ModuleList(_OPERATIONS[OPS[choice]](channels) for choice in row)

    def forward(self, x: Tensor) -> Tensor:
        """Maps to maps of the same shape."""
        nodes = [x]
        for (source, target), operation in zip(EDGES, self.edges, strict=True):
            result = operation(nodes[source])
            if target == len(nodes):
                nodes.append(result)
            else:
                nodes[target] = nodes[target] + result
        return nodes[-1]


class Reduction(nn.Module):
    """ResNet basic block of stride 2 with an average-pooled shortcut."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.body = nn.Sequential(
            ReluConvNorm(in_channels, out_channels, kernel=3, stride=2),
            ReluConvNorm(out_channels, out_channels, kernel=3),
        )
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(in_channels, out_channels, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Maps to maps of half the side and `out_channels`."""
        return self.body(x) + self.shortcut(x)


class Nb201Network(nn.Sequential):
    """Images (batch, 3, 32, 32) to logits (batch, 10) through the cell with choices `row` (6,)."""

    def __init__(self, row: Sequence[int]):
        first, last = STAGES[0].channels, STAGES[-1].channels
        stem = nn.Sequential(
            nn.Conv2d(INPUT_SHAPE[0], first, 3, padding=1, bias=False),
            nn.BatchNorm2d(first),
        )
        body: list[nn.Module] = []
        for stage, (channels, _) in enumerate(STAGES):
            if stage > 0:
                body.append(Reduction(STAGES[stage - 1].channels, channels))
            body += [Cell(row, channels) for _ in range(CELLS_PER_STAGE)]
        head = nn.Sequential(
            nn.BatchNorm2d(last), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(last, CLASSES)
        )
        super().__init__(stem, *body, head)

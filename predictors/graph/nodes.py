"""What nodes start from, and how a cell's nodes become one vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from arch_encodings.learned.graph_batch import DEAD
from predictors.graph.inputs import ATTRIBUTES, PLACES, GraphInputs


class NodeFeatures(nn.Module):
    """The first state of each node, (n, k, width).

    FLAN starts every node but the input from one shared vector; here place, depth and costs are added to it.
    """

    def __init__(self, width: int, *, has_attributes: bool):
        super().__init__()
        self.first = nn.Parameter(torch.randn(width) / 8)
        self.other = nn.Parameter(torch.zeros(width))
        self.places = nn.Embedding(PLACES, width) if has_attributes else None
        self.depths = nn.Embedding(DEAD + 1, width) if has_attributes else None
        self.attributes = nn.Linear(ATTRIBUTES, width) if has_attributes else None
        for table in (self.places, self.depths):
            if table is not None:
                nn.init.normal_(table.weight, std=1 / 8)

    def forward(self, graphs: GraphInputs) -> Tensor:
        """From graphs of one cell, (n, 1, k)."""
        nodes = graphs.ops.shape[-1]
        states = torch.cat([self.first[None], self.other.expand(nodes - 1, -1)])[None]
        if self.places is None or self.depths is None or self.attributes is None:
            return states.expand(len(graphs), -1, -1)
        states = states + self.places.weight[:nodes]
        return states + self.depths(graphs.depths[:, 0]) + self.attributes(graphs.attributes[:, 0])


def reads(graphs: GraphInputs) -> Tensor:
    """(n, k, k) float, [i, j] is 1 where node i reads node j, from graphs of one cell."""
    return graphs.adjacency[:, 0].transpose(1, 2).float()


def pool_live(states: Tensor, graphs: GraphInputs) -> Tensor:
    """(n, width) mean of the live nodes that compute: pruned ones and the cell's inputs say nothing about its result.

    Zero where there are none, as in a cell without a path.
    """
    return (live_shares(graphs)[:, None] @ states)[:, 0]


def pool_all(states: Tensor, graphs: GraphInputs) -> Tensor:
    """(n, width) sum of every node over their number: a measured network runs pruned operations too, and costs add."""
    return (existing_shares(graphs)[:, None] @ states)[:, 0]


def live_shares(graphs: GraphInputs) -> Tensor:
    """(n, k) weights of the nodes in `pool_live`."""
    counted = (graphs.live[:, 0] & graphs.adjacency[:, 0].any(dim=1)).float()
    return counted / counted.sum(dim=1, keepdim=True).clamp(min=1)


def existing_shares(graphs: GraphInputs) -> Tensor:
    """(n, k) weights of the nodes in `pool_all`."""
    return graphs.exists[:, 0] / graphs.exists.shape[-1]

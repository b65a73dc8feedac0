"""FLAN: accuracy of an architecture from its graph and, at the head, a supplementary encoding.

Source: Akhauri & Abdelfattah 2024, arXiv 2403.02484 (ICML), sec. 3. It differs in the faults of the authors' code that
are mended (see `layers`, `nodes`, `inputs`) and in that width and depth are left out at the head: no space here has
them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from predictors.graph.inputs import GraphInputs
from predictors.graph.layers import Stack, mlp
from predictors.graph.nodes import NodeFeatures, pool_live, reads
from predictors.graph.settings import FlanSettings

_STEP = 0.1  # of the published update of embeddings


class Flan(nn.Module):
    """The network.

    Args:
        vocabulary_size: rows of the embedding table, which ids of all spaces share.
        outputs: scores of an architecture, one for each series of accuracies; the published network has one.
    """

    def __init__(self, vocabulary_size: int, settings: FlanSettings, outputs: int = 1):
        super().__init__()
        op, width = settings.op_width, settings.width
        self.settings = settings
        self.ops = nn.Embedding(vocabulary_size, op)
        self.nodes = NodeFeatures(settings.node_width, has_attributes=settings.has_attributes)
        self.forward_stack = Stack(settings.layer, settings.node_width, width, op, settings.layers)
        self.back = mlp(width, width, width)
        self.backward_stack = (
            Stack(settings.layer, width, width, op, settings.layers)
            if settings.refinement == "graph" and settings.timesteps > 1
            else None
        )
        self.update = mlp(op + (2 if settings.refinement == "graph" else 1) * width, width, op)
        self.combine = mlp(2 * width, width, width)
        extra = settings.supplementary_width if settings.supplementary else 0
        self.supplementary = (
            mlp(settings.supplementary, width, width, extra, dropout=settings.dropout) if extra else None
        )
        head = settings.head_width
        self.head = mlp(width + extra, head, head, head, outputs, dropout=settings.dropout)

    def embed(self, graphs: GraphInputs) -> Tensor:
        """(n, width) before the head."""
        cells = graphs.ops.shape[1]
        pooled = self._cells(graphs.flat()).unflatten(0, (-1, cells))
        if cells == 1:
            return pooled[:, 0]
        return self.combine(pooled[:, :2].flatten(1))

    def forward(self, graphs: GraphInputs, supplementary: Tensor | None = None) -> Tensor:
        """(n, outputs) scores; supplementary (n, d) standardised, where the network has been built with it."""
        return self.read(self.embed(graphs), supplementary)

    def read(self, embedded: Tensor, supplementary: Tensor | None = None) -> Tensor:
        """The head: (n, outputs) from `embed`'s (n, width), as `forward`."""
        if self.supplementary is not None:
            assert supplementary is not None, "this network reads a supplementary encoding"
            embedded = torch.cat([embedded, self.supplementary(supplementary)], dim=1)
        return self.head(embedded)

    def _cells(self, graphs: GraphInputs) -> Tensor:
        """(n, width) of graphs of one cell."""
        ops, edges, nodes = self.ops(graphs.ops[:, 0]), reads(graphs), self.nodes(graphs)
        states = self.forward_stack(nodes, ops, edges)
        for _ in range(self.settings.timesteps - 1):
            ops = self._refined(ops, states, edges)
            states = self.forward_stack(nodes, ops, edges)
        return pool_live(states, graphs)

    def _refined(self, ops: Tensor, states: Tensor, edges: Tensor) -> Tensor:
        result = self.back(states[:, -1:])
        if self.backward_stack is None:
            return self.update(torch.cat([ops, result.expand(-1, ops.shape[1], -1)], dim=2))
        seeds = torch.cat([torch.zeros_like(states[:, :-1]), result], dim=1)
        back = self.backward_stack(seeds, ops, edges.transpose(1, 2))
        return ops + _STEP * self.update(torch.cat([ops.detach(), states.detach(), back], dim=2))

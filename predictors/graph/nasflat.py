"""NASFLAT: latency of an architecture on several devices from its graph and the devices' embeddings.

Source: Akhauri & Abdelfattah 2024, arXiv 2403.02446 (MLSys), sec. 4. Each node's operation embedding is joined by the
device's (operation-specific hardware embedding), what a first stack of layers makes of the joint embedding replaces it,
and the main stack is gated by the result. It differs in the faults of the authors' code that are mended (see `layers`,
`nodes`, `inputs`), in that the output node knows the device too and the device's vector enters the head, and in the
readout, which adds up all nodes beside the mean of the live ones. The score is standardised log latency.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from predictors.graph.inputs import GraphInputs
from predictors.graph.layers import Stack, mlp
from predictors.graph.nodes import NodeFeatures, existing_shares, live_shares, reads
from predictors.graph.settings import NasflatSettings


class Nasflat(nn.Module):
    """The network.

    Args:
        vocabulary_size: rows of the embedding table, which ids of all spaces share.
        devices: rows of the table of hardware embeddings.
    """

    def __init__(self, vocabulary_size: int, devices: int, settings: NasflatSettings):
        super().__init__()
        gate, width = settings.op_width + settings.hardware_width, settings.width
        self.settings = settings
        self.ops = nn.Embedding(vocabulary_size, settings.op_width)
        self.hardware = nn.Embedding(devices, settings.hardware_width)
        self.nodes = NodeFeatures(settings.node_width, has_attributes=settings.has_attributes)
        self.refinement = Stack(settings.layer, settings.node_width, width, gate, settings.refinement_layers)
        self.back = mlp(width, width, width, width)
        self.update = mlp(gate + width, width, gate)
        self.main = Stack(settings.layer, settings.node_width, width, gate, settings.layers)
        self.combine = mlp(4 * width, 2 * width, 2 * width)
        extra = settings.supplementary_width if settings.supplementary else 0
        self.supplementary = (
            mlp(settings.supplementary, width, width, extra, dropout=settings.dropout) if extra else None
        )
        head = settings.head_width
        joined = 2 * width + settings.hardware_width + extra
        self.head = nn.Sequential(*mlp(joined, head, head, head, dropout=settings.dropout), nn.ReLU())
        self.last = nn.Linear(head, 1)

    def forward(self, graphs: GraphInputs, devices: Tensor) -> Tensor:
        """(n, m) scores of n architectures on m devices, rows `devices` (m,) of the table of hardware embeddings.

        Graphs are read once for all devices; only what a gate has touched is computed for each.
        """
        return self.last(self.embed(graphs, devices))[..., 0]

    def embed(self, graphs: GraphInputs, devices: Tensor) -> Tensor:
        """(n, m, head_width) before the last layer; arguments as of `forward`."""
        hardware = self.hardware(devices)
        cells, count, wanted = graphs.ops.shape[1], len(graphs), len(devices)
        pooled = self._cells(graphs.flat(), hardware).unflatten(0, (count, cells, wanted))
        embedded = pooled[:, 0] if cells == 1 else self.combine(pooled[:, :2].transpose(1, 2).flatten(2))
        parts = [embedded, hardware.expand(count, -1, -1)]
        if self.supplementary is not None:
            assert graphs.supplementary is not None, "this network reads a supplementary encoding"
            parts.append(self.supplementary(graphs.supplementary)[:, None].expand(-1, wanted, -1))
        return self.head(torch.cat(parts, dim=2))

    def _cells(self, graphs: GraphInputs, hardware: Tensor) -> Tensor:
        """(n m, 2 width) of n graphs of one cell on m devices, device fastest."""
        wanted = len(hardware)
        ops = self.ops(graphs.ops[:, 0])
        joint = torch.cat(
            [
                ops[:, None].expand(-1, wanted, -1, -1),
                hardware[None, :, None].expand(len(graphs), -1, ops.shape[1], -1),
            ],
            dim=3,
        ).flatten(0, 1)
        edges, nodes = reads(graphs), self.nodes(graphs)
        counted, exists = live_shares(graphs), existing_shares(graphs)
        if wanted > 1:
            edges, nodes, counted, exists = (
                each.repeat_interleave(wanted, dim=0) for each in (edges, nodes, counted, exists)
            )
        result = self.back(self.refinement(nodes, joint, edges)[:, -1:])
        refined = self.update(torch.cat([joint, result.expand(-1, joint.shape[1], -1)], dim=2))
        states = self.main(nodes, refined, edges)
        return (torch.stack([counted, exists], dim=1) @ states).flatten(1)

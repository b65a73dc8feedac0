"""A graph network with one output for each source device, which reads each architecture once for all of them.

FLAN's layers over nodes that know their place and cost; the embedding behind the outputs is what devices have in
common, the outputs' weights are the devices' factors.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from predictors.graph.inputs import GraphInputs
from predictors.graph.layers import Stack, mlp
from predictors.graph.nodes import NodeFeatures, pool_all, pool_live, reads
from predictors.graph.settings import TrunkSettings


class Trunk(nn.Module):
    """The network.

    Args: devices: outputs.
    """

    def __init__(self, vocabulary_size: int, devices: int, settings: TrunkSettings):
        super().__init__()
        width = settings.width
        self.ops = nn.Embedding(vocabulary_size, settings.op_width)
        self.nodes = NodeFeatures(width, has_attributes=True)
        self.stack = Stack(settings.layer, width, width, settings.op_width, settings.layers)
        self.embed = mlp(2 * width, width, settings.embedding)
        self.devices = nn.Linear(settings.embedding, devices)

    def forward(self, graphs: GraphInputs) -> Tensor:
        """(n, devices) standardised log latency."""
        cells, flat = graphs.ops.shape[1], graphs.flat()
        states = self.stack(self.nodes(flat), self.ops(flat.ops[:, 0]), reads(flat))
        pooled = torch.cat([pool_live(states, flat), pool_all(states, flat)], dim=1)
        return self.devices(self.embed(pooled.unflatten(0, (-1, cells)).mean(dim=1)))

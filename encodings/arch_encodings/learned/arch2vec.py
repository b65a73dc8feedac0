"""arch2vec: a variational graph autoencoder with graph isomorphism layers; the embedding is the mean latent.

Source: Yan et al. 2020, arXiv 2006.06936, sec. 3. It differs in that

- the standard deviation is exp(logvar / 2), and the divergence follows from it;
- nodes also carry their depth (longest path from the input, as in Luo et al. 2023, arXiv 2210.13148), without which the
  places of a chain look alike and the mean over nodes is a bag of operations;
- layers are normalised per node, not per batch, so that no embedding depends on other architectures or spaces;
- an operation is predicted among all by cross-entropy; an edge by the product of one projection of its source and
  another of its target, since a symmetric product of latents restores no chain;
- dead nodes take part as nodes without edges, marked by a depth of their own, see `graph_batch`.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from arch_encodings.learned.graph_batch import DEAD
from arch_encodings.learned.graph_tensors import GraphTensors
from arch_encodings.learned.training_set import TrainingSet
from arch_encodings.learned.vocabulary import PAD

_HIDDEN: Final = 128
_LAYERS: Final = 4
_DROPOUT: Final = 0.3
# The published code divides the divergence by the number of nodes twice: 32 graphs of 8 nodes there.
_DIVERGENCE_WEIGHT: Final = 1 / 256


class GinLayer(nn.Module):
    """Graph isomorphism layer: an MLP of the node and the sum of its neighbours."""

    def __init__(self, width: int):
        super().__init__()
        self.epsilon = nn.Parameter(torch.zeros(()))
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, width))
        self.norm = nn.LayerNorm(width)

    def forward(self, nodes: Tensor, neighbours: Tensor) -> Tensor:
        """(n, k, width) from nodes (n, k, width) and the symmetric adjacency (n, k, k)."""
        return functional.relu(self.norm(self.mlp((1 + self.epsilon) * nodes + neighbours @ nodes)))


class Arch2vec(nn.Module):
    """Encoder and decoder; see the module."""

    def __init__(self, vocabulary_size: int, dimension: int):
        super().__init__()
        self.ops = nn.Embedding(vocabulary_size, _HIDDEN, padding_idx=PAD)
        self.depths = nn.Embedding(DEAD + 1, _HIDDEN)
        self.layers = nn.ModuleList([GinLayer(_HIDDEN) for _ in range(_LAYERS)])
        self.mean = nn.Linear(_HIDDEN, dimension)
        self.log_variance = nn.Linear(_HIDDEN, dimension)
        self.dropout = nn.Dropout(_DROPOUT)
        self.op_decoder = nn.Linear(dimension, vocabulary_size)
        self.sources = nn.Linear(dimension, dimension)
        self.targets = nn.Linear(dimension, dimension)
        self.edge_bias = nn.Parameter(torch.zeros(()))

    def latent(self, graphs: GraphTensors) -> tuple[Tensor, Tensor]:
        """Mean and log variance of each node's latent, (n, k, dimension) each."""
        neighbours = (graphs.adjacency | graphs.adjacency.transpose(1, 2)).float()
        nodes = self.ops(graphs.ops) + self.depths(graphs.depths)
        for layer in self.layers:
            nodes = layer(nodes, neighbours)
        return self.mean(nodes), self.log_variance(nodes)

    def decode(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of operations (n, k, vocabulary) and of edges (n, k, k), of which the upper triangle counts."""
        edges = self.sources(latent) @ self.targets(latent).transpose(1, 2) + self.edge_bias
        return self.op_decoder(latent), edges

    def embed(self, graphs: GraphTensors) -> Tensor:
        """(n, dimension) mean latent of all nodes."""
        return self.latent(graphs)[0].mean(1)

    def loss(self, examples: TrainingSet, rows: Tensor) -> Tensor:
        """Negative evidence lower bound per node, with the divergence weighted as published."""
        graphs = examples.graphs.take(rows)
        mean, log_variance = self.latent(graphs)
        latent = mean
        if self.training:
            latent = self.dropout(mean + torch.randn_like(mean) * (log_variance / 2).exp())
        ops, edges = self.decode(latent)
        op_loss = functional.cross_entropy(ops.flatten(0, 1), graphs.ops.flatten())
        edge_loss = functional.binary_cross_entropy_with_logits(_pairs(edges), _pairs(graphs.adjacency).float())
        divergence = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(-1).mean()
        return op_loss + edge_loss + _DIVERGENCE_WEIGHT * divergence

    def scores(self, examples: TrainingSet, rows: Tensor) -> dict[str, Tensor]:
        """Per graph (n,): share of operations and of edges restored from the mean, and whether all of both are.

        `no_edge_accuracy` is the share that were right if no pair had an edge.
        """
        graphs = examples.graphs.take(rows)
        ops, edges = self.decode(self.latent(graphs)[0])
        op_hits = ops.argmax(-1) == graphs.ops
        true_edges = _pairs(graphs.adjacency)
        edge_hits = _pairs(edges > 0) == true_edges
        exact = op_hits.all(1) & edge_hits.all(1)
        return {
            "op_accuracy": op_hits.float().mean(1),
            "edge_accuracy": edge_hits.float().mean(1),
            "no_edge_accuracy": (~true_edges).float().mean(1),
            "exact": exact.float(),
        }


def _pairs(matrices: Tensor) -> Tensor:
    """(n, k (k - 1) / 2) the entries above the diagonals of (n, k, k)."""
    row, column = torch.triu_indices(matrices.shape[1], matrices.shape[1], offset=1)
    return matrices[:, row, column]

"""Layers of FLAN and NASFLAT: dense graph flow, operation-gated graph attention, and their average.

Source: Akhauri & Abdelfattah 2024, arXiv 2403.02484, sec. 3. Node i reads its predecessors. What differs from the
authors' code: attention is masked before the softmax and every node attends to itself too, so that a node without
predecessors has something to attend to and one with them attends to nothing else (there, a node that is no neighbour
keeps the weight e^0, which makes attention close to a global mean); scores are divided by the root of the width.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from predictors.graph.settings import LayerKind

_SLOPE: Final = 0.01


class DenseGraphFlow(nn.Module):
    """G * (A S) + S + b with S = H W and the gate G = sigmoid(E W_o + b_o)."""

    def __init__(self, width_in: int, width_out: int, gate_width: int):
        super().__init__()
        bound = 1 / math.sqrt(width_out)
        self.weight = nn.Parameter(torch.empty(width_in, width_out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(width_out).uniform_(-bound, bound))
        self.gate = nn.Linear(gate_width, width_out)

    def forward(self, nodes: Tensor, ops: Tensor, reads: Tensor, hidden: Tensor | None = None) -> Tensor:
        """(n, k, width_out) from nodes (n, k, width_in), embedded operations (n, k, gate_width), reads (n, k, k)."""
        support = nodes @ self.weight
        return torch.sigmoid(self.gate(ops)) * (reads @ support) + support + self.bias


class GatedAttention(nn.Module):
    """LayerNorm(G * softmax(s) U) with U = H W and s_ij = LeakyReLU(a' (U_i * U_j)) / sqrt(width)."""

    def __init__(self, width_in: int, width_out: int, gate_width: int):
        super().__init__()
        self.key = nn.Linear(width_in, width_out, bias=False)
        self.score = nn.Parameter(torch.randn(width_out) / math.sqrt(width_out))
        self.gate = nn.Linear(gate_width, width_out)
        self.norm = nn.LayerNorm(width_out)

    def forward(self, nodes: Tensor, ops: Tensor, reads: Tensor, hidden: Tensor | None = None) -> Tensor:
        """As `DenseGraphFlow.forward`; hidden (n, k, k) as `hidden_nodes` gives it, where it is known already."""
        keys = self.key(nodes)
        weighted = keys * (self.score / math.sqrt(keys.shape[-1]))
        scores = functional.leaky_relu(weighted @ keys.transpose(1, 2), _SLOPE)
        hidden = hidden_nodes(reads) if hidden is None else hidden
        attention = scores.masked_fill(hidden, -torch.inf).softmax(dim=-1)
        return self.norm(torch.sigmoid(self.gate(ops)) * (attention @ keys))


class Ensemble(nn.Module):
    """The average of graph flow and attention."""

    def __init__(self, width_in: int, width_out: int, gate_width: int):
        super().__init__()
        self.flow = DenseGraphFlow(width_in, width_out, gate_width)
        self.attention = GatedAttention(width_in, width_out, gate_width)

    def forward(self, nodes: Tensor, ops: Tensor, reads: Tensor, hidden: Tensor | None = None) -> Tensor:
        """As `GatedAttention.forward`."""
        return (self.flow(nodes, ops, reads) + self.attention(nodes, ops, reads, hidden)) / 2


_LAYERS: Final[dict[LayerKind, type[DenseGraphFlow] | type[GatedAttention] | type[Ensemble]]] = {
    "ensemble": Ensemble,
    "flow": DenseGraphFlow,
    "attention": GatedAttention,
}


class Stack(nn.Module):
    """Layers with a ReLU after each but the last."""

    def __init__(self, kind: LayerKind, width_in: int, width: int, gate_width: int, depth: int):
        super().__init__()
        widths = [width_in] + [width] * (depth - 1)
        self.layers = nn.ModuleList([_LAYERS[kind](before, width, gate_width) for before in widths])

    def forward(self, nodes: Tensor, ops: Tensor, reads: Tensor) -> Tensor:
        """As `DenseGraphFlow.forward`."""
        hidden = hidden_nodes(reads)
        for number, layer in enumerate(self.layers):
            nodes = layer(functional.relu(nodes) if number else nodes, ops, reads, hidden)
        return nodes


def hidden_nodes(reads: Tensor) -> Tensor:
    """(n, k, k) bool: the nodes j that attention at node i does not see, which are all but i and those it reads."""
    return (reads + torch.eye(reads.shape[-1], device=reads.device)) == 0


def mlp(*widths: int, dropout: float = 0.0) -> nn.Sequential:
    """Linear layers with a ReLU, and dropout where wanted, after each but the last."""
    modules: list[nn.Module] = []
    for before, after in pairwise(widths[:-1]):
        modules += [nn.Linear(before, after), nn.ReLU(), *([nn.Dropout(dropout)] if dropout else [])]
    return nn.Sequential(*modules, nn.Linear(widths[-2], widths[-1]))

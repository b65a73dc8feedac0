"""CATE: a computation-aware transformer, trained to restore masked operations of pairs of similar size.

Source: Yan et al. 2021, arXiv 2102.07108, sec. 3. It differs in that

- a node attends to what reaches it and to itself, so the output node, which is the embedding, sees the whole graph
  (the published mask leaves the output node nothing, and on FBNet's graph without edges nothing but itself);
- the pair encoder sees one graph corrupted and of its partner the embedding alone, uncorrupted, so that the embedding
  has to say what was computed; given both graphs' nodes it need say nothing, and its neighbours tell FLOPs and latency
  worse than those of the untrained network;
- `PAD` and `MASK` are ids of their own; only operations between input and output are masked;
- nodes carry their depth (Luo et al. 2023, arXiv 2210.13148);
- 3 + 3 layers of 4 heads instead of 12 + 24 layers of 8, so that training takes minutes on one core;
- dead nodes take part, marked by a depth of their own, and only the output node sees them, see `graph_batch`.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from arch_encodings.learned.graph_batch import DEAD
from arch_encodings.learned.graph_tensors import GraphTensors
from arch_encodings.learned.training_set import TrainingSet
from arch_encodings.learned.vocabulary import MASK, PAD

_HEADS: Final = 4
_LAYERS: Final = 3
_WIDTH: Final = 128
_DROPOUT: Final = 0.1
_CORRUPTED: Final = 0.2
_MASKED: Final = 0.8  # of the corrupted; the others become a random operation
_SMOOTHING: Final = 0.1


class AttentionLayer(nn.Module):
    """Transformer layer, normalised before attention and before the feed-forward part."""

    def __init__(self, dimension: int):
        super().__init__()
        self.attention_norm = nn.LayerNorm(dimension)
        self.projections = nn.Linear(dimension, 3 * dimension)
        self.merge = nn.Linear(dimension, dimension)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(dimension), nn.Linear(dimension, _WIDTH), nn.GELU(), nn.Linear(_WIDTH, dimension)
        )
        self.dropout = nn.Dropout(_DROPOUT)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """(n, k, dimension) from tokens of that shape; mask (n, k, k), True where a row may attend."""
        count, places, dimension = tokens.shape
        projected = self.projections(self.attention_norm(tokens)).view(count, places, 3, _HEADS, dimension // _HEADS)
        queries, keys, values = projected.permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(
            queries, keys, values, attn_mask=None if mask is None else mask[:, None]
        )
        tokens = tokens + self.dropout(self.merge(attended.transpose(1, 2).reshape(count, places, dimension)))
        return tokens + self.dropout(self.feed_forward(tokens))


class Cate(nn.Module):
    """Encoder of one graph, encoder of a pair, and the head that names masked operations; see the module."""

    def __init__(self, vocabulary_size: int, dimension: int):
        super().__init__()
        self.ops = nn.Embedding(vocabulary_size, dimension, padding_idx=PAD)
        self.depths = nn.Embedding(DEAD + 1, dimension)
        self.segments = nn.Embedding(2, dimension)
        self.graph_layers = nn.ModuleList([AttentionLayer(dimension) for _ in range(_LAYERS)])
        self.graph_norm = nn.LayerNorm(dimension)
        self.pair_layers = nn.ModuleList([AttentionLayer(dimension) for _ in range(_LAYERS)])
        self.head = nn.Sequential(
            nn.LayerNorm(dimension), nn.Linear(dimension, dimension), nn.Tanh(), nn.Linear(dimension, vocabulary_size)
        )
        self.dropout = nn.Dropout(_DROPOUT)

    def encode(self, graphs: GraphTensors, ops: Tensor) -> Tensor:
        """(n, k, dimension) for each node, with `ops` (n, k) in place of the graphs' own."""
        tokens = self.dropout(self.ops(ops) + self.depths(graphs.depths))
        for layer in self.graph_layers:
            tokens = layer(tokens, graphs.reachability)
        return self.graph_norm(tokens)

    def embed(self, graphs: GraphTensors) -> Tensor:
        """(n, dimension) of the output node."""
        return self.encode(graphs, graphs.ops)[:, -1]

    def loss(self, examples: TrainingSet, rows: Tensor) -> Tensor:
        """Cross-entropy of the corrupted operations, labels smoothed."""
        logits, labels, _ = self._restore(examples, rows)
        total = functional.cross_entropy(logits, labels, label_smoothing=_SMOOTHING, reduction="sum")
        return total / max(1, len(labels))  # a batch may have none

    def scores(self, examples: TrainingSet, rows: Tensor) -> dict[str, Tensor]:
        """Per masked operation (m,): whether it is restored, and whether the most frequent one would be right."""
        logits, labels, masked = self._restore(examples, rows)
        if not masked.any():
            return {}
        guess = torch.mode(examples.graphs.ops[:, 1:-1].flatten()).values
        hits, guesses = logits.argmax(-1) == labels, labels == guess
        return {"masked_op_accuracy": hits[masked].float(), "most_frequent_op_accuracy": guesses[masked].float()}

    def _restore(self, examples: TrainingSet, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (m, vocabulary) and true ids (m,) of the corrupted operations, and which of them were masked (m,)."""
        graphs = examples.graphs.take(rows)
        choice = torch.randint(examples.partners.shape[1], (len(rows),))
        partner = self.embed(examples.graphs.take(examples.partners[rows, choice]))
        shown = _corrupt(graphs, examples.ops)
        tokens = self.encode(graphs, shown) + self.segments.weight[0]
        tokens = torch.cat([tokens, partner[:, None] + self.segments.weight[1]], dim=1)
        for layer in self.pair_layers:
            tokens = layer(tokens)
        hidden = graphs.ops != shown
        return self.head(tokens[:, :-1][hidden]), graphs.ops[hidden], shown[hidden] == MASK


def _corrupt(graphs: GraphTensors, ops: Tensor) -> Tensor:
    """(n, k) ids with some replaced by `MASK` or by one of `ops`."""
    drawn = torch.rand(graphs.ops.shape)
    random_ops = ops[torch.randint(len(ops), graphs.ops.shape)]
    corrupted = torch.where(drawn < _MASKED * _CORRUPTED, MASK, random_ops)
    drawn[:, [0, -1]] = 1.0  # input and output are no operations
    return torch.where(drawn < _CORRUPTED, corrupted, graphs.ops)

"""A `GraphBatch` as torch tensors, with what the networks derive from it computed once."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from arch_encodings.learned.graph_batch import GraphBatch


@dataclass(frozen=True, slots=True, eq=False)
class GraphTensors:
    """n graphs of k nodes.

    Attributes:
        ops: (n, k) int64 ids.
        adjacency: (n, k, k) bool.
        depths: (n, k) int64, see `GraphBatch.depths`.
        reachability: (n, k, k) bool, see `GraphBatch.reachability`.
    """

    ops: Tensor
    adjacency: Tensor
    depths: Tensor
    reachability: Tensor

    @classmethod
    def of(cls, graphs: GraphBatch) -> GraphTensors:
        """The tensors of a batch."""
        arrays = (graphs.ops, graphs.adjacency, graphs.depths(), graphs.reachability())
        return cls(*(torch.from_numpy(array) for array in arrays))

    def __len__(self) -> int:
        return len(self.ops)

    def take(self, rows: Tensor) -> GraphTensors:
        """The graphs of these rows."""
        return GraphTensors(*(getattr(self, field.name)[rows] for field in fields(self)))

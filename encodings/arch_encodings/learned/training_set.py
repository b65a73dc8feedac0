"""Graphs of one space as the training objectives read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from arch_encodings.learned.datasets import partners
from arch_encodings.learned.graph_batch import GraphBatch
from arch_encodings.learned.graph_tensors import GraphTensors
from spaces.base import IntArray

_PARTNERS: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSet:
    """Examples of one space.

    Attributes:
        graphs: n of them.
        partners: (n, 2) int64, graphs of about as many parameters.
        ops: (operations,) int64, ids of the operations that occur between input and output.
    """

    graphs: GraphTensors
    partners: Tensor
    ops: Tensor

    @classmethod
    def of(cls, graphs: GraphBatch) -> TrainingSet:
        """The examples that these graphs give."""
        tensors = GraphTensors.of(graphs)
        nearest: IntArray = partners(graphs, _PARTNERS)
        return cls(tensors, torch.from_numpy(nearest), tensors.ops[:, 1:-1].unique())

    def __len__(self) -> int:
        return len(self.graphs)

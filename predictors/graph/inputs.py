"""Architectures as the tensors that graph predictors read.

A cell's node carries its global operation id, its place, its depth (longest path from the input) and what it costs.
Places and shapes are what FLAN's and NASFLAT's code leaves out: without them a chain of blocks is a bag of operations,
while the latency of a block depends on the channels and pixels at its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Final, Protocol

import numpy as np
import torch
from torch import Tensor

from arch_encodings.learned.graph_batch import DEAD, DEPTHS
from arch_encodings.learned.vocabulary import PAD
from spaces.base import ArchGraph, Architecture, BoolArray, FloatArray, IntArray, SearchSpace
from spaces.layer_attributes import COST_NAMES

# Places that are told apart; cells have no more nodes.
PLACES: Final = 64
ATTRIBUTES: Final = 2 * len(COST_NAMES)
_REFERENCE_SIZE: Final = 512


class OperationIds(Protocol):
    """Numbers of operations, such as a vocabulary's; none is `PAD`."""

    def of_space(self, space: SearchSpace) -> IntArray:
        """(operations,) ids of the space's `op_names`. Raises: KeyError for a space that it does not know."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class GraphInputs:
    """n architectures of c cells with k nodes each; smaller cells are filled up with nodes that do not exist.

    Attributes:
        ops: (n, c, k) int64 ids of a vocabulary.
        adjacency: (n, c, k, k) bool, [i, j] is an edge i -> j.
        live: (n, c, k) bool, on a path from an input to the output.
        exists: (n, c, k) bool.
        depths: (n, c, k) int64, see `DEPTHS` and `DEAD` of `graph_batch`.
        attributes: (n, c, k, ATTRIBUTES) float32, costs of the node's layers, logarithmic and linear, standardised
            over the space without any label.
    """

    ops: Tensor
    adjacency: Tensor
    live: Tensor
    exists: Tensor
    depths: Tensor
    attributes: Tensor

    def __len__(self) -> int:
        return len(self.ops)

    @classmethod
    def of(cls, space: SearchSpace, architectures: Sequence[Architecture], vocabulary: OperationIds) -> GraphInputs:
        """The tensors of at least one architecture.

        Raises: InvalidArchitectureError for one of another space; KeyError for a space the vocabulary lacks.
        """
        arrays = _stack(space, architectures)
        scale = _attribute_scale(space)
        costs = arrays.costs
        attributes = np.concatenate([np.log1p(costs), costs], axis=-1)
        attributes = np.where(arrays.exists[..., None], (attributes - scale[0]) / scale[1], 0.0)
        ids = vocabulary.of_space(space)[arrays.ops]
        return cls(
            ops=torch.from_numpy(np.where(arrays.exists, ids, PAD)),
            adjacency=torch.from_numpy(arrays.adjacency),
            live=torch.from_numpy(arrays.live),
            exists=torch.from_numpy(arrays.exists),
            depths=torch.from_numpy(_depths(arrays.adjacency, arrays.live)),
            attributes=torch.from_numpy(attributes.astype(np.float32)),
        )

    def take(self, rows: Tensor) -> GraphInputs:
        """The architectures of these rows."""
        return GraphInputs(*(getattr(self, field.name)[rows] for field in fields(self)))

    def to(self, device: torch.device | str) -> GraphInputs:
        """The same on a torch device."""
        return GraphInputs(*(getattr(self, field.name).to(device) for field in fields(self)))

    def flat(self) -> GraphInputs:
        """Each cell as an architecture of one cell, (n c, 1, k); row-major."""
        return GraphInputs(*(getattr(self, field.name).flatten(0, 1)[:, None] for field in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class _Arrays:
    ops: IntArray
    adjacency: BoolArray
    live: BoolArray
    exists: BoolArray
    costs: FloatArray


def _stack(space: SearchSpace, architectures: Sequence[Architecture]) -> _Arrays:
    graphs = [space.graphs(architecture) for architecture in architectures]
    first = graphs[0]
    columns = [first[0].attribute_names.index(name) for name in COST_NAMES]
    nodes = max(len(graph.ops) for graph in first)
    shape = (len(graphs), len(first), nodes)
    arrays = _Arrays(
        ops=np.zeros(shape, dtype=np.int64),
        adjacency=np.zeros((*shape, nodes), dtype=np.bool_),
        live=np.zeros(shape, dtype=np.bool_),
        exists=np.zeros(shape, dtype=np.bool_),
        costs=np.zeros((*shape, len(columns))),
    )
    for cell in range(len(first)):
        size = len(first[cell].ops)
        cells: list[ArchGraph] = [cells[cell] for cells in graphs]
        arrays.ops[:, cell, :size] = [graph.ops for graph in cells]
        arrays.adjacency[:, cell, :size, :size] = [graph.adjacency for graph in cells]
        arrays.live[:, cell, :size] = [graph.mask for graph in cells]
        arrays.exists[:, cell, :size] = True
        arrays.costs[:, cell, :size] = np.array([graph.attributes for graph in cells])[..., columns]
    return arrays


def _depths(adjacency: BoolArray, live: BoolArray) -> IntArray:
    """Edges on the longest path to each live node; nodes are in topological order."""
    depths = np.zeros(live.shape, dtype=np.int64)
    for node in range(1, live.shape[-1]):
        depths[..., node] = np.where(adjacency[..., :node, node], depths[..., :node] + 1, 0).max(axis=-1)
    return np.where(live, depths.clip(max=DEPTHS - 1), DEAD)


@lru_cache(maxsize=32)
def _attribute_scale(space: SearchSpace) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of the logarithm and the value of each cost over the space's nodes."""
    size = int(min(_REFERENCE_SIZE, space.size))
    arrays = _stack(space, space.sample(size, rng=np.random.default_rng(0)))
    costs = arrays.costs[arrays.exists]
    values = np.concatenate([np.log1p(costs), costs], axis=1)
    return values.mean(axis=0), np.maximum(values.std(axis=0), 1e-9)

"""Architectures as the tensors that graph predictors read.

A cell's node carries its global operation id, its place, its depth (longest path from the input) and what it costs.
Places and shapes are what FLAN's and NASFLAT's code leaves out: without them a chain of blocks is a bag of operations,
while the latency of a block depends on the channels and pixels at its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Final, Protocol

import numpy as np
import torch
from torch import Tensor

from arch_encodings.learned.graph_batch import DEAD, DEPTHS
from arch_encodings.learned.vocabulary import PAD
from spaces.base import ArchGraph, Architecture, BoolArray, FloatArray, IntArray, SearchSpace, is_enumerable
from spaces.errors import InvalidArchitectureError
from spaces.layer_attributes import COST_NAMES

# Places that are told apart; cells have no more nodes.
PLACES: Final = 64
ATTRIBUTES: Final = 2 * len(COST_NAMES)
_REFERENCE_SIZE: Final = 512
_SMALL_SPACE: Final = 20_000
_MANY: Final = 128


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
        supplementary: (n, d) float32 of a supplementary encoding, where the network reads one.
    """

    ops: Tensor
    adjacency: Tensor
    live: Tensor
    exists: Tensor
    depths: Tensor
    attributes: Tensor
    supplementary: Tensor | None = None

    def __len__(self) -> int:
        return len(self.ops)

    @classmethod
    def of(cls, space: SearchSpace, architectures: Sequence[Architecture], vocabulary: OperationIds) -> GraphInputs:
        """The tensors of at least one architecture.

        Raises: InvalidArchitectureError for one of another space; KeyError for a space the vocabulary lacks.
        """
        arrays = _arrays(space, architectures)
        ids = vocabulary.of_space(space)[arrays.ops]
        return cls(
            ops=torch.from_numpy(np.where(arrays.exists, ids, PAD)),
            adjacency=torch.from_numpy(arrays.adjacency),
            live=torch.from_numpy(arrays.live),
            exists=torch.from_numpy(arrays.exists),
            depths=torch.from_numpy(arrays.depths),
            attributes=torch.from_numpy(arrays.attributes),
        )

    def take(self, rows: Tensor) -> GraphInputs:
        """The architectures of these rows."""
        return self._each(lambda tensor: tensor[rows])

    def to(self, device: torch.device | str) -> GraphInputs:
        """The same on a torch device."""
        return self._each(lambda tensor: tensor.to(device))

    def flat(self) -> GraphInputs:
        """Each cell as an architecture of one cell, (n c, 1, k); row-major, without the supplementary encoding."""
        return replace(self, supplementary=None)._each(lambda tensor: tensor.flatten(0, 1)[:, None])

    def _each(self, change: Callable[[Tensor], Tensor]) -> GraphInputs:
        tensors = {field.name: getattr(self, field.name) for field in fields(self)}
        return GraphInputs(**{name: change(tensor) for name, tensor in tensors.items() if tensor is not None})


@dataclass(frozen=True, slots=True, eq=False)
class _Arrays:
    """As `GraphInputs`, with the space's own numbers of operations."""

    ops: IntArray
    adjacency: BoolArray
    live: BoolArray
    exists: BoolArray
    depths: IntArray
    attributes: np.ndarray


def _arrays(space: SearchSpace, architectures: Sequence[Architecture]) -> _Arrays:
    """Of a small space every graph is built once, as soon as many are asked for."""
    if len(architectures) < _MANY or not is_enumerable(space, _SMALL_SPACE):
        return _built(space, architectures)
    number, every = _whole(space)
    try:
        rows = np.array([number[architecture] for architecture in architectures])
    except KeyError as error:
        raise InvalidArchitectureError(space.name, str(error.args[0]), "not an architecture of this space") from None
    return _Arrays(*(getattr(every, field.name)[rows] for field in fields(every)))


@lru_cache(maxsize=4)
def _whole(space: SearchSpace) -> tuple[dict[Architecture, int], _Arrays]:
    architectures = list(space.enumerate())
    return {architecture: row for row, architecture in enumerate(architectures)}, _built(space, architectures)


def _built(space: SearchSpace, architectures: Sequence[Architecture]) -> _Arrays:
    ops, adjacency, live, exists, costs = _stack(space, architectures)
    mean, deviation = _attribute_scale(space)
    standardised = (np.concatenate([np.log1p(costs), costs], axis=-1) - mean) / deviation
    attributes = np.where(exists[..., None], standardised, 0.0).astype(np.float32)
    return _Arrays(ops, adjacency, live, exists, _depths(adjacency, live), attributes)


def _stack(
    space: SearchSpace, architectures: Sequence[Architecture]
) -> tuple[IntArray, BoolArray, BoolArray, BoolArray, FloatArray]:
    """Operations, edges, live and existing nodes, and costs (n, c, k, 3)."""
    graphs = [space.graphs(architecture) for architecture in architectures]
    first = graphs[0]
    columns = [first[0].attribute_names.index(name) for name in COST_NAMES]
    nodes = max(len(graph.ops) for graph in first)
    shape = (len(graphs), len(first), nodes)
    ops, exists = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.bool_)
    adjacency, live = np.zeros((*shape, nodes), dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    costs = np.zeros((*shape, len(columns)))
    for cell in range(len(first)):
        size = len(first[cell].ops)
        cells: list[ArchGraph] = [cells[cell] for cells in graphs]
        ops[:, cell, :size] = [graph.ops for graph in cells]
        adjacency[:, cell, :size, :size] = [graph.adjacency for graph in cells]
        live[:, cell, :size] = [graph.mask for graph in cells]
        exists[:, cell, :size] = True
        costs[:, cell, :size] = np.array([graph.attributes for graph in cells])[..., columns]
    return ops, adjacency, live, exists, costs


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
    _, _, _, exists, every = _stack(space, space.sample(size, rng=np.random.default_rng(0)))
    costs = every[exists]
    values = np.concatenate([np.log1p(costs), costs], axis=1)
    return values.mean(axis=0), np.maximum(values.std(axis=0), 1e-9)

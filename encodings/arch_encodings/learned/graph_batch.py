"""Architectures of one space as arrays that a network reads.

Every node takes part. A dead one, off every path from the input to the output, has no edges and is marked, because a
measured network runs it all the same: with live nodes alone, FLOPs and latencies of NAS-Bench-201 are told much worse
from an embedding, and architectures without a path not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from arch_encodings.learned.vocabulary import Vocabulary
from spaces.base import Architecture, BoolArray, FloatArray, IntArray, SearchSpace

# Depths that are told apart; deeper nodes count as the deepest. Dead nodes have the depth `DEAD`.
DEPTHS: Final = 64
DEAD: Final = DEPTHS
_ROUNDS: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class GraphBatch:
    """n graphs of k nodes in topological order, the first the input, the last the output.

    Attributes:
        ops: (n, k) ids of a vocabulary.
        adjacency: (n, k, k), [i, j] is an edge i -> j.
        live: (n, k) whether the node lies on a path from the input to the output.
        params: (n,) learned scalars.
    """

    ops: IntArray
    adjacency: BoolArray
    live: BoolArray
    params: FloatArray

    def __len__(self) -> int:
        return len(self.ops)

    def take(self, rows: IntArray) -> GraphBatch:
        """The graphs of these rows."""
        return GraphBatch(*(getattr(self, field.name)[rows] for field in fields(self)))

    def live_keys(self) -> list[tuple[int, ...]]:
        """Per graph a key that graphs share whose live nodes and edges are the same in whatever order of nodes.

        The colours of Weisfeiler and Lehman's refinement: rarely graphs that differ may share one too.
        """
        return [
            _colours(ops[live].tolist(), adjacency[np.ix_(live, live)])
            for ops, adjacency, live in zip(self.ops, self.adjacency, self.live, strict=True)
        ]

    def depths(self) -> IntArray:
        """(n, k) edges on the longest path from the input to each live node, below `DEPTHS`; `DEAD` at dead ones."""
        depths = np.zeros(self.ops.shape, dtype=np.int64)
        for node in range(1, len(depths.T)):
            depths[:, node] = np.where(self.adjacency[:, :node, node], depths[:, :node] + 1, 0).max(axis=1)
        return np.where(self.live, depths.clip(max=DEPTHS - 1), DEAD)

    def reachability(self) -> BoolArray:
        """(n, k, k), [i, j] is whether node j is i or reaches i; the output sees dead nodes too."""
        reaches = np.zeros(self.adjacency.shape, dtype=np.bool_)
        for node in range(len(self.live.T)):
            reaches[:, node] = (self.adjacency[:, :node, node, None] & reaches[:, :node]).any(axis=1)
            reaches[:, node, node] = True
        reaches[:, -1] |= ~self.live
        return reaches

    def digest(self) -> str:
        """SHA-256 of operations and edges, hexadecimal."""
        return hashlib.sha256(self.ops.astype("<i8").tobytes() + self.adjacency.tobytes()).hexdigest()


def _colours(colours: list[int], adjacency: BoolArray) -> tuple[int, ...]:
    """Sorted; a node's says what lies within `_ROUNDS` edges before and behind it."""
    before = [np.flatnonzero(column).tolist() for column in adjacency.T]
    behind = [np.flatnonzero(row).tolist() for row in adjacency]
    for _ in range(_ROUNDS):
        colours = [
            hash((colour, *(tuple(sorted(colours[node] for node in nodes)) for nodes in neighbours)))
            for colour, *neighbours in zip(colours, before, behind, strict=True)
        ]
    return tuple(sorted(colours))


def stack_graphs(space: SearchSpace, architectures: Sequence[Architecture], vocabulary: Vocabulary) -> GraphBatch:
    """The graphs of at least one architecture. Raises: InvalidArchitectureError for one of another space."""
    graphs = [space.graph(architecture) for architecture in architectures]
    column = graphs[0].attribute_names.index("params")
    return GraphBatch(
        ops=vocabulary.of_space(space)[np.array([graph.ops for graph in graphs])],
        adjacency=np.array([graph.adjacency for graph in graphs]),
        live=np.array([graph.mask for graph in graphs]),
        params=np.array([graph.attributes[:, column].sum() for graph in graphs]),
    )

"""Adjacency encoding: the cell's edges and the operation of each node, flattened.

Source: Ying et al. 2019, arXiv 1902.09635; White et al. 2020, arXiv 2007.04965 ("one-hot adjacency").
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from spaces.base import Architecture, FloatArray, SearchSpace


class Adjacency:
    """Upper triangle of the pruned adjacency, then a one-hot operation per node, for each cell of the space.

    For graphs of k nodes and v operations, (n, k (k - 1) / 2 + k v) per cell. Pruned edges are 0 while pruned
    operations stay visible: a measured network still runs them.
    """

    name = "adjacency"

    def feature_names(self, space: SearchSpace) -> tuple[str, ...]:
        """`edge:i>j` for i < j, then `node:i:operation`; after `cell:` where the space has several."""
        return tuple(
            (f"{cell}:" if len(space.cells) > 1 else "") + name
            for cell, nodes in zip(space.cells, _node_counts(space), strict=True)
            for name in _graph_columns(space, nodes)
        )

    def encode(self, space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
        """See `Encoder.encode`."""
        identity = np.eye(len(space.op_names))
        uppers = [np.triu_indices(nodes, k=1) for nodes in _node_counts(space)]
        if not architectures:
            return np.zeros((0, len(self.feature_names(space))))
        return np.array(
            [
                np.concatenate(
                    [
                        part
                        for upper, graph in zip(uppers, space.graphs(architecture), strict=True)
                        for part in (graph.adjacency[upper], identity[graph.ops].ravel())
                    ]
                )
                for architecture in architectures
            ],
            dtype=np.float64,
        )


def _graph_columns(space: SearchSpace, nodes: int) -> list[str]:
    edges = [f"edge:{i}>{j}" for i, j in zip(*np.triu_indices(nodes, k=1), strict=True)]
    return [*edges, *(f"node:{node}:{op}" for node in range(nodes) for op in space.op_names)]


@lru_cache(maxsize=32)
def _node_counts(space: SearchSpace) -> tuple[int, ...]:
    """Nodes of each cell's graph, the same for all architectures."""
    (any_architecture,) = space.sample(1, rng=np.random.default_rng(0))
    return tuple(len(graph.ops) for graph in space.graphs(any_architecture))

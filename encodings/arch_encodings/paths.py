"""Path encoding: which sequences of operations lead from the input to the output.

Source: White, Neiswanger & Savani 2019, arXiv 1910.11858 (BANANAS), sec. 3. Skips are bypassed and dead nodes
pruned by `SearchSpace.graph` before the paths are read, so functionally equal cells share most of their paths.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from arch_encodings.errors import UnsupportedSpaceError
from spaces.base import ArchGraph, Architecture, FloatArray, SearchSpace, is_enumerable


class Paths:
    """A 1 for each operation sequence that occurs as a path; columns are all paths that occur in the space."""

    name = "paths"

    def feature_names(self, space: SearchSpace) -> tuple[str, ...]:
        """Operations joined by `>`; `direct` is the path without an operation. Raises: UnsupportedSpaceError."""
        return tuple(_columns(space))

    def encode(self, space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
        """See `Encoder.encode`. Spaces too large to list have too many paths and are refused."""
        columns = _columns(space)
        encoded = np.zeros((len(architectures), len(columns)))
        for row, architecture in zip(encoded, architectures, strict=True):
            row[[columns[path] for path in _paths(space.graph(architecture), space.op_names)]] = 1.0
        return encoded


@lru_cache(maxsize=16)
def _columns(space: SearchSpace) -> dict[str, int]:
    if not is_enumerable(space):
        raise UnsupportedSpaceError(Paths.name, space.name, "it is too large to list its paths")
    found = {path for architecture in space.enumerate() for path in _paths(space.graph(architecture), space.op_names)}
    return {path: column for column, path in enumerate(sorted(found, key=lambda path: (path.count(">"), path)))}


def _paths(graph: ArchGraph, op_names: tuple[str, ...]) -> Iterator[str]:
    """Each path from the first node to the last, named by the operations between them."""
    last = len(graph.ops) - 1
    stack: list[tuple[int, tuple[str, ...]]] = [(0, ())]
    while stack:
        node, passed = stack.pop()
        for successor in np.flatnonzero(graph.adjacency[node]).tolist():
            if successor == last:
                yield ">".join(passed) or "direct"
            else:
                stack.append((successor, (*passed, op_names[graph.ops[successor]])))

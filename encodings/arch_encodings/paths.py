"""Path encodings: which sequences of operations lead from an input to the output of each cell.

Source: White, Neiswanger & Savani 2019, arXiv 1910.11858 (BANANAS), sec. 3. Skips that a space bypasses and dead nodes
are pruned before the paths are read, so functionally equal cells share most of their paths. Nodes that are no choice,
as the sums of DARTS' cells, are passed over; where a cell has two inputs, a path begins with the name of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, groupby, product
from typing import Final

import numpy as np

from arch_encodings.errors import UnsupportedSpaceError
from spaces.base import ArchGraph, Architecture, FloatArray, SearchSpace, is_enumerable

Path = tuple[str, ...]
Columns = tuple[dict[Path, int], ...]  # of each cell, its paths with the number of their column in it

MOST_COLUMNS: Final = 400  # of a cell: all 364 of NAS-Bench-101; two operations of NASNet's 13
_SAMPLE: Final = 200


class Paths:
    """A 1 for each operation sequence that occurs as a path; columns are all paths that occur in the space.

    Spaces too large to list have too many paths and are refused, and so are chains, in which every architecture would
    be a column of its own.
    """

    name = "paths"

    def feature_names(self, space: SearchSpace) -> tuple[str, ...]:
        """Operations joined by `>`, `direct` for a path without any; after `cell:` where the space has several."""
        return _names(space, _listed_columns(space))

    def encode(self, space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
        """See `Encoder.encode`."""
        return _occurrences(space, architectures, _listed_columns(space))


class TruncatedPaths:
    """A 1 for each short operation sequence that occurs as a path; columns are all up to some length.

    The length is the greatest with at most 400 columns (`MOST_COLUMNS`) for each cell, so that spaces too large to list
    are covered. Chains have no short path and are refused.
    """

    name = "paths_truncated"

    def feature_names(self, space: SearchSpace) -> tuple[str, ...]:
        """As those of `Paths`, the shortest first."""
        return _names(space, _short_columns(space))

    def encode(self, space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
        """See `Encoder.encode`."""
        return _occurrences(space, architectures, _short_columns(space))


@dataclass(frozen=True, slots=True)
class _Grammar:
    """What the paths of a cell are made of.

    Attributes:
        inputs: how a path may begin: the names of two inputs, or nothing.
        ops: operations that occur on paths.
        shortest: the fewest operations of a path.
    """

    inputs: tuple[Path, ...]
    ops: tuple[str, ...]
    shortest: int

    def sequences(self) -> Iterator[list[Path]]:
        """All sequences, those of equal length together, the shortest first; without end."""
        for length in count(self.shortest):
            yield [(*start, *ops) for start in self.inputs for ops in product(self.ops, repeat=length)]


def _names(space: SearchSpace, columns: Columns) -> tuple[str, ...]:
    return tuple(
        (f"{cell}:" if len(space.cells) > 1 else "") + (">".join(path) or "direct")
        for cell, paths in zip(space.cells, columns, strict=True)
        for path in paths
    )


def _occurrences(space: SearchSpace, architectures: Sequence[Architecture], columns: Columns) -> FloatArray:
    encoded = np.zeros((len(architectures), sum(map(len, columns))))
    for row, architecture in zip(encoded, architectures, strict=True):
        first = 0
        for graph, known in zip(space.graphs(architecture), columns, strict=True):
            row[[first + known[path] for path in _paths(space, graph) if path in known]] = 1.0
            first += len(known)
    return encoded


@lru_cache(maxsize=32)
def _listed_columns(space: SearchSpace) -> Columns:
    if not is_enumerable(space):
        raise UnsupportedSpaceError(Paths.name, space.name, "it is too large to list its paths")
    _refuse_chain(Paths.name, space)
    found: tuple[set[Path], ...] = tuple(set() for _ in space.cells)
    for architecture in space.enumerate():
        for paths, graph in zip(found, space.graphs(architecture), strict=True):
            paths.update(_paths(space, graph))
    return tuple(_numbered(sorted(paths, key=_by_length)) for paths in found)


@lru_cache(maxsize=32)
def _short_columns(space: SearchSpace) -> Columns:
    _refuse_chain(TruncatedPaths.name, space)
    if is_enumerable(space):
        return tuple(_numbered(_shortest(list(group) for _, group in groupby(p, len))) for p in _listed_columns(space))
    return tuple(_numbered(_shortest(_grammar(space, cell).sequences())) for cell in range(len(space.cells)))


def _shortest(groups: Iterable[list[Path]]) -> list[Path]:
    """As many of the groups as fit into `MOST_COLUMNS`."""
    kept: list[Path] = []
    for group in groups:
        if len(kept) + len(group) > MOST_COLUMNS:
            break
        kept += group
    return kept


def _grammar(space: SearchSpace, cell: int) -> _Grammar:
    """Read off a fixed sample, in which every operation occurs often."""
    seen = {path for paths in _sampled_paths(space) for path in paths[cell]}
    choices = _choices(space)
    inputs = {path[:1] if path and path[0] not in choices else () for path in seen}
    ops = {op for path in seen for op in path} & choices
    shortest = min(sum(op in choices for op in path) for path in seen)
    return _Grammar(tuple(sorted(inputs)), tuple(op for op in space.op_names if op in ops), shortest)


def _refuse_chain(encoder: str, space: SearchSpace) -> None:
    if all(len(paths) <= 1 for cells in _sampled_paths(space) for paths in cells):
        reason = "its architectures are chains, so that each is one long path that no other shares"
        raise UnsupportedSpaceError(encoder, space.name, reason)


@lru_cache(maxsize=32)
def _sampled_paths(space: SearchSpace) -> list[list[list[Path]]]:
    """Paths of each cell of some architectures, always the same ones."""
    architectures = space.sample(_SAMPLE, rng=np.random.default_rng(0))
    return [[list(_paths(space, graph)) for graph in space.graphs(architecture)] for architecture in architectures]


def _paths(space: SearchSpace, graph: ArchGraph) -> Iterator[Path]:
    """Each path from an input to the last node: the input unless it is the only one, then the operations."""
    choices, last = _choices(space), len(graph.ops) - 1
    inputs = np.flatnonzero(graph.mask & ~graph.adjacency.any(axis=0)).tolist()
    names = [space.op_names[op] for op in graph.ops.tolist()]
    stack: list[tuple[int, Path]] = [(node, () if names[node] == "input" else (names[node],)) for node in inputs]
    while stack:
        node, passed = stack.pop()
        for successor in np.flatnonzero(graph.adjacency[node]).tolist():
            if successor == last:
                yield passed
            else:
                stack.append((successor, (*passed, names[successor]) if names[successor] in choices else passed))


@lru_cache(maxsize=32)
def _choices(space: SearchSpace) -> frozenset[str]:
    return frozenset(name for names in space.choices for name in names) & frozenset(space.op_names)


def _numbered(paths: Iterable[Path]) -> dict[Path, int]:
    return {path: column for column, path in enumerate(paths)}


def _by_length(path: Path) -> tuple[int, Path]:
    return len(path), path

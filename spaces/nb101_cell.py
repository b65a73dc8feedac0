"""The NAS-Bench-101 cell as a labelled graph in canonical form: pruned, and the same for all isomorphic cells.

Source: Ying et al. 2019, arXiv 1902.09635, sec. 2.2. The benchmark hashes cells; here the canonical form itself is
small enough to be the key: of all topological orders of the inner vertices the one whose operations, then edges, come
first.
"""

from __future__ import annotations

from functools import cache
from itertools import permutations
from typing import Final, NamedTuple

import numpy as np

from spaces.base import BoolArray, IntArray

MOST_VERTICES: Final = 7
MOST_EDGES: Final = 9


class Cell(NamedTuple):
    """A cell: (n - 2,) operation of each inner vertex, (n, n) edges, strictly upper triangular."""

    ops: tuple[int, ...]
    matrix: BoolArray


def pruned(cell: Cell) -> Cell | None:
    """The cell without the vertices that lie on no path from input to output, None if there is no such path."""
    live = live_vertices(cell.matrix)
    if not live[0]:
        return None
    kept = np.flatnonzero(live)
    return Cell(tuple(cell.ops[vertex - 1] for vertex in kept[1:-1].tolist()), cell.matrix[np.ix_(kept, kept)])


def live_vertices(matrix: BoolArray) -> BoolArray:
    """(..., n) whether each vertex of the cells (..., n, n) lies on a path from input to output."""
    vertices = matrix.shape[-1]
    reached = np.zeros(matrix.shape[:-1], dtype=np.bool_)
    reached[..., 0] = True
    for vertex in range(vertices - 1):
        reached |= reached[..., vertex, None] & matrix[..., vertex, :]
    reaching = np.zeros_like(reached)
    reaching[..., -1] = True
    for vertex in range(vertices - 1, 0, -1):
        reaching |= reaching[..., vertex, None] & matrix[..., vertex]
    return reached & reaching


def canonical(cell: Cell) -> Cell:
    """The isomorphic cell that stands for all of them."""
    orders, inner_orders, lower, place_values = _orders(len(cell.matrix))
    edges = cell.matrix[orders[:, :, None], orders[:, None, :]]
    is_topological = ~edges[:, lower[0], lower[1]].any(axis=1)
    ops = np.array(cell.ops, dtype=np.int64)[inner_orders]
    codes = np.concatenate([ops, ~edges[:, lower[1], lower[0]]], axis=1) @ place_values
    best = int(np.flatnonzero(is_topological)[codes[is_topological].argmin()])
    return Cell(tuple(ops[best].tolist()), edges[best])


@cache
def _orders(vertices: int) -> tuple[IntArray, IntArray, tuple[IntArray, IntArray], IntArray]:
    """All orders (m, n) that keep input and output, their inner part, the lower triangle, and digits' place values."""
    last = vertices - 1
    orders = np.array([(0, *inner, last) for inner in permutations(range(1, last))], dtype=np.int64)
    lower = np.tril_indices(vertices, k=-1)
    digits = vertices - 2 + len(lower[0])
    place_values = 4 ** np.arange(digits - 1, -1, -1, dtype=np.int64)
    return orders, orders[:, 1:-1] - 1, (lower[0], lower[1]), place_values

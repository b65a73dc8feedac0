"""Graphs of the spaces whose network repeats a normal and a reduction cell of nodes that add two operations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spaces.base import ArchGraph, BoolArray, FloatArray, IntArray
from spaces.layer_attributes import ATTRIBUTE_NAMES

_INPUTS = 2


def cell_adjacency(sources: Sequence[tuple[int, int]], concatenated: Sequence[int]) -> BoolArray:
    """Edges of a cell: c_k-2 and c_k-1, for each node its two operations and their sum, output.

    Args:
        sources: for each of n nodes what its operations read: 0 and 1 the cell's inputs, 2 + i its node i.
        concatenated: nodes whose sums make the output, numbered as sources.

    Returns: (3n + 3, 3n + 3).
    """
    count = _INPUTS + 3 * len(sources) + 1
    adjacency = np.zeros((count, count), dtype=np.bool_)
    for node, pair in enumerate(sources):
        first = _INPUTS + 3 * node
        for slot, source in enumerate(pair):
            adjacency[_place(source), first + slot] = adjacency[first + slot, first + 2] = True
    for source in concatenated:
        adjacency[_place(source), -1] = True
    return adjacency


def pruned_cell(ops: IntArray, adjacency: BoolArray, is_zero: BoolArray, attributes: FloatArray) -> ArchGraph:
    """The graph of a cell without the edges of zeros and of nodes off every path from an input to the output."""
    kept = adjacency & ~is_zero & ~is_zero[:, None]
    mask = _on_path(kept)
    return ArchGraph(ops, kept & mask & mask[:, None], mask, attributes, ATTRIBUTE_NAMES)


def side_by_side(cells: Sequence[ArchGraph], first_costs: FloatArray, last_costs: FloatArray) -> ArchGraph:
    """Cells between a common input (op 0, the stem) and a common output (op 1, pool and classifier).

    Args: first_costs, last_costs: attributes of the common input and output, (4,) each.
    """
    nodes = 2 + sum(len(cell.ops) for cell in cells)
    adjacency = np.zeros((nodes, nodes), dtype=np.bool_)
    start = 1
    for cell in cells:
        end = start + len(cell.ops)
        adjacency[start:end, start:end] = cell.adjacency
        adjacency[0, start : start + _INPUTS] = cell.mask[:_INPUTS]
        adjacency[end - 1, -1] = cell.mask[-1]
        start = end
    ends = [any(cell.mask[-1] for cell in cells)]
    return ArchGraph(
        ops=np.concatenate([[0], *(cell.ops for cell in cells), [1]]),
        adjacency=adjacency,
        mask=np.concatenate([ends, *(cell.mask for cell in cells), ends]),
        attributes=np.concatenate([first_costs[None], *(cell.attributes for cell in cells), last_costs[None]]),
        attribute_names=ATTRIBUTE_NAMES,
    )


def _place(source: int) -> int:
    """Number of a source's node in the graph."""
    return source if source < _INPUTS else _INPUTS + 3 * (source - _INPUTS) + 2


def _on_path(adjacency: BoolArray) -> BoolArray:
    """Nodes on a path from an input to the output, (n,)."""
    last = len(adjacency) - 1
    reached, reaching = np.zeros((2, last + 1), dtype=np.bool_)
    reached[:_INPUTS] = reaching[last] = True
    for node in range(last):
        if reached[node]:
            reached |= adjacency[node]
    for node in range(last, 0, -1):
        if reaching[node]:
            reaching |= adjacency[:, node]
    return reached & reaching

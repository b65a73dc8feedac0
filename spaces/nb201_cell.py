"""The NAS-Bench-201 cell as a labelled graph, and when two cells count as the same.

Source of the graph: operations become nodes as in Akhauri & Abdelfattah 2024, arXiv 2403.02484 (FLAN). It differs in
that pruning is reported in a mask, so that nodes which do not compute are not pooled, and in that every node
carries what its operation costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np

from spaces import nb201_layers as layers
from spaces.base import ArchGraph, BoolArray, FloatArray, IntArray
from spaces.layer_attributes import ATTRIBUTE_NAMES, layer_costs

OP_NAMES: Final = ("output", "input", "avg_pool_3x3", "nor_conv_1x1", "nor_conv_3x3", "none", "skip_connect")
_INPUT, _OUTPUT = 0, 7
_NODE_OP: Final = np.array([OP_NAMES.index(op) for op in layers.OPS])
_ZERO: Final = "#"


def cell_graph(row: IntArray) -> ArchGraph:
    """The cell with choices `row` (6,) as eight nodes: input, the operations in edge order, output.

    `none` nodes lose their edges, `skip_connect` nodes are bypassed (predecessors connected to successors), nodes off
    every path lose their edges. `ops` and `attributes` keep every operation, pruned or not, because a measured
    network runs them all; `mask` tells which ones shape the result. In the 341 cells without a path from input to
    output no node does: the mask is False everywhere, input and output included.

    Attributes per node: `ATTRIBUTE_NAMES`, summed over the 15 cells. The input node carries the stem, the output node
    every other fixed layer, so that a column's sum is the network's total.
    """
    ops = np.concatenate([[OP_NAMES.index("input")], _NODE_OP[row], [OP_NAMES.index("output")]])
    adjacency, mask = pruned_cell(ops == OP_NAMES.index("none"), ops == OP_NAMES.index("skip_connect"))
    return ArchGraph(ops, adjacency, mask, _attributes(row), ATTRIBUTE_NAMES)


def pruned_cell(is_zero: BoolArray, is_identity: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Edges (8, 8) and mask (8,) of the cell whose nodes (8,) are zeros, identities, or operations that compute."""
    adjacency = _full_adjacency().copy()
    for node in np.flatnonzero(is_zero).tolist():
        _detach(adjacency, node)
    for node in np.flatnonzero(is_identity).tolist():
        adjacency |= np.outer(adjacency[:, node], adjacency[node])
        _detach(adjacency, node)
    mask = _on_path(adjacency)
    adjacency &= np.outer(mask, mask)
    return adjacency, mask


def isomorphism_class(row: Sequence[int]) -> str:
    """The benchmark's unique string of the cell with choices `row` (6,): 6,466 classes among 15,625 cells.

    A node is the sum of its edges' results in sorted order; `skip_connect` passes a node on, `none` or any operation
    on a zero node gives zero. This is the published count's notion of equality, kept so that splits by class compare
    with published ones. It is slightly off the functional one: sums are not flattened (a + (b + c) differs from
    (a + b) + c), zeros in a sum count, and one convolution used twice equals two of them.

    Source: Dong & Yang 2020, sec. 2.2; the authors' API, unique string with zero considered.
    """
    nodes = ["0"]
    for node in (1, 2, 3):
        terms = [
            _term(nodes[source], layers.OPS[choice])
            for (source, target), choice in zip(layers.EDGES, row, strict=True)
            if target == node
        ]
        nodes.append("+".join(sorted(terms)))
    return nodes[-1]


def _term(source: str, op: str) -> str:
    if op == "none" or source == _ZERO:
        return _ZERO
    return source if op == "skip_connect" else f"({source})@{op}"


@cache
def _full_adjacency() -> BoolArray:
    """Which operation nodes follow each other before pruning, (8, 8)."""
    adjacency = np.zeros((_OUTPUT + 1, _OUTPUT + 1), dtype=np.bool_)
    for node, (source, target) in enumerate(layers.EDGES, start=1):
        adjacency[_INPUT, node] = source == 0
        adjacency[node, _OUTPUT] = target == 3
        for later, (later_source, _) in enumerate(layers.EDGES, start=1):
            adjacency[node, later] = later_source == target
    return adjacency


def _detach(adjacency: BoolArray, node: int) -> None:
    adjacency[node] = False
    adjacency[:, node] = False


def _on_path(adjacency: BoolArray) -> BoolArray:
    """Nodes on a path from the input to the output, (n,); rows are in topological order."""
    reached = np.zeros(len(adjacency), dtype=np.bool_)
    reached[_INPUT] = True
    for node in range(_OUTPUT):
        if reached[node]:
            reached |= adjacency[node]
    reaching = np.zeros_like(reached)
    reaching[_OUTPUT] = True
    for node in range(_OUTPUT, 0, -1):
        if reaching[node]:
            reaching |= adjacency[:, node]
    return reached & reaching


def _attributes(row: IntArray) -> FloatArray:
    first, last, per_choice = _cost_tables()
    return np.concatenate([first, per_choice[np.arange(len(row)), row], last])


@cache
def _cost_tables() -> tuple[FloatArray, FloatArray, FloatArray]:
    """Costs of the input node (1, 3), of the output node (1, 3) and of each operation on each edge (6, 5, 3)."""
    per_choice = [
        [layer_costs(layers.segment_layers(position, choice)) for choice in range(len(layers.OPS))]
        for position in range(len(layers.EDGES))
    ]
    return layer_costs(layers.stem_layers())[None], layer_costs(layers.body_layers())[None], np.array(per_choice)

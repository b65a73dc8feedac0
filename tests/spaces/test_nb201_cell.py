"""The graph of a NAS-Bench-201 cell against a brute-force reading of the cell."""

from collections.abc import Set

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spaces import Nb201
from spaces.nb201_layers import EDGES, OPS

SPACE = Nb201()
CELLS = st.lists(st.integers(0, 4), min_size=6, max_size=6)


def reachable(row: list[int], start: int, ops: Set[str]) -> set[int]:
    """Cell nodes that `start` reaches along edges with one of `ops`, itself included."""
    found = {start}
    for (source, target), choice in zip(EDGES, row, strict=True):  # edges are in topological order
        if source in found and OPS[choice] in ops:
            found.add(target)
    return found


@given(CELLS)
def test_mask_is_true_exactly_at_computing_operations_on_a_path(row: list[int]) -> None:
    passing = set(OPS) - {"none"}
    connected = 3 in reachable(row, 0, passing)
    expected = [
        OPS[choice] not in ("none", "skip_connect")
        and source in reachable(row, 0, passing)
        and 3 in reachable(row, target, passing)
        for (source, target), choice in zip(EDGES, row, strict=True)
    ]
    mask = SPACE.graph(SPACE.parse(row)).mask
    assert mask.tolist() == [connected, *expected, connected]


@given(CELLS)
def test_edges_connect_operations_that_follow_each_other_across_skips(row: list[int]) -> None:
    graph = SPACE.graph(SPACE.parse(row))
    starts = [3, *(source for source, _ in EDGES), 3]  # cell node that a graph node reads; the input reads none
    ends = [0, *(target for _, target in EDGES), 3]  # cell node that a graph node writes
    for first in range(7):
        after = reachable(row, ends[first], {"skip_connect"})
        for second in range(1, 8):
            expected = graph.mask[first] and graph.mask[second] and starts[second] in after
            assert graph.adjacency[first, second] == expected, (first, second)


@given(CELLS)
def test_ops_keep_their_labels_and_attributes_sum_to_the_network(row: list[int]) -> None:
    architecture = SPACE.parse(row)
    graph, workload = SPACE.graph(architecture), SPACE.workload(architecture)
    names = [SPACE.op_names[op] for op in graph.ops]
    assert names == ["input", *(OPS[choice] for choice in row), "output"]
    totals = dict(zip(graph.attribute_names, graph.attributes.sum(axis=0), strict=True))
    moved = sum(layer.bytes_moved() for layer in workload.layers)
    written = sum(layer.out_elements for layer in workload.layers)
    assert totals == {"macs": workload.macs, "params": workload.params, "bytes": moved, "outputs": written}


def test_341_cells_have_no_path_and_an_empty_mask() -> None:
    graphs = [SPACE.graph(architecture) for architecture in SPACE.enumerate()]
    pathless = [graph for graph in graphs if not graph.mask.any()]
    assert len(pathless) == 341
    assert not any(graph.adjacency.any() for graph in pathless)


def test_cell_of_skips_connects_input_and_output_directly() -> None:
    graph = SPACE.graph(SPACE.parse([1] * 6))
    assert np.argwhere(graph.adjacency).tolist() == [[0, 7]]
    assert np.flatnonzero(graph.mask).tolist() == [0, 7]

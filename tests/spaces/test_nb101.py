"""Notations, canonical form and graph of NAS-Bench-101."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces import InvalidArchitectureError, Nb101
from spaces.nb101_cell import MOST_EDGES, MOST_VERTICES, live_vertices

SPACE = Nb101()
KEY = "conv3x3-maxpool3x3|110.11.1"
MATRIX = [[0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
OPS = ["input", "conv3x3-bn-relu", "maxpool3x3", "output"]
NUMBERS = [*(bit for row in MATRIX for bit in row), 0, 4, 2, 1]
CHOICES = [1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, *[0] * 3, 1, *[0] * 6, 0, 2, 3, 3, 3]


@pytest.mark.parametrize(
    "notation",
    [
        KEY,
        f" {KEY}\n",
        {"matrix": MATRIX, "ops": OPS},
        {"module_adjacency": np.array(MATRIX), "module_operations": OPS, "trainable_parameters": 1},
        NUMBERS,
        tuple(NUMBERS),
        np.array(NUMBERS),
        str(tuple(NUMBERS)),
        CHOICES,
    ],
    ids=range(9),
)
def test_parse_of_every_notation_gives_one_key(notation) -> None:
    assert SPACE.parse(notation).key == KEY


@pytest.mark.parametrize(
    "notation",
    [
        {"matrix": MATRIX},
        {"matrix": MATRIX[:3], "ops": OPS[:3]},
        {"matrix": MATRIX, "ops": OPS[:3]},
        {"matrix": MATRIX, "ops": ["input", "conv5x5", "maxpool3x3", "output"]},
        {"matrix": MATRIX, "ops": OPS[::-1]},
        {"matrix": np.array(MATRIX).T.tolist(), "ops": OPS},
        {"matrix": (2 * np.array(MATRIX)).tolist(), "ops": OPS},
        {"matrix": [["1", 1], [0, 0]], "ops": ["input", "output"]},
        {"matrix": [[0, 0], [0, 0]], "ops": ["input", "output"]},
        {"matrix": 3, "ops": OPS},
        [*NUMBERS[:-1], 7],
        [*NUMBERS[:-1], 1.0],
        "conv3x3|11",
        "conv3x3|11.2",
        "conv3x3|00.1",
        "|0",
        "-".join(["conv3x3"] * 6) + "|" + ".".join("1" * n for n in range(7, 0, -1)),
    ],
    ids=range(17),
)
def test_parse_of_what_is_no_cell_is_refused(notation) -> None:
    with pytest.raises(InvalidArchitectureError):
        SPACE.parse(notation)


def test_cell_with_ten_live_edges_is_refused_and_with_ten_dead_ones_is_not() -> None:
    matrix = np.zeros((7, 7), dtype=int)
    matrix[0, 1:6] = matrix[1:6, 6] = 1
    record = {"matrix": matrix, "ops": ["input", *["conv3x3-bn-relu"] * 5, "output"]}
    with pytest.raises(InvalidArchitectureError, match="10 live edges"):
        SPACE.parse(record)
    matrix[1:6, 6] = 0
    matrix[1, 2:7] = 1
    assert SPACE.parse(record).key == "conv3x3|10.1"


def test_choices_with_edges_at_an_absent_vertex_are_refused_and_repaired_by_adding_it() -> None:
    row = SPACE.decisions([SPACE.parse("conv3x3|10.1")])
    row[0, 3] = 1  # 0->4, which is absent
    with pytest.raises(InvalidArchitectureError, match="absent"):
        SPACE.from_decisions(row)
    assert SPACE.from_decisions(SPACE.repair(row))[0].key == "conv3x3-conv3x3|110.01.1"


@given(seed=st.integers(0, 2**32 - 1))
def test_key_is_the_same_for_all_isomorphic_cells(seed: int) -> None:
    rng = np.random.default_rng(seed)
    (architecture,) = SPACE.sample(1, rng=rng)
    graph = SPACE.graph(architecture)
    kept = np.flatnonzero(graph.mask)
    matrix, ops = graph.adjacency[np.ix_(kept, kept)], [SPACE.op_names[op] for op in graph.ops[kept]]
    for inner in permutations(range(1, len(kept) - 1)):
        order = [0, *inner, len(kept) - 1]
        shuffled = matrix[np.ix_(order, order)]
        if not np.tril(shuffled).any():
            assert SPACE.parse({"matrix": shuffled.astype(int), "ops": [ops[at] for at in order]}) == architecture


def test_space_has_as_many_cells_as_published() -> None:
    """Cells without operations up to order, times the ways to name operations that no symmetry makes equal."""
    found = sum(cells_of(vertices) for vertices in range(2, MOST_VERTICES + 1))
    assert found == SPACE.size == 423_624


def cells_of(vertices: int) -> int:
    upper, lower = np.triu_indices(vertices, k=1), np.tril_indices(vertices, k=-1)
    edges = (np.arange(2 ** len(upper[0]))[:, None] >> np.arange(len(upper[0]))) & 1
    edges = edges[edges.sum(axis=1) <= MOST_EDGES]
    cells = np.zeros((len(edges), vertices, vertices), dtype=np.bool_)
    cells[:, upper[0], upper[1]] = edges
    cells = cells[live_vertices(cells).all(axis=1)]
    place_values = np.zeros((vertices, vertices), dtype=np.int64)
    place_values[upper] = 2 ** np.arange(len(upper[0]))
    orders = [[0, *inner, vertices - 1] for inner in permutations(range(1, vertices - 1))]
    smallest = np.full(len(cells), 2**62)
    for order in orders:
        ordered = cells[:, order][:, :, order]
        code = np.where(ordered[:, lower[0], lower[1]].any(axis=1), 2**62, (ordered * place_values).sum(axis=(1, 2)))
        smallest = np.minimum(smallest, code)
    unique = cells[(cells * place_values).sum(axis=(1, 2)) == smallest]
    is_symmetry = np.stack([(unique[:, o][:, :, o] == unique).all(axis=(1, 2)) for o in orders], axis=1)
    fixed = np.array([3 ** cycles(order[1:-1]) for order in orders])
    return int(((is_symmetry * fixed).sum(axis=1) // is_symmetry.sum(axis=1)).sum())  # Burnside's lemma


def cycles(order: list[int]) -> int:
    left, count = set(order), 0
    while left:
        count += 1
        start = at = left.pop()
        while (at := order[at - 1]) != start:
            left.discard(at)
    return count


def test_graph_has_seven_nodes_with_the_output_last() -> None:
    graph = SPACE.graph(SPACE.parse(KEY))
    names = ["input", "conv3x3-bn-relu", "maxpool3x3", "absent", "absent", "absent", "output"]
    assert [SPACE.op_names[op] for op in graph.ops] == names
    assert graph.mask.tolist() == [True, True, True, False, False, False, True]
    assert np.argwhere(graph.adjacency).tolist() == [[0, 1], [0, 2], [1, 2], [1, 6], [2, 6]]

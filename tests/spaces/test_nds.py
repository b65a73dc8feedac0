"""Notations, counts and graphs of the NDS cell spaces."""

import math
from typing import Any

import numpy as np
import pytest

from spaces import SPACES, Architecture, InvalidArchitectureError
from spaces.nds_cells import FAMILIES

# The published cells, as pairs of operation and input.
NASNET: dict[str, Any] = {
    "normal": [
        ["sep_conv_5x5", 1],
        ["sep_conv_3x3", 0],
        ["sep_conv_5x5", 0],
        ["sep_conv_3x3", 0],
        ["avg_pool_3x3", 1],
        ["skip_connect", 0],
        ["avg_pool_3x3", 0],
        ["avg_pool_3x3", 0],
        ["sep_conv_3x3", 1],
        ["skip_connect", 1],
    ],
    "normal_concat": [2, 3, 4, 5, 6],
    "reduce": [
        ["sep_conv_5x5", 1],
        ["sep_conv_7x7", 0],
        ["max_pool_3x3", 1],
        ["sep_conv_7x7", 0],
        ["avg_pool_3x3", 1],
        ["sep_conv_5x5", 0],
        ["skip_connect", 3],
        ["avg_pool_3x3", 2],
        ["sep_conv_3x3", 2],
        ["max_pool_3x3", 1],
    ],
    "reduce_concat": [4, 5, 6],
}
NASNET_KEY = "0.10-1.11|0.10-0.11|0.0-1.4|0.4-0.4|1.0-1.10/0.12-1.11|0.12-1.5|0.11-1.4|2.4-3.0|1.5-2.10"
AMOEBA: dict[str, Any] = {
    "normal": [
        ("avg_pool_3x3", 0),
        ("max_pool_3x3", 1),
        ("sep_conv_3x3", 0),
        ("sep_conv_5x5", 2),
        ("sep_conv_3x3", 0),
        ("avg_pool_3x3", 3),
        ("sep_conv_3x3", 1),
        ("skip_connect", 1),
        ("skip_connect", 0),
        ("avg_pool_3x3", 1),
    ],
    "normal_concat": (4, 5, 6),
    "reduce": [
        ("avg_pool_3x3", 0),
        ("sep_conv_3x3", 1),
        ("max_pool_3x3", 0),
        ("sep_conv_7x7", 2),
        ("sep_conv_7x7", 0),
        ("avg_pool_3x3", 1),
        ("max_pool_3x3", 0),
        ("max_pool_3x3", 1),
        ("conv_7x1_1x7", 0),
        ("sep_conv_3x3", 5),
    ],
    "reduce_concat": (3, 4, 6),
}
PNAS_CELL = [
    ("sep_conv_5x5", 0),
    ("max_pool_3x3", 0),
    ("sep_conv_7x7", 1),
    ("max_pool_3x3", 1),
    ("sep_conv_5x5", 1),
    ("sep_conv_3x3", 1),
    ("sep_conv_3x3", 4),
    ("max_pool_3x3", 1),
    ("sep_conv_3x3", 0),
    ("skip_connect", 1),
]
EVERY_NODE = [2, 3, 4, 5, 6]
PNAS: dict[str, Any] = {
    "normal": PNAS_CELL,
    "normal_concat": EVERY_NODE,
    "reduce": PNAS_CELL,
    "reduce_concat": EVERY_NODE,
}


def test_parse_of_the_published_cells_agrees_with_what_they_concatenate() -> None:
    assert SPACES["nds_nasnet"].parse(NASNET).key == NASNET_KEY
    assert SPACES["nds_amoeba"].parse(AMOEBA).key.split("/")[0] == "0.4-1.5|0.1-2.2|0.1-3.4|1.0-1.1|0.0-1.4"
    normal, reduce = SPACES["nds_pnas"].parse(PNAS).key.split("/")
    assert normal == reduce == "0.1-0.6|1.2-1.6|1.0-1.1|1.6-4.0|0.0-1.4"


def test_parse_reads_edges_in_either_order_and_genotypes_without_concatenation() -> None:
    space = SPACES["nds_nasnet"]
    pairs_alone = {kind: NASNET[kind] for kind in ("normal", "reduce")}
    assert space.parse(pairs_alone).key == NASNET_KEY
    assert space.parse(f" {NASNET_KEY.replace('0.10-1.11', '1.11-0.10')}\n").key == NASNET_KEY


@pytest.mark.parametrize(
    "notation",
    [
        NASNET_KEY.replace("0.10-1.11|", "0.10-2.11|"),  # an input that comes later
        NASNET_KEY.replace("0.12-1.11", "0.13-1.11"),
        NASNET_KEY.replace("0.0-1.4", "00.0-1.4"),
        NASNET_KEY.replace("|1.0-1.10", ""),
        NASNET_KEY.split("/")[0],
        {**NASNET, "reduce_concat": EVERY_NODE},
        {**NASNET, "reduce_concat": "456"},
        {**NASNET, "reduce": NASNET["reduce"][:-2]},
        {**NASNET, "reduce": [*NASNET["reduce"][:-1], ["none", 1]]},
        {**NASNET, "reduce": [*NASNET["reduce"][:-1], ["max_pool_3x3", 6]]},
        {**NASNET, "reduce": [*NASNET["reduce"][:-1], ["max_pool_3x3", -1]]},
        {**NASNET, "reduce": [*NASNET["reduce"][:-1], ["max_pool_3x3", True]]},
        {**NASNET, "reduce": [*NASNET["reduce"][:-1], "ab"]},
        {"normal": NASNET["normal"]},
    ],
    ids=range(14),
)
def test_parse_of_what_is_no_pair_of_cells_is_refused(notation) -> None:
    with pytest.raises(InvalidArchitectureError):
        SPACES["nds_nasnet"].parse(notation)


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("nds_nasnet", 71_465_842),
        ("nds_amoeba", 556_628),
        ("nds_pnas", 556_628),
        ("nds_enas", 5_063),
        ("nds_darts", 242),
    ],
)
def test_rows_of_choices_per_cell_are_as_many_as_published(name: str, billions: int) -> None:
    choices = SPACES[name].choices
    rows = math.prod(map(len, choices[: len(choices) // 2]))
    assert (2 * rows + 10**9) // (2 * 10**9) == billions


def test_size_counts_the_two_edges_of_a_node_as_unordered() -> None:
    unordered = math.prod(math.comb(5 * inputs + 1, 2) for inputs in range(2, 7))
    assert SPACES["nds_enas"].size == unordered**2


def test_choices_with_a_nodes_edges_exchanged_mean_the_same_architecture() -> None:
    space = SPACES["nds_enas"]
    (architecture,) = space.sample(1, rng=np.random.default_rng(0))
    rows = space.decisions([architecture])
    exchanged = rows.reshape(1, -1, 2, 2)[:, :, ::-1].reshape(rows.shape)
    assert not (exchanged == rows).all()
    assert space.from_decisions(exchanged) == [architecture]


def test_sample_draws_equal_edges_as_often_as_other_pairs() -> None:
    space = SPACES["nds_enas"]
    rows = space.decisions(space.sample(8000, rng=np.random.default_rng(0)))
    equal = (rows[:, :2] == rows[:, 2:4]).all(axis=1).mean()
    assert equal == pytest.approx(10 / 55, abs=0.015)  # ten edges into the first node, 55 unordered pairs


def test_graph_joins_loose_ends_alone_to_the_output() -> None:
    space = SPACES["nds_nasnet"]
    normal, reduce = space.graphs(space.parse(NASNET))
    assert len(normal.ops) == len(reduce.ops) == 18
    assert np.flatnonzero(normal.adjacency[:, -1]).tolist() == [4, 7, 10, 13, 16]
    assert np.flatnonzero(reduce.adjacency[:, -1]).tolist() == [10, 13, 16]
    assert [space.op_names[op] for op in normal.ops[:5]] == ["c_k-2", "c_k-1", "sep_conv_3x3", "sep_conv_5x5", "sum"]
    assert np.flatnonzero(reduce.adjacency[4]).tolist() == [
        11,
        15,
    ]  # the first sum feeds two later operations
    assert normal.mask.all()


def test_graph_leaves_out_an_input_that_nothing_reads() -> None:
    space = SPACES["nds_enas"]
    cell = "|".join(["0.1-0.2"] * 5)
    architecture = space.parse(f"{cell}/{cell}")
    for graph in space.graphs(architecture):
        assert np.flatnonzero(~graph.mask).tolist() == [1]
    assert np.flatnonzero(~space.graph(architecture).mask).tolist() == [2, 20]


def test_graph_of_zeros_alone_has_no_node_that_computes() -> None:
    space = SPACES["nds_darts"]
    zeros, living = "|".join(["0.0-1.0"] * 4), "|".join(["0.0-1.3"] * 4)
    half_dead = space.parse(f"{zeros}/{living}")
    normal, reduce = space.graphs(half_dead)
    assert not normal.mask.any()
    assert np.flatnonzero(~reduce.mask).tolist() == [0, 2, 5, 8, 11]
    whole = space.graph(half_dead)
    assert whole.mask[0]
    assert np.flatnonzero(whole.adjacency[:, -1]).tolist() == [len(whole.ops) - 2]
    assert not space.graph(space.parse(f"{zeros}/{zeros}")).mask.any()


def test_families_have_the_published_numbers_of_operations_and_nodes() -> None:
    assert {family.name: (len(family.ops), family.nodes, family.takes_all) for family in FAMILIES} == {
        "nds_nasnet": (13, 5, False),
        "nds_amoeba": (8, 5, False),
        "nds_pnas": (8, 5, True),
        "nds_enas": (5, 5, False),
        "nds_darts": (8, 4, True),
    }


def test_decisions_of_a_key_that_is_not_canonical_are_refused() -> None:
    space = SPACES["nds_nasnet"]
    with pytest.raises(InvalidArchitectureError, match="canonical"):
        space.decisions([Architecture(space.name, NASNET_KEY.replace("0.10-1.11", "1.11-0.10"))])

"""Notations and graph of FBNet."""

import numpy as np
import pytest

from spaces import Fbnet, InvalidArchitectureError, NotEnumerableError
from spaces.fbnet_layers import IMAGENET, OPS

KEY = "2_8_6_3_8_4_8_4_1_8_7_8_0_6_2_5_2_6_0_2_7_7"
NUMBERS = [int(part) for part in KEY.split("_")]


@pytest.fixture(scope="module")
def space() -> Fbnet:
    return Fbnet()


@pytest.mark.parametrize(
    "notation",
    [
        KEY,
        f"{KEY}\n",
        KEY.replace("_", "-"),
        KEY.replace("_", ","),
        NUMBERS,
        tuple(NUMBERS),
        [OPS[number] for number in NUMBERS],
        np.array(NUMBERS),
    ],
)
def test_parse_of_every_notation_gives_one_key(space: Fbnet, notation) -> None:
    assert space.parse(notation).key == KEY


def test_choices_are_in_the_order_of_the_measured_tables(space: Fbnet) -> None:
    assert space.choices[0] == (
        "k3_e1", "k3_e1_g2", "k3_e3", "k3_e6", "k5_e1", "k5_e1_g2", "k5_e3", "k5_e6", "skip",
    )  # fmt: skip
    assert space.size == 9**22


def test_enumerate_of_so_large_a_space_is_refused(space: Fbnet) -> None:
    with pytest.raises(NotEnumerableError):
        space.enumerate()


def test_index_is_refused_because_the_space_has_no_order(space: Fbnet) -> None:
    with pytest.raises(InvalidArchitectureError):
        space.parse(3)


def test_decisions_of_the_other_macros_architecture_are_refused(space: Fbnet) -> None:
    with pytest.raises(InvalidArchitectureError):
        space.decisions([Fbnet(IMAGENET).parse(KEY)])


def test_graph_is_a_chain_that_knows_where_each_block_is(space: Fbnet) -> None:
    graph = space.graph(space.parse([8, *[0] * 20, 8]))
    assert [space.op_names[op] for op in graph.ops] == ["input", "skip", *["k3_e1"] * 20, "skip", "output"]
    assert np.argwhere(graph.adjacency).tolist() == [[node, node + 1] for node in range(23)]
    assert graph.mask.all()
    columns = dict(zip(graph.attribute_names, graph.attributes.T, strict=True))
    assert columns["out_channels"].tolist() == [
        16, 16, *[24] * 4, *[32] * 4, *[64] * 4, *[112] * 4, *[184] * 4, 352, 100,
    ]  # fmt: skip
    assert columns["size"].tolist() == [32, 32, *[32] * 5, *[16] * 4, *[8] * 8, *[4] * 5]
    assert np.flatnonzero(columns["stride"] == 2).tolist() == [6, 10, 18]


@pytest.mark.parametrize("macro_space", [Fbnet(), Fbnet(IMAGENET)], ids=lambda space: space.name)
def test_graph_attributes_sum_to_the_network(macro_space: Fbnet) -> None:
    for architecture in macro_space.sample(20, rng=np.random.default_rng(0)):
        graph, workload = macro_space.graph(architecture), macro_space.workload(architecture)
        totals = dict(zip(graph.attribute_names, graph.attributes.sum(axis=0), strict=True))
        assert totals["macs"] == workload.macs
        assert totals["params"] == workload.params
        assert totals["bytes"] == sum(layer.bytes_moved() for layer in workload.layers)

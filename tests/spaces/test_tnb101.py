"""Notations and graphs of both TransNAS-Bench-101 spaces."""

import numpy as np
import pytest

from spaces import InvalidArchitectureError, Tnb101Macro, Tnb101Micro

MICRO, MACRO = Tnb101Micro(), Tnb101Macro()


@pytest.mark.parametrize(
    "notation",
    [
        "64-41414-1_02_330",
        " 64-41414-1_02_330\n",
        "(1, 0, 2, 3, 3, 0)",
        "1,0,2,3,3,0",
        [1, 0, 2, 3, 3, 0],
        ["skip_connect", "none", "nor_conv_1x1", "nor_conv_3x3", "nor_conv_3x3", "none"],
    ],
)
def test_micro_parse_of_every_notation_gives_one_key(notation) -> None:
    assert MICRO.parse(notation).key == "64-41414-1_02_330"


@pytest.mark.parametrize(
    "notation",
    [
        "64-1242-basic",
        "(1, 2, 4, 2, 0, 0)",
        (1, 2, 4, 2, 0, 0),
        ["same", "widen", "halve_widen", "widen", "absent", "absent"],
    ],
)
def test_macro_parse_of_every_notation_gives_one_key(notation) -> None:
    assert MACRO.parse(notation).key == "64-1242-basic"


@pytest.mark.parametrize(
    "notation",
    [
        "64-123-basic",  # three modules
        "64-1234123-basic",  # seven
        "64-1111-basic",  # neither doubles nor halves
        "64-2222-basic",  # doubles four times
        "64-333331-basic",  # halves five times
        "64-1111-bottleneck",
        "32-1234-basic",
        [1, 2, 0, 4, 2, 0],  # a gap
        [0, 1, 2, 4, 2, 1],
    ],
)
def test_macro_parse_of_what_the_benchmark_does_not_have_is_refused(notation) -> None:
    with pytest.raises(InvalidArchitectureError):
        MACRO.parse(notation)


def test_spaces_have_their_published_sizes() -> None:
    assert len(set(MICRO.enumerate())) == MICRO.size == 4096
    assert len(set(MACRO.enumerate())) == MACRO.size == 3256


def test_macro_repair_changes_as_little_as_possible() -> None:
    rows = np.array([[1, 1, 1, 1, 0, 0], [1, 2, 0, 4, 2, 0], [1, 2, 4, 2, 0, 0]])
    repaired = MACRO.repair(rows)
    assert (repaired != rows).sum(axis=1).tolist() == [1, 1, 0]
    assert len(MACRO.from_decisions(repaired)) == 3


def test_micro_graph_bypasses_skips_and_drops_what_is_dead() -> None:
    graph = MICRO.graph(MICRO.parse([3, 0, 1, 0, 2, 3]))
    assert [MICRO.op_names[op] for op in graph.ops[1:-1]] == [
        "nor_conv_3x3", "none", "skip_connect", "none", "nor_conv_1x1", "nor_conv_3x3",
    ]  # fmt: skip
    assert np.argwhere(graph.adjacency).tolist() == [[0, 1], [1, 5], [1, 6], [5, 7], [6, 7]]


def test_macro_graph_is_a_chain_over_the_modules_that_exist() -> None:
    graph = MACRO.graph(MACRO.parse("64-1242-basic"))
    names = ["input", "same", "widen", "halve_widen", "widen", "absent", "absent", "output"]
    assert [MACRO.op_names[op] for op in graph.ops] == names
    assert np.argwhere(graph.adjacency).tolist() == [[0, 1], [1, 2], [2, 3], [3, 4], [4, 7]]
    columns = dict(zip(graph.attribute_names, graph.attributes.T.tolist(), strict=True))
    assert columns["in_channels"] == [3, 64, 64, 128, 256, 0, 0, 512]
    assert columns["size"] == [256, 64, 64, 64, 32, 0, 0, 32]

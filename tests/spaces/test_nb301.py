"""Notations and graphs of the DARTS space."""

import ast
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spaces import InvalidArchitectureError, Nb301
from spaces.nb301_layers import OPS

SPACE = Nb301()
KEY = "0.0-1.5|0.1-1.1|0.3-1.3|1.3-3.2/0.2-1.0|0.3-1.3|0.1-3.0|2.0-3.6"
PAIRS = [
    [(0, 0), (1, 5), (1, 1), (0, 1), (1, 3), (0, 3), (1, 3), (3, 2)],
    [(1, 0), (0, 2), (1, 3), (0, 3), (3, 0), (0, 1), (2, 0), (3, 6)],
]
GENOTYPE: dict[str, Any] = {
    kind: [(OPS[op], source) for source, op in cell] for kind, cell in zip(("normal", "reduce"), PAIRS, strict=True)
}
CHOICES = [0, 5, 0, 1, 1, 0, 3, 3, 5, 3, 2, 2, 0, 0, 3, 3, 2, 1, 0, 7, 0, 6]


@pytest.mark.parametrize(
    "notation",
    [
        KEY,
        f"{KEY}\n",
        PAIRS,
        tuple(map(tuple, PAIRS)),
        np.array(PAIRS),
        str(PAIRS),
        str(tuple(map(tuple, PAIRS))),
        GENOTYPE,
        {**GENOTYPE, "normal_concat": [2, 3, 4, 5], "reduce_concat": [2, 3, 4, 5]},
        CHOICES,
    ],
    ids=range(10),
)
def test_parse_of_every_notation_gives_one_key(notation) -> None:
    assert SPACE.parse(notation).key == KEY


@pytest.mark.parametrize(
    "notation",
    [
        KEY.replace("0.0-1.5", "1.5-1.5"),  # one input twice
        KEY.replace("0.0-1.5", "0.0-2.5"),  # an input that comes later
        KEY.replace("0.0", "0.7"),
        KEY.replace("/", "|"),
        KEY.split("/")[0],
        PAIRS[:1],
        [PAIRS[0], PAIRS[1][:-1]],
        [PAIRS[0], [*PAIRS[1][:-1], (3, True)]],
        [PAIRS[0], [*PAIRS[1][:-1], 3]],
        {"normal": GENOTYPE["normal"]},
        {**GENOTYPE, "reduce": [("none", source) for _, source in GENOTYPE["reduce"]]},
        {**GENOTYPE, "reduce": 8},
    ],
    ids=range(12),
)
def test_parse_of_what_is_no_pair_of_cells_is_refused(notation) -> None:
    with pytest.raises(InvalidArchitectureError):
        SPACE.parse(notation)


def test_size_is_that_of_the_source() -> None:
    assert SPACE.size == (1 * 3 * 6 * 10 * 7**8) ** 2


def test_graphs_are_the_cells_with_their_operations_as_nodes() -> None:
    normal, reduce = SPACE.graphs(SPACE.parse(KEY))
    names = [SPACE.op_names[op] for op in normal.ops]
    assert names[:2] == ["c_k-2", "c_k-1"]
    assert names[2:5] == ["max_pool_3x3", "dil_conv_3x3", "sum"]
    assert names[-1] == "output"
    assert np.flatnonzero(normal.adjacency[:, 11]).tolist() == [1]  # last node: sep_conv_3x3 on c_k-1
    assert np.flatnonzero(normal.adjacency[:, 12]).tolist() == [7]  # and skip_connect on the second node's sum
    assert np.flatnonzero(normal.adjacency[:, -1]).tolist() == [4, 7, 10, 13]
    assert np.flatnonzero(reduce.adjacency[:, 11]).tolist() == [4]


def test_graph_holds_both_cells_between_one_input_and_one_output() -> None:
    architecture = SPACE.parse(KEY)
    graph, (normal, reduce) = SPACE.graph(architecture), SPACE.graphs(architecture)
    assert (graph.adjacency[1:16, 1:16] == normal.adjacency).all()
    assert (graph.adjacency[16:31, 16:31] == reduce.adjacency).all()
    assert np.flatnonzero(graph.adjacency[0]).tolist() == [1, 2, 16, 17]
    assert np.flatnonzero(graph.adjacency[:, -1]).tolist() == [15, 30]
    assert graph.mask.all()


@pytest.mark.data
def test_every_tabulated_architecture_is_read(data_dir: Path) -> None:
    with gzip.open(data_dir / "zero_cost" / "naslib_nb301.json.gz", "rt") as file:
        keys = list(json.load(file)["cifar10"])
    architectures = [SPACE.parse(key) for key in keys]
    assert len(set(architectures)) == len(keys) == 725
    assert [SPACE.parse(ast.literal_eval(key)) for key in keys] == architectures

"""Notations and graph of Once-for-all."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spaces import InvalidArchitectureError, Ofa
from spaces.ofa_layers import RESOLUTIONS

KEY = "176:k3e3-k5e4|k7e6-k3e3-k3e3|k3e3-k3e3-k3e3-k7e4|k3e3-k3e3|k5e6-k5e6"
RECORD: dict[str, Any] = {
    "ks": [3, 5, 7, 7, 7, 3, 3, 5, 3, 3, 3, 7, 3, 3, 3, 3, 5, 5, 7, 7],
    "e": [3, 4, 6, 6, 6, 3, 3, 4, 3, 3, 3, 4, 3, 3, 3, 3, 6, 6, 6, 6],
    "d": [2, 3, 4, 2, 2],
    "r": 176,
}
NAMES = ["r176", "k3e3", "k5e4", "absent", "absent", "k7e6", "k3e3", "k3e3", "absent", *["k3e3"] * 3, "k7e4",
         "k3e3", "k3e3", "absent", "absent", "k5e6", "k5e6", "absent", "absent"]  # fmt: skip


@pytest.fixture(scope="module")
def space() -> Ofa:
    return Ofa()


@pytest.mark.parametrize(
    "notation", [KEY, f"{KEY}\n", RECORD, {"wid": None, **RECORD}, json.dumps(RECORD), NAMES], ids=range(6)
)
def test_parse_of_every_notation_gives_one_key(space: Ofa, notation) -> None:
    assert space.parse(notation).key == KEY


@pytest.mark.parametrize(
    "change",
    [{"r": 130}, {"r": "176"}, {"r": True}, {"d": [1, 3, 4, 2, 2]}, {"d": [2] * 4}, {"ks": [3] * 19}, {"ks": [4] * 20},
     {"e": [[3]] * 20}, {"e": None}],
)  # fmt: skip
def test_parse_of_a_record_with_a_wrong_value_is_refused(space: Ofa, change) -> None:
    for notation in (RECORD | change, json.dumps(RECORD | change)):
        with pytest.raises(InvalidArchitectureError):
            space.parse(notation)


@pytest.mark.parametrize("field", RECORD)
def test_parse_of_a_record_without_a_field_names_it(space: Ofa, field: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=f"'{field}' is missing"):
        space.parse({name: value for name, value in RECORD.items() if name != field})


def test_fourth_block_behind_an_absent_third_is_refused_and_repaired(space: Ofa) -> None:
    row = space.decisions([space.parse(KEY)])
    row[0, 4] = 5
    with pytest.raises(InvalidArchitectureError, match="follows an absent one"):
        space.from_decisions(row)
    assert space.from_decisions(space.repair(row))[0].key == KEY.replace("k5e4|", "k5e4-k5e6|")


def test_size_counts_every_depth(space: Ofa) -> None:
    assert space.size == 25 * (9**2 + 9**3 + 9**4) ** 5


def test_sample_draws_depths_and_resolutions_uniformly(space: Ofa) -> None:
    keys = [architecture.key for architecture in space.sample(3000, rng=np.random.default_rng(0))]
    depths = Counter(unit.count("-") + 1 for key in keys for unit in key.split("|"))
    assert all(abs(depths[depth] - 5000) < 300 for depth in (2, 3, 4))
    resolutions = Counter(int(key.split(":")[0]) for key in keys)
    assert set(resolutions) == set(RESOLUTIONS)


def test_graph_is_a_chain_over_the_blocks_that_exist(space: Ofa) -> None:
    graph = space.graph(space.parse(KEY))
    assert [space.op_names[op] for op in graph.ops] == ["input", *NAMES, "output"]
    live = [node for node, name in enumerate(["input", *NAMES, "output"]) if name != "absent"]
    assert np.argwhere(graph.adjacency).tolist() == [list(edge) for edge in pairwise(live)]
    assert np.flatnonzero(graph.mask).tolist() == live


@pytest.mark.data
def test_every_architecture_that_help_measured_is_read(space: Ofa, data_dir: Path) -> None:
    records = json.loads((data_dir / "help" / "ofa" / "ofa_archs.json").read_text())
    architectures = [space.parse(record) for record in records]
    assert len(set(architectures)) == len(records) == 5000
    assert space.from_decisions(space.decisions(architectures)) == architectures

"""Notations, index order and isomorphism classes of NAS-Bench-201."""

import csv
import gzip
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from spaces import IndexUnavailableError, InvalidArchitectureError, Nb201

KEY = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
NAMES = ["avg_pool_3x3", "nor_conv_1x1", "skip_connect", "nor_conv_1x1", "skip_connect", "skip_connect"]
NUMBERS = [4, 2, 1, 2, 1, 1]


@pytest.fixture(scope="module")
def space() -> Nb201:
    return Nb201()


@pytest.mark.parametrize(
    "notation",
    [KEY, f" {KEY}\n", "4-2-1-2-1-1", "4_2_1_2_1_1", "4,2,1,2,1,1", NUMBERS, tuple(NUMBERS), NAMES, np.array(NUMBERS)],
)
def test_parse_of_every_notation_gives_one_key(space: Nb201, notation) -> None:
    assert space.parse(notation).key == KEY


def test_space_has_15625_architectures_all_distinct(space: Nb201) -> None:
    listed = list(space.enumerate())
    assert space.size == len(listed) == len(set(listed)) == 15625


@pytest.mark.parametrize("index", [0, 15624, np.int64(3), "7", "007"])
def test_parse_index_before_its_order_is_imported_says_so(space: Nb201, index) -> None:
    with pytest.raises(IndexUnavailableError, match="not been imported"):
        space.parse(index)


def test_parse_index_with_order_gives_the_architecture_at_that_place(space: Nb201) -> None:
    order = [architecture.key for architecture in space.enumerate()][::-1]
    ordered = space.with_index_order(order)
    assert [ordered.parse(0).key, ordered.parse("15624").key, ordered.parse(1).key] == [
        order[0],
        order[15624],
        order[1],
    ]


@pytest.mark.parametrize("index", [-1, 15625, "15625", "99999", 10**40])
def test_parse_index_outside_the_benchmark_is_invalid_with_and_without_order(space: Nb201, index) -> None:
    ordered = space.with_index_order([architecture.key for architecture in space.enumerate()])
    for candidate in (space, ordered):
        with pytest.raises(InvalidArchitectureError) as caught:
            candidate.parse(index)
        assert not isinstance(caught.value, IndexUnavailableError)


def test_index_order_with_missing_or_repeated_architectures_is_refused(space: Nb201) -> None:
    keys = [architecture.key for architecture in space.enumerate()]
    for order in (keys[:-1], [*keys, keys[0]], [*keys[:-1], keys[0]]):
        with pytest.raises(ValueError, match="15625"):
            space.with_index_order(order)


def test_index_order_with_an_unknown_key_is_refused(space: Nb201) -> None:
    with pytest.raises(InvalidArchitectureError):
        space.with_index_order(["nonsense"] * 15625)


def test_unknown_operation_is_refused_with_the_allowed_ones(space: Nb201) -> None:
    with pytest.raises(InvalidArchitectureError, match="nor_conv_3x3"):
        space.parse(KEY.replace("nor_conv_1x1", "nor_conv_7x7"))


def test_whole_space_round_trip_takes_milliseconds(space: Nb201) -> None:
    start = time.perf_counter()
    architectures = [space.parse(architecture.key) for architecture in space.enumerate()]
    assert space.from_decisions(space.decisions(architectures)) == architectures
    assert time.perf_counter() - start < 0.5  # about 0.04 s on one core


def test_isomorphism_class_of_cells_that_compute_the_same_is_equal(space: Nb201) -> None:
    by_node_1, by_node_2 = space.parse([3, 0, 1, 0, 0, 1]), space.parse([0, 3, 0, 0, 0, 1])
    assert space.isomorphism_class(by_node_1) == space.isomorphism_class(by_node_2)


def test_isomorphism_class_of_cells_that_compute_different_things_differs(space: Nb201) -> None:
    convolution, pooling = space.parse([3, 0, 0, 0, 1, 0]), space.parse([4, 0, 0, 0, 1, 0])
    assert space.isomorphism_class(convolution) != space.isomorphism_class(pooling)


@pytest.mark.data
def test_numbers_and_string_of_every_eagle_row_name_one_architecture(space: Nb201, data_dir: Path) -> None:
    with gzip.open(data_dir / "eagle" / "nb201_latency_ms.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 15_000
    assert all(space.parse(row["arch_vector"]) == space.parse(row["arch_str"]) for row in rows)


@pytest.mark.data
def test_isomorphism_classes_partition_the_space_as_published(space: Nb201, data_dir: Path) -> None:
    published: defaultdict[str, set[str]] = defaultdict(set)
    ours: defaultdict[str, set[str]] = defaultdict(set)
    with gzip.open(data_dir / "accuracy" / "nb201_isomorphs.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            architecture = space.parse(row["arch_str"])
            published[row["iso_rep"]].add(architecture.key)
            ours[space.isomorphism_class(architecture)].add(architecture.key)
    assert len(ours) == 6466
    assert set(map(frozenset, ours.values())) == set(map(frozenset, published.values()))

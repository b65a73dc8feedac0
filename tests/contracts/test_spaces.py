"""The contract of `SearchSpace`, for every entry of `SPACES`."""

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces import (
    SPACES,
    ArchGraph,
    Architecture,
    InvalidArchitectureError,
    NotEnumerableError,
    SearchSpace,
    is_additive,
    is_enumerable,
    is_product,
)
from spaces.layer_groups import layer_group
from spaces.part_table import PartTable

SEEDS = st.integers(0, 2**32 - 1)
FOR_EACH_SPACE = settings(max_examples=40)  # times the number of spaces


def nested(depth: int) -> list[Any]:
    """A list in a list in a list."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


# What no space may take for an architecture, made for a number of positions when its test runs.
BAD_NOTATIONS: dict[str, Callable[[int], Any]] = {
    "none": lambda _: None,
    "bool": lambda _: True,
    "float": lambda _: 1.5,
    "whole_float": lambda _: 3.0,
    "nan": lambda _: float("nan"),
    "negative": lambda _: -1,
    "huge_int": lambda _: 10**6000,
    "empty": lambda _: "",
    "blank": lambda _: "  \n",
    "huge_string": lambda _: "x" * 10**6,
    "huge_digits": lambda _: "9" * 10**6,
    "huge_joined": lambda _: "_".join("1" * 10**5),
    "nul": lambda _: "\x00",
    "foreign_digits": lambda positions: "_".join("\N{ARABIC-INDIC DIGIT ONE}" * positions),
    "superscripts": lambda positions: "_".join("²" * positions),
    "negative_joined": lambda positions: ",".join(["-1"] * positions),
    "out_of_range_joined": lambda positions: "_".join("9" * positions),
    "too_short_joined": lambda positions: "_".join("0" * (positions - 1)),
    "too_long_joined": lambda positions: "_".join("0" * (positions + 1)),
    "benchmark_like": lambda _: "|bad~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    "truncated": lambda _: "|none~0|+|none~0|none~1|+|none~0|",
    "bytes": lambda positions: b"0" * positions,
    "dict": lambda _: {"op": 0},
    "set": lambda positions: set(range(positions)),
    "object": lambda _: object(),
    "empty_list": lambda _: [],
    "too_short": lambda positions: [0] * (positions - 1),
    "too_long": lambda positions: [0] * (positions + 1),
    "huge_list": lambda _: [0] * 10**6,
    "out_of_range": lambda positions: [99] * positions,
    "below_range": lambda positions: [-1] * positions,
    "bools": lambda positions: [True] * positions,
    "floats": lambda positions: [0.0] * positions,
    "nones": lambda positions: [None] * positions,
    "huge_ints": lambda positions: [10**6000] * positions,
    "unknown_names": lambda positions: ["no_such_op"] * positions,
    "digit_strings": lambda positions: ["0"] * positions,
    "nested": lambda positions: [[0]] * positions,
    "ragged": lambda _: [[0], [0, 0]],
    "deep": lambda _: nested(50_000),
    "scalar_array": lambda _: np.array(0),
    "matrix": lambda positions: np.zeros((2, positions), dtype=np.int64),
    "float_array": lambda positions: np.zeros(positions),
    "bool_array": lambda positions: np.ones(positions, dtype=np.bool_),
}


@pytest.fixture(scope="module", params=sorted(SPACES))
def space(request: pytest.FixtureRequest) -> SearchSpace:
    return SPACES[request.param]


def drawn(space: SearchSpace, seed: int, count: int = 1) -> list[Architecture]:
    return space.sample(count, rng=np.random.default_rng(seed))


def test_name_is_the_registry_key() -> None:
    assert {name: space.name for name, space in SPACES.items()} == {name: name for name in SPACES}


@FOR_EACH_SPACE
@given(seed=SEEDS)
def test_parse_of_a_key_gives_the_architecture(space: SearchSpace, seed: int) -> None:
    (architecture,) = drawn(space, seed)
    assert space.parse(architecture.key) == architecture
    assert space.parse(str(architecture)) == architecture
    assert architecture.space == space.name


@FOR_EACH_SPACE
@given(seed=SEEDS)
def test_parse_of_decisions_and_of_choice_names_gives_the_architecture(space: SearchSpace, seed: int) -> None:
    (architecture,) = drawn(space, seed)
    row = space.decisions([architecture])[0].tolist()
    names = [choices[choice] for choices, choice in zip(space.choices, row, strict=True)]
    assert space.parse(row) == space.parse(tuple(row)) == space.parse(names) == architecture


@pytest.mark.parametrize("case", BAD_NOTATIONS)
def test_parse_of_a_bad_notation_raises_the_packages_error_with_a_reason(space: SearchSpace, case: str) -> None:
    notation = BAD_NOTATIONS[case](len(space.choices))
    with pytest.raises(InvalidArchitectureError) as caught:
        space.parse(notation)
    assert caught.value.reason
    assert len(str(caught.value)) < 2000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=7,
)


@FOR_EACH_SPACE
@given(notation=JSON)
def test_parse_of_anything_gives_an_architecture_or_the_packages_error(space: SearchSpace, notation: Any) -> None:
    try:
        architecture = space.parse(notation)
    except InvalidArchitectureError:
        return
    assert space.parse(architecture.key) == architecture


@FOR_EACH_SPACE
@given(seed=SEEDS, count=st.integers(0, 60))
def test_sample_gives_distinct_architectures_that_depend_on_the_generator_alone(
    space: SearchSpace, seed: int, count: int
) -> None:
    first, second = drawn(space, seed, count), drawn(space, seed, count)
    assert first == second
    assert len(set(first)) == count


def test_sample_draws_every_choice_and_of_a_product_equally_often(space: SearchSpace) -> None:
    rows = space.decisions(drawn(space, seed=0, count=min(4000, space.size // 2)))
    possible = space.decisions(list(space.enumerate())) if is_enumerable(space) else None
    for position, names in enumerate(space.choices):
        counts = Counter(rows[:, position].tolist())
        assert set(counts) == set(range(len(names)) if possible is None else possible[:, position].tolist())
        expected = len(rows) / len(names)
        if is_product(space):
            assert all(abs(counts[choice] - expected) < 6 * expected**0.5 for choice in range(len(names)))


@pytest.mark.parametrize("excess", [1, 10**30])
def test_sample_of_more_than_there_are_is_refused(space: SearchSpace, excess: int) -> None:
    with pytest.raises(ValueError, match="distinct"):
        space.sample(space.size + excess, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="distinct"):
        space.sample(-1, rng=np.random.default_rng(0))


@FOR_EACH_SPACE
@given(seed=SEEDS)
def test_mutate_changes_one_decision_and_in_a_product_no_other(space: SearchSpace, seed: int) -> None:
    (parent,) = drawn(space, seed)
    child = space.mutate(parent, rng=np.random.default_rng(seed))
    rows = space.decisions([parent, child])
    assert child != parent
    assert np.count_nonzero(rows[0] != rows[1]) == 1 or not is_product(space)
    assert space.parse(child.key) == child
    assert child == space.mutate(parent, rng=np.random.default_rng(seed))


@FOR_EACH_SPACE
@given(seed=SEEDS)
def test_crossover_takes_each_decision_from_a_parent(space: SearchSpace, seed: int) -> None:
    first, second = drawn(space, seed, 2)
    child = space.crossover(first, second, rng=np.random.default_rng(seed))
    rows = space.decisions([first, second, child])
    assert ((rows[2] == rows[0]) | (rows[2] == rows[1])).all() or not is_product(space)
    assert space.parse(child.key) == child
    assert child == space.crossover(first, second, rng=np.random.default_rng(seed))
    assert space.crossover(first, first, rng=np.random.default_rng(seed)) == first


@FOR_EACH_SPACE
@given(seed=SEEDS, count=st.integers(0, 20))
def test_decisions_and_from_decisions_are_inverse(space: SearchSpace, seed: int, count: int) -> None:
    architectures = drawn(space, seed, count)
    rows = space.decisions(architectures)
    assert rows.shape == (count, len(space.choices))
    assert rows.dtype == np.int64
    assert space.from_decisions(rows) == architectures


def test_returned_decisions_may_be_changed_without_harm(space: SearchSpace) -> None:
    (architecture,) = drawn(space, 0)
    before = space.decisions([architecture]).copy()
    space.decisions([architecture])[:] = 0
    assert (space.decisions([architecture]) == before).all()


def test_decisions_of_a_foreign_architecture_are_refused(space: SearchSpace) -> None:
    for foreign in (Architecture("elsewhere", "x"), Architecture(space.name, ""), Architecture(space.name, "²")):
        with pytest.raises(InvalidArchitectureError):
            space.decisions([foreign])


def test_from_decisions_out_of_range_or_of_a_wrong_shape_is_refused(space: SearchSpace) -> None:
    positions = len(space.choices)
    bad_rows: list[Any] = [
        np.full((1, positions), 99),
        np.full((3, positions), -1),
        np.zeros((1, positions + 1), dtype=np.int64),
        np.zeros(positions, dtype=np.int64),
        np.zeros((1, positions)),
        np.ones((1, positions), dtype=np.bool_),
    ]
    for rows in bad_rows:
        with pytest.raises(InvalidArchitectureError):
            space.from_decisions(rows)


@FOR_EACH_SPACE
@given(seed=SEEDS)
def test_repair_leads_any_choices_to_an_architecture_and_keeps_one(space: SearchSpace, seed: int) -> None:
    counts = [len(names) for names in space.choices]
    rows = np.random.default_rng(seed).integers(0, counts, size=(8, len(counts)), dtype=np.int64)
    before = rows.copy()
    architectures = space.from_decisions(space.repair(rows))
    assert (rows == before).all()
    assert [space.parse(architecture.key) for architecture in architectures] == architectures
    canonical = space.decisions(architectures)
    assert space.from_decisions(space.repair(canonical)) == architectures
    assert not is_product(space) or (canonical == rows).all()


def test_size_is_at_most_the_product_of_the_choices_and_enumerate_lists_it(space: SearchSpace) -> None:
    size = space.size
    assert size <= math.prod(map(len, space.choices))
    assert all(len(names) > 1 for names in space.choices)
    if not is_enumerable(space):
        with pytest.raises(NotEnumerableError):
            space.enumerate()
        return
    listed = list(space.enumerate())
    assert len(set(listed)) == len(listed) == size
    assert listed == list(space.enumerate())


@FOR_EACH_SPACE
@given(seed=SEEDS)
def test_workload_is_its_parts(space: SearchSpace, seed: int) -> None:
    (architecture,) = drawn(space, seed)
    parts = space.parts(architecture)
    workload = space.workload(architecture)
    assert Counter(layer for part in parts for layer in space.part_layers(part)) == Counter(workload.layers)
    assert len({layer.name for layer in workload.layers}) == len(workload.layers)
    assert all(-1 <= part.position < len(space.choices) for part in parts)
    assert workload.batch == 1


def test_parts_of_a_foreign_architecture_are_refused(space: SearchSpace) -> None:
    with pytest.raises(InvalidArchitectureError):
        space.parts(Architecture("elsewhere", "x"))


def test_part_layers_are_cached(space: SearchSpace) -> None:
    (architecture,) = drawn(space, 0)
    for part in space.parts(architecture)[1:]:
        assert space.part_layers(part) is space.part_layers(part)


def test_part_table_adds_up_to_the_workload(space: SearchSpace) -> None:
    architectures = drawn(space, 1, 6)
    table = PartTable(space, lambda layers: (sum(layer.macs for layer in layers), len(layers)), 2)
    sums = table(architectures)
    workloads = [space.workload(architecture) for architecture in architectures]
    assert sums.shape == (6, 1 + len(space.choices), 2)
    assert sums.sum(axis=1).tolist() == [[workload.macs, len(workload.layers)] for workload in workloads]
    assert table([]).shape == (0, 1 + len(space.choices), 2)


def test_layer_groups_are_those_of_the_layers_in_their_order(space: SearchSpace) -> None:
    groups = space.layer_groups
    met = set()
    for architecture in drawn(space, 1, 20):
        runs = list(dict.fromkeys(map(layer_group, space.workload(architecture).layers)))
        assert runs == [group for group in groups if group in runs]
        met |= set(runs)
    assert met == set(groups)
    assert {"stem", "head"} <= met


@FOR_EACH_SPACE
@given(seed=SEEDS)
def test_additive_space_has_the_fixed_layers_and_the_segments_as_parts(space: SearchSpace, seed: int) -> None:
    if not is_additive(space):
        return
    (architecture,) = drawn(space, seed)
    parts = list(space.fixed_layers())
    for position, choice in enumerate(space.decisions([architecture])[0].tolist()):
        parts += space.segment(position, choice)
    assert Counter(parts) == Counter(space.workload(architecture).layers)


@FOR_EACH_SPACE
@given(seed=SEEDS)
def test_graph_is_in_topological_order_with_masked_nodes_apart(space: SearchSpace, seed: int) -> None:
    (architecture,) = drawn(space, seed)
    check_graph(space, space.graph(architecture))
    graphs = space.graphs(architecture)
    assert len(graphs) == len(space.cells)
    for graph, other in zip(graphs, space.graphs(drawn(space, seed + 1)[0]), strict=True):
        check_graph(space, graph)
        assert len(graph.ops) == len(other.ops)
    assert space.op_names[space.graph(architecture).ops[0]] == "input"


@FOR_EACH_SPACE
@given(seed=SEEDS)
def test_graph_attributes_sum_to_the_network(space: SearchSpace, seed: int) -> None:
    (architecture,) = drawn(space, seed)
    graph, workload = space.graph(architecture), space.workload(architecture)
    totals = dict(zip(graph.attribute_names, graph.attributes.sum(axis=0), strict=True))
    assert totals["macs"] == workload.macs
    assert totals["params"] == workload.params
    assert totals["bytes"] == sum(layer.bytes_moved() for layer in workload.layers)
    assert totals["outputs"] == sum(layer.out_elements for layer in workload.layers)


def check_graph(space: SearchSpace, graph: ArchGraph) -> None:
    nodes = len(graph.ops)
    assert graph.adjacency.shape == (nodes, nodes)
    assert not np.tril(graph.adjacency).any()
    assert graph.attributes.shape == (nodes, len(graph.attribute_names))
    assert np.isfinite(graph.attributes).all()
    assert ((graph.ops >= 0) & (graph.ops < len(space.op_names))).all()
    assert (graph.ops.dtype, graph.adjacency.dtype, graph.mask.dtype) == (np.int64, np.bool_, np.bool_)
    assert not graph.adjacency[~graph.mask].any()
    assert not graph.adjacency[:, ~graph.mask].any()
    assert space.op_names[graph.ops[-1]] == "output"

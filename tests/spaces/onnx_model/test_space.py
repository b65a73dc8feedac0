"""The space of stored models, over a store in memory."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import helper

from spaces import Architecture, InvalidArchitectureError, is_enumerable, is_product
from spaces.base import is_open
from spaces.onnx_model import ImportedModel, OnnxModels, import_here
from spaces.part_table import PartTable

node = helper.make_node


class Memory:
    """A store that grows."""

    def __init__(self, models: list[ImportedModel]):
        self.models = models

    def keys(self) -> list[str]:
        return [model.key for model in self.models]

    def get(self, key: str) -> ImportedModel | None:
        return next((model for model in self.models if model.key == key), None)


@pytest.fixture
def store(build: Callable[..., onnx.ModelProto]) -> Memory:
    nodes = [
        node("Conv", ["x", "w"], ["a"]),
        node("Relu", ["a"], ["b"]),
        node("Sigmoid", ["a"], ["c"]),
        node("Add", ["b", "c"], ["y"]),
    ]
    models = [
        import_here(build(nodes, {"x": [1, 4, size, size]}, weights={"w": (8, 4, 3, 3)}).SerializeToString())
        for size in (5, 6, 7)
    ]
    return Memory(models)


@pytest.fixture
def space(store: Memory) -> OnnxModels:
    return OnnxModels(store)


def test_models_are_parsed_by_hash_and_by_number(space: OnnxModels, store: Memory):
    for number, key in enumerate(store.keys()):
        architecture = Architecture("onnx", key)
        for notation in (key, key.upper(), f" {key}\n", number, [number], [key]):
            assert space.parse(notation) == architecture
    assert (space.size, is_open(space), is_enumerable(space), is_product(space)) == (3, True, True, True)


@pytest.mark.parametrize("notation", ["", "x" * 64, "0" * 64, -1, 3, True, 1.5, None, [], [0, 1], [[0]], {"a": 1}])
def test_anything_else_is_no_architecture(space: OnnxModels, notation: object):
    with pytest.raises(InvalidArchitectureError):
        space.parse(notation)  # pyright: ignore[reportArgumentType]


def test_space_grows_with_its_store_and_keeps_its_numbers(space: OnnxModels, store: Memory):
    before = list(space.enumerate())
    rows = space.decisions(before)
    store.models.append(replace(store.models[0], key="f" * 64))
    assert space.size == 4
    assert list(space.enumerate())[:3] == before
    assert (space.decisions(before) == rows).all()
    assert space.from_decisions(rows) == before
    assert space.parse("f" * 64).key == "f" * 64


def test_variation_stays_among_the_models(space: OnnxModels):
    rng = np.random.default_rng(0)
    first, second = space.sample(2, rng=rng)
    assert first != second
    assert {space.crossover(first, second, rng=rng) for _ in range(20)} == {first, second}
    assert all(space.mutate(first, rng=rng) != first for _ in range(5))
    with pytest.raises(ValueError, match="3 architectures"):
        space.sample(4, rng=rng)


def test_graph_has_a_node_for_each_layer_and_its_costs(space: OnnxModels):
    (architecture,) = space.sample(1, rng=np.random.default_rng(0))
    graph, workload = space.graph(architecture), space.workload(architecture)
    assert [space.op_names[op] for op in graph.ops] == ["input", "conv", "activation", "activation", "add", "output"]
    assert np.argwhere(graph.adjacency).tolist() == [[0, 1], [1, 2], [1, 3], [2, 4], [3, 4], [4, 5]]
    totals = dict(zip(graph.attribute_names, graph.attributes.sum(axis=0), strict=True))
    assert (totals["macs"], totals["params"]) == (workload.macs, workload.params)
    assert graph.mask.all()


def test_costs_of_all_models_come_from_one_table(space: OnnxModels):
    table = PartTable(space, lambda layers: [sum(layer.macs for layer in layers)], 1)
    architectures = list(space.enumerate())
    sums = table(architectures).sum(axis=1)[:, 0].tolist()
    assert sums == [space.workload(architecture).macs for architecture in architectures]
    assert len(set(sums)) == 3

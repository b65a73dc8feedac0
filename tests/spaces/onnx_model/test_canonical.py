"""The key of a graph: what must not change it, and what must."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper, version_converter

from spaces import SPACES
from spaces.networks import export_onnx
from spaces.onnx_model import import_here

Build = Callable[..., onnx.ModelProto]
node = helper.make_node


def key_of(model: onnx.ModelProto) -> str:
    return import_here(model.SerializeToString()).key


@pytest.fixture(scope="module")
def exported() -> bytes:
    return export_onnx(SPACES["nb201"].parse("4-3-2-1-3-3"))


@pytest.fixture
def model(exported: bytes) -> onnx.ModelProto:
    return onnx.load_from_string(exported)


def test_names_and_producer_do_not_change_the_key(model: onnx.ModelProto):
    before = key_of(model)
    names: dict[str, str] = {}
    graph = model.graph
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = names.setdefault(value.name, f"t{len(names)}")
    for one in graph.node:
        one.name = ""
        one.input[:] = [names.setdefault(name, f"t{len(names)}") for name in one.input]
        one.output[:] = [names.setdefault(name, f"t{len(names)}") for name in one.output]
    graph.name, model.producer_name = "other", "somebody"
    assert key_of(model) == before


def test_order_of_nodes_does_not_change_the_key(model: onnx.ModelProto):
    before = key_of(model)
    rng = np.random.default_rng(0)
    pending, known = list(model.graph.node), {value.name for value in (*model.graph.input, *model.graph.initializer)}
    shuffled: list[onnx.NodeProto] = []
    while pending:
        ready = [index for index, one in enumerate(pending) if known.issuperset(one.input)]
        chosen = pending.pop(int(rng.choice(ready)))
        known.update(chosen.output)
        shuffled.append(chosen)
    assert [one.name for one in shuffled] != [one.name for one in model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(shuffled)
    assert key_of(model) == before


def test_values_of_weights_do_not_change_the_key(model: onnx.ModelProto):
    before = key_of(model)
    rng = np.random.default_rng(1)
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = rng.standard_normal(tuple(tensor.dims)).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    assert key_of(model) == before


def test_weights_written_as_nodes_do_not_change_the_key(model: onnx.ModelProto):
    before = key_of(model)
    constants = [node("Constant", [], [tensor.name], value=tensor) for tensor in model.graph.initializer]
    nodes = list(model.graph.node)
    del model.graph.initializer[:]
    del model.graph.node[:]
    model.graph.node.extend([*constants, *nodes])
    assert key_of(model) == before


def test_identities_and_another_reshape_do_not_change_the_key(model: onnx.ModelProto):
    before = key_of(model)
    nodes: list[onnx.NodeProto] = []
    for one in model.graph.node:
        if one.op_type == "Flatten":
            target = numpy_helper.from_array(np.array([1, -1]), "target")
            model.graph.initializer.append(target)
            nodes.append(node("Identity", [one.input[0]], ["same"]))
            nodes.append(node("Reshape", ["same", "target"], list(one.output)))
        else:
            nodes.append(one)
    assert len(nodes) == len(model.graph.node) + 1
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    assert key_of(model) == before


@pytest.mark.parametrize("opset", [18, 21])
def test_opset_does_not_change_the_key(model: onnx.ModelProto, opset: int):
    assert key_of(version_converter.convert_version(model, opset)) == key_of(model)


def test_settings_as_attributes_or_as_inputs_are_the_same(build: Build):
    inputs = {"x": [1, 3, 8, 8]}
    old = [
        node("Slice", ["x"], ["s"], starts=[1], ends=[7], axes=[2]),
        node("Clip", ["s"], ["c"], min=0.0, max=6.0),
        node("ReduceSum", ["c"], ["y"], axes=[-1]),
    ]
    new = [
        node("Slice", ["x", "starts", "ends", "axes"], ["s"]),
        node("Clip", ["s", "low", "high"], ["c"]),
        node("ReduceSum", ["c", "last"], ["y"]),
    ]
    settings = {
        "starts": np.array([1]),
        "ends": np.array([7]),
        "axes": np.array([2]),
        "low": np.array(0, dtype=np.float32),
        "high": np.array(6, dtype=np.float32),
        "last": np.array([3]),
    }
    assert key_of(build(old, inputs, opset=9)) == key_of(build(new, inputs, weights=settings))


def conv(build: Build, shape: Any = (1, 4, 8, 8), weight: Any = (4, 4, 3, 3), **settings: Any) -> onnx.ModelProto:
    return build([node("Conv", ["x", "w"], ["y"], **settings)], {"x": list(shape)}, weights={"w": weight})


def test_padding_by_name_or_by_number_is_the_same(build: Build):
    assert key_of(conv(build, auto_pad="SAME_UPPER")) == key_of(conv(build, pads=[1, 1, 1, 1]))
    assert key_of(conv(build, auto_pad="VALID")) == key_of(conv(build)) == key_of(conv(build, strides=[1, 1]))


def test_shapes_attributes_and_operations_change_the_key(build: Build):
    models = [
        conv(build),
        conv(build, shape=(2, 4, 8, 8)),
        conv(build, shape=(1, 4, 9, 8)),
        conv(build, weight=(5, 4, 3, 3)),
        conv(build, weight=(4, 4, 1, 3)),
        conv(build, weight=(4, 2, 3, 3), group=2),
        conv(build, strides=[2, 2]),
        conv(build, pads=[1, 1, 1, 1]),
        conv(build, dilations=[2, 2]),
        build([node("Relu", ["x"], ["y"])], {"x": [1, 4, 8, 8]}),
        build([node("Sigmoid", ["x"], ["y"])], {"x": [1, 4, 8, 8]}),
        build([node("LeakyRelu", ["x"], ["y"], alpha=0.1)], {"x": [1, 4, 8, 8]}),
        build([node("LeakyRelu", ["x"], ["y"], alpha=0.2)], {"x": [1, 4, 8, 8]}),
    ]
    assert len({key_of(model) for model in models}) == len(models)


def test_how_nodes_hang_together_changes_the_key(build: Build):
    first, second = node("Relu", ["x"], ["a"]), node("Relu", ["x"], ["b"])
    inputs, weights = {"x": [1, 4]}, {"w": (4, 4), "v": (4, 4)}
    once = build([first, node("Add", ["a", "a"], ["y"])], inputs)
    twice = build([first, second, node("Add", ["a", "b"], ["y"])], inputs)
    shared = [node("MatMul", ["x", "w"], ["a"]), node("MatMul", ["a", "w"], ["y"])]
    own = [node("MatMul", ["x", "w"], ["a"]), node("MatMul", ["a", "v"], ["y"])]
    swapped = [node("Sub", ["x", "z"], ["y"])], [node("Sub", ["z", "x"], ["y"])]
    keys = [
        key_of(once),
        key_of(twice),
        key_of(build(shared, inputs, weights={"w": (4, 4)})),
        key_of(build(own, inputs, weights=weights)),
        *(key_of(build(nodes, {"x": [1, 4], "z": [1, 4]})) for nodes in swapped),
    ]
    assert len(set(keys)) == len(keys)

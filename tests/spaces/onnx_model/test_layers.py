"""Layers of single ONNX operations, against counts by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from spaces.base import Layer
from spaces.onnx_model import ImportedModel, import_here

Build = Callable[..., onnx.ModelProto]
node = helper.make_node


def layers_of(model: onnx.ModelProto, **bindings: int) -> list[Layer]:
    return list(imported(model, **bindings).workload.layers)


def imported(model: onnx.ModelProto, **bindings: int) -> ImportedModel:
    return import_here(model.SerializeToString(), bindings)


def test_convolution_has_the_macs_of_its_output_and_its_bias(build: Build):
    conv = node("Conv", ["x", "w", "b"], ["y"], strides=[2, 2], pads=[1, 1, 1, 1], group=4)
    (layer,) = layers_of(build([conv], {"x": [1, 8, 32, 32]}, weights={"w": (16, 2, 3, 3), "b": (16,)}))
    assert (layer.kind, layer.macs, layer.params) == ("conv", 16 * 16 * 16 * 2 * 9, 16 * 2 * 9 + 16)
    assert (layer.kernel, layer.kernel_width, layer.stride, layer.groups) == (3, None, 2, 4)
    assert (layer.in_elements, layer.out_elements) == (8 * 32 * 32, 16 * 16 * 16)


@pytest.mark.parametrize(
    ("shape", "weight", "macs"),
    [
        ([1, 4, 100], (6, 4, 5), 6 * 96 * 4 * 5),
        ([2, 4, 9, 9], (6, 4, 3, 1), 2 * 6 * 7 * 9 * 4 * 3),
        ([1, 4, 5, 6, 7], (6, 4, 2, 3, 1), 6 * 4 * 4 * 7 * 4 * 6),
    ],
    ids=["sequence", "two samples", "volume"],
)
def test_convolution_over_any_axes_and_samples_keeps_its_macs(build: Build, shape: list[int], weight: Any, macs: int):
    (layer,) = layers_of(build([node("Conv", ["x", "w"], ["y"])], {"x": shape}, weights={"w": weight}))
    assert (layer.macs, layer.params) == (macs, np.prod(weight))
    assert layer.in_elements == np.prod(shape)


def test_transposed_convolution_counts_each_input_once_for_each_of_its_weights(build: Build):
    deconv = node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2])
    found = layers_of(build([deconv], {"x": [1, 8, 10, 10]}, weights={"w": (8, 4, 2, 2)}))
    assert sum(layer.macs for layer in found) == 10 * 10 * 8 * 4 * 4
    assert sum(layer.params for layer in found) == 8 * 4 * 4
    assert found[-1].out_elements == 4 * 20 * 20


def test_gemm_and_matmul_with_added_bias_are_the_same_layer(build: Build):
    inputs, weights = {"x": [5, 8]}, {"w": (8, 3), "b": (3,)}
    gemm = layers_of(build([node("Gemm", ["x", "w", "b"], ["y"])], inputs, weights=weights))
    product = [node("MatMul", ["x", "w"], ["p"]), node("Add", ["p", "b"], ["y"])]
    split = layers_of(build(product, inputs, weights=weights))
    assert [(one.kind, one.macs, one.params, one.in_width) for one in gemm] == [("linear", 5 * 8 * 3, 8 * 3 + 3, 5)]
    assert [(one.kind, one.macs, one.params) for one in split] == [("linear", 5 * 8 * 3, 8 * 3 + 3)]


def test_addition_to_a_product_that_another_node_reads_stays_an_addition(build: Build):
    nodes = [node("MatMul", ["x", "w"], ["p"]), node("Add", ["p", "b"], ["q"]), node("Mul", ["p", "q"], ["y"])]
    found = layers_of(build(nodes, {"x": [5, 8]}, weights={"w": (8, 3), "b": (3,)}))
    assert [layer.kind for layer in found] == ["linear", "activation", "add"]


def test_product_of_two_activations_is_a_matmul_with_a_group_for_each_head(build: Build):
    (layer,) = layers_of(build([node("MatMul", ["q", "k"], ["y"])], {"q": [2, 4, 10, 16], "k": [2, 4, 16, 20]}))
    assert (layer.kind, layer.groups, layer.params) == ("matmul", 8, 0)
    assert layer.macs == 8 * 10 * 16 * 20
    assert layer.in_elements == 8 * (10 * 16 + 16 * 20)
    assert layer.out_elements == 8 * 10 * 20


def test_weights_on_the_left_of_a_product_are_weights(build: Build):
    (layer,) = layers_of(build([node("MatMul", ["w", "x"], ["y"])], {"x": [2, 8, 5]}, weights={"w": (3, 8)}))
    assert (layer.kind, layer.macs, layer.params) == ("linear", 2 * 3 * 8 * 5, 24)


@pytest.mark.parametrize(
    ("inputs", "heads"),
    [
        ({"q": [1, 4, 10, 16], "k": [1, 2, 20, 16], "v": [1, 2, 20, 8]}, {}),
        ({"q": [1, 10, 64], "k": [1, 20, 32], "v": [1, 20, 16]}, {"q_num_heads": 4, "kv_num_heads": 2}),
    ],
    ids=["heads as an axis", "heads as attributes"],
)
def test_attention_is_two_products_around_a_softmax(build: Build, inputs: Any, heads: dict[str, Any]):
    attention = node("Attention", ["q", "k", "v"], ["y"], **heads)
    found = layers_of(build([attention], inputs, opset=23))
    assert [layer.kind for layer in found] == ["matmul", "activation", "matmul"]
    assert [layer.macs for layer in found] == [4 * 10 * 16 * 20, 0, 4 * 10 * 20 * 8]


@pytest.mark.parametrize(("op", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
def test_recurrent_layer_runs_its_gates_at_each_step(build: Build, op: str, gates: int):
    weights = {"w": (1, gates * 6, 5), "r": (1, gates * 6, 6)}
    model = build([node(op, ["x", "w", "r"], ["y"], hidden_size=6)], {"x": [7, 2, 5]}, weights=weights)
    (layer,) = layers_of(model)
    assert (layer.macs, layer.params) == (7 * 2 * gates * 6 * (5 + 6), gates * 6 * (5 + 6))


def test_norms_have_two_parameters_a_channel_where_they_learn(build: Build):
    four = {"s": (8,), "b": (8,), "m": (8,), "v": (8,)}
    (batch,) = layers_of(
        build([node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"])], {"x": [1, 8, 4, 4]}, weights=four)
    )
    (layer,) = layers_of(
        build([node("LayerNormalization", ["x", "s", "b"], ["y"])], {"x": [1, 10, 8]}, weights={"s": (8,), "b": (8,)})
    )
    (response,) = layers_of(build([node("LRN", ["x"], ["y"], size=5)], {"x": [1, 8, 4, 4]}))
    assert [(one.kind, one.params) for one in (batch, layer, response)] == [("norm", 16), ("norm", 16), ("norm", 0)]
    assert layer.in_elements == 80


def test_pools_keep_their_window(build: Build):
    pool = node("MaxPool", ["x"], ["p"], kernel_shape=[3, 3], strides=[2, 2])
    model = build([pool, node("GlobalAveragePool", ["p"], ["y"])], {"x": [1, 8, 9, 9]})
    first, second = layers_of(model)
    assert (first.kind, first.kernel, first.stride, first.out_height) == ("pool", 3, 2, 4)
    assert (second.kind, second.kernel, second.out_elements) == ("pool", 4, 8)


def test_reduction_reads_all_and_writes_what_is_left(build: Build):
    reduction = node("ReduceMean", ["x"], ["y"], axes=[2], keepdims=0)
    (layer,) = layers_of(build([reduction], {"x": [1, 8, 12]}))
    assert (layer.kind, layer.in_elements, layer.out_elements) == ("pool", 96, 8)


def test_elementwise_operations_read_each_operand_of_the_outputs_size(build: Build):
    nodes = [
        node("Relu", ["x"], ["a"]),
        node("Mul", ["a", "c"], ["b"]),
        node("Add", ["a", "b"], ["d"]),
        node("Mul", ["d", "s"], ["y"]),
    ]
    found = layers_of(build(nodes, {"x": [1, 8, 4, 4], "s": [1, 8, 1, 1]}, weights={"c": ()}))
    assert [(layer.kind, layer.inputs) for layer in found] == [
        ("activation", 1), ("activation", 1), ("add", 2), ("activation", 1),
    ]  # fmt: skip


def test_data_movement_is_counted_and_reshapes_are_free(build: Build):
    nodes = [
        node("Reshape", ["x", "to"], ["a"]),
        node("Transpose", ["a"], ["b"], perm=[0, 2, 1]),
        node("Resize", ["b", "", "scales"], ["c"]),
        node("Slice", ["c", "starts", "ends"], ["d"]),
        node("Concat", ["d", "d"], ["y"], axis=2),
    ]
    settings = {
        "to": np.array([1, 8, -1]),
        "scales": np.array([1, 1, 2], dtype=np.float32),
        "starts": np.array([0, 0, 4]),
        "ends": np.array([1, 16, 8]),
    }
    found = layers_of(build(nodes, {"x": [1, 8, 4, 4]}, weights=settings))
    assert [layer.kind for layer in found] == ["shuffle", "shuffle", "slice", "concat"]
    assert [layer.out_elements for layer in found] == [128, 256, 64, 128]
    assert all(layer.macs == layer.params == 0 for layer in found)


def test_what_depends_on_constants_alone_does_not_run(build: Build):
    nodes = [
        node("Transpose", ["w"], ["wt"]),
        node("Shape", ["x"], ["shape"]),
        node("Gather", ["shape", "zero"], ["batch"]),
        node("Unsqueeze", ["batch", "axes"], ["first"]),
        node("Concat", ["first", "rest"], ["to"], axis=0),
        node("Reshape", ["x", "to"], ["flat"]),
        node("MatMul", ["flat", "wt"], ["y"]),
    ]
    weights = {"w": (3, 32), "zero": np.array(0), "axes": np.array([0]), "rest": np.array([-1])}
    (layer,) = layers_of(build(nodes, {"x": ["batch", 8, 2, 2]}, weights=weights), batch=4)
    assert (layer.kind, layer.macs) == ("linear", 4 * 32 * 3)


def test_operation_that_is_not_understood_is_named_and_its_traffic_counted(build: Build):
    nodes = [node("Det", ["x"], ["d"]), node("Relu", ["d"], ["y"])]
    model = imported(build(nodes, {"x": [6, 3, 3]}))
    assert [(one.op, one.count) for one in model.unsupported] == [("Det", 1)]
    assert [(layer.in_elements, layer.out_elements) for layer in model.workload.layers] == [(54, 6), (6, 6)]


def test_layers_know_the_layers_that_they_read(build: Build):
    nodes = [
        node("Relu", ["x"], ["a"]),
        node("Identity", ["a"], ["i"]),
        node("Sigmoid", ["x"], ["b"]),
        node("Add", ["i", "b"], ["y"]),
    ]
    assert [one.inputs for one in imported(build(nodes, {"x": [1, 4]})).layers] == [(), (), (0, 1)]


def test_document_of_a_model_gives_it_back(build: Build):
    conv = node("Conv", ["x", "w"], ["y"], name="a\nname", strides=[2, 2])
    model = imported(build([conv], {"x": [1, 8, 9, 9]}, weights={"w": (16, 8, 3, 1)}))
    assert ImportedModel.from_json(model.to_json()) == model
    assert model.layers[0].node == "a name"
    assert model.workload.input_shape == (8, 9, 9)

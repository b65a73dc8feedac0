"""Broken, oversized and hostile files: each is refused with its reason, and none leaves a file or ends the process."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from spaces import SPACES
from spaces.networks import export_onnx
from spaces.onnx_model import (
    DynamicDimensionsError,
    ImportedModel,
    Limits,
    ModelRefusedError,
    ModelTooLargeError,
    UnknownBindingError,
    import_apart,
    import_here,
)

Build = Callable[..., onnx.ModelProto]
node = helper.make_node


@pytest.fixture(autouse=True)
def unchanged_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs each test in an empty folder with a secret beside it, and finds the folder empty afterwards."""
    folder = tmp_path / "empty"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(b"\0" * 64)
    monkeypatch.chdir(folder)
    yield
    assert not list(folder.iterdir())
    assert (tmp_path / "secret").read_bytes() == b"\0" * 64


@pytest.fixture(scope="module")
def exported() -> bytes:
    return export_onnx(SPACES["nb201"].parse([0, 3, 0, 1, 0, 2]))


def refusal(content: bytes, **limits: Any) -> ModelRefusedError:
    with pytest.raises(ModelRefusedError) as caught:
        import_here(content, limits=Limits(**limits))
    return caught.value


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"not a model", b"\x08\x08", b"\x3a\xff\xff\xff\xff\x0f", b"<html>" * 100]
)
def test_bytes_that_are_no_model_are_refused(content: bytes):
    assert "no ONNX model" in str(refusal(content)) or "empty" in str(refusal(content))


def test_truncated_file_is_refused_wherever_it_ends(exported: bytes):
    for end in np.random.default_rng(0).integers(1, len(exported) - 1, 40):
        refusal(exported[: int(end)])


@settings(max_examples=60, deadline=None)
@given(position=st.integers(0, 10**9), value=st.integers(0, 255), count=st.integers(1, 30))
def test_damaged_file_is_imported_or_refused(position: int, value: int, count: int):
    """Damage between the weights and the end, where the graph is described, as well as anywhere."""
    small = _two_layers()
    damaged = bytearray(small)
    for step in range(count):
        damaged[(position + step * 7919) % len(small)] = value
    try:
        model = import_here(bytes(damaged))
    except ModelRefusedError:
        return
    assert ImportedModel.from_json(model.to_json()) == model


def test_weights_that_do_not_fill_their_shape_are_refused():
    model = onnx.load_from_string(_two_layers())
    model.graph.initializer[0].raw_data = b"\0" * 220
    assert "do not fit together" in str(refusal(model.SerializeToString()))


def _two_layers() -> bytes:
    nodes = [node("Conv", ["x", "w"], ["a"], strides=[2, 2]), node("Relu", ["a"], ["y"])]
    weight = numpy_helper.from_array(np.zeros((2, 3, 3, 3), dtype=np.float32), "w")
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 3, 3])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


@pytest.mark.parametrize("place", ["initializer", "attribute", "sparse", "branch", "function"])
@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "weights.bin", ""])
def test_external_data_is_refused_wherever_it_hides(place: str, location: str):
    model = onnx.load_from_string(_two_layers())
    tensor = TensorProto(name="out", data_type=TensorProto.FLOAT, dims=[2, 3, 3, 3])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    constant = node("Constant", [], ["c"], value=tensor)
    if place == "initializer":
        model.graph.initializer.append(tensor)
    elif place == "attribute":
        model.graph.node.insert(0, constant)
    elif place == "sparse":
        model.graph.sparse_initializer.add().values.CopyFrom(tensor)
    elif place == "branch":
        branch = helper.make_graph([constant], "b", [], [])
        model.graph.node.append(node("If", ["y"], ["z"], then_branch=branch, else_branch=branch))
    else:
        model.functions.append(helper.make_function("d", "F", [], ["c"], [constant], []))
    assert "another file" in str(refusal(model.SerializeToString()))


def test_shapes_beyond_every_machine_are_refused(build: Build):
    for size in (2**40, 2**62, 2**63 - 1):
        model = onnx.load_from_string(_two_layers())
        for dim in list(model.graph.input[0].type.tensor_type.shape.dim)[2:]:
            dim.dim_value = size
        refusal(model.SerializeToString())
    big = build([node("MatMul", ["x", "x"], ["y"])], {"x": [2**18, 2**18]})
    assert "adds up" in str(refusal(big.SerializeToString(), elements=2**40, inputs=2**17))
    assert "multiply-accumulates" in str(refusal(big.SerializeToString(), elements=2**40))


def test_weights_that_a_few_bytes_describe_are_bounded(build: Build):
    filled = node("ConstantOfShape", ["n"], ["w"])
    model = build([node("Relu", ["x"], ["y"])], {"x": [1, 2**24]}, weights={"n": np.array([2**24, 4])})
    del model.graph.node[:]
    model.graph.node.extend([filled, node("MatMul", ["x", "w"], ["y"])])
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4]))
    assert "adds up 16,777,216 products" in str(refusal(model.SerializeToString()))


def test_constants_that_would_fill_the_memory_are_not_computed(build: Build):
    size = np.array([2**20, 2**20])
    for op, inputs in (("ConstantOfShape", ["n"]), ("Expand", ["one", "n"]), ("Tile", ["one", "n"])):
        weights = {"n": size, "one": np.ones((1, 1), dtype=np.float32)}
        nodes = [node(op, inputs, ["c"]), node("ReduceSum", ["c"], ["s"]), node("Add", ["x", "s"], ["y"])]
        model = build([node("Identity", ["x"], ["y"])], {"x": [1, 4]}, weights=weights)
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        import_here(model.SerializeToString())


@pytest.mark.parametrize("size", [0, -1])
def test_dimension_without_a_number_is_dynamic(build: Build, size: int):
    model = onnx.load_from_string(_two_layers())
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = size
    content = model.SerializeToString()
    assert isinstance(refusal(content), DynamicDimensionsError)
    assert import_here(content, {"x.0": 1}).key == import_here(_two_layers()).key


@pytest.mark.parametrize("number", [0, -3, 2**31])
def test_binding_out_of_range_is_refused(build: Build, number: int):
    content = build([node("Relu", ["x"], ["y"])], {"x": ["n", 4]}).SerializeToString()
    with pytest.raises(ModelRefusedError, match="cannot be"):
        import_here(content, {"n": number})


def test_binding_of_an_unknown_dimension_is_refused_with_the_known_ones(build: Build):
    content = build([node("Relu", ["x"], ["y"])], {"x": ["n", 4]}).SerializeToString()
    with pytest.raises(UnknownBindingError, match="there are: n"):
        import_here(content, {"n": 1, "m": 2})


def test_shape_that_depends_on_data_is_refused(build: Build):
    nodes = [node("NonZero", ["x"], ["i"]), node("Cast", ["i"], ["y"], to=TensorProto.FLOAT)]
    assert "not known before the network runs" in str(refusal(build(nodes, {"x": [4, 4]}).SerializeToString()))


def test_operation_of_another_domain_is_refused_with_its_name(build: Build):
    model = build([node("Relu", ["x"], ["y"])], {"x": [1, 4]})
    model.graph.node.insert(0, node("FusedThing", ["x"], ["z"], domain="com.example"))
    model.graph.node[1].input[0] = "z"
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    assert "com.example.FusedThing" in str(refusal(model.SerializeToString()))


def test_cyclic_graph_is_refused(build: Build):
    model = build([node("Relu", ["x"], ["y"])], {"x": [1, 4]})
    del model.graph.node[:]
    model.graph.node.extend([node("Add", ["x", "b"], ["y"]), node("Relu", ["y"], ["b"])])
    assert "topologically sorted" in str(refusal(model.SerializeToString()))


def test_deep_nesting_is_refused():
    for depth in (20, 30, 200, 3000):
        content = _nested(depth)
        assert isinstance(refusal(content), ModelRefusedError)


def _nested(depth: int) -> bytes:
    """A graph in a graph, written as bytes, because protobuf's own writer would refuse it."""

    def field(number: int, body: bytes) -> bytes:
        size, length = len(body), b""
        while True:
            length += bytes([size & 127 | (128 if size > 127 else 0)])
            size >>= 7
            if not size:
                return bytes([number << 3 | 2]) + length + body

    innermost = field(2, b"y") + field(4, b"Relu")
    graph = field(1, innermost)
    for _ in range(depth):
        graph = field(1, field(4, b"If") + field(5, field(1, b"then_branch") + field(6, graph)))
    return b"\x08\x08" + field(7, graph)


def test_million_nodes_are_refused(build: Build):
    model = build([node("Relu", ["x"], ["y"])], {"x": [1, 4]})
    one = node("Relu", ["x"], ["z"]).SerializeToString()
    content = model.SerializeToString()
    many = (b"\x0a" + bytes([len(one)]) + one) * 10**6
    # A field that comes twice is merged: the same graph, with a million nodes more.
    length, size = b"", len(many)
    while size:
        length += bytes([size & 127 | (128 if size > 127 else 0)])
        size >>= 7
    error = refusal(content + b"\x3a" + length + many)
    assert isinstance(error, ModelTooLargeError)
    assert "nodes" in error.reason


def test_functions_that_double_each_other_are_refused(build: Build):
    model = build([node("Relu", ["x"], ["y"])], {"x": [1, 4]})
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("d", 1)]
    body = [node("Relu", ["a"], ["b"])]
    for level in range(14):
        model.functions.append(helper.make_function("d", f"F{level}", ["a"], ["b"], body, opsets))
        body = [node(f"F{level}", ["a"], ["m"], domain="d"), node(f"F{level}", ["m"], ["b"], domain="d")]
    model.functions.append(helper.make_function("d", "Last", ["a"], ["b"], body, opsets))
    del model.graph.node[:]
    model.graph.node.append(node("Last", ["x"], ["y"], domain="d"))
    model.opset_import.append(opsets[1])
    assert isinstance(refusal(model.SerializeToString(), nodes=10_000), ModelTooLargeError)


def test_file_above_the_limit_is_refused_before_it_is_read(exported: bytes):
    assert isinstance(refusal(exported, size_bytes=len(exported) - 1), ModelTooLargeError)
    with pytest.raises(ModelTooLargeError):
        import_apart(exported, limits=Limits(size_bytes=10))


def test_worker_imports_what_this_process_does_and_hands_on_refusals(exported: bytes, build: Build):
    assert import_apart(exported) == import_here(exported)
    open_model = build([node("Relu", ["x"], ["y"])], {"x": ["n", "m"]}).SerializeToString()
    with pytest.raises(DynamicDimensionsError) as caught:
        import_apart(open_model)
    assert caught.value.names == ["n", "m"]
    assert import_apart(open_model, {"n": 1, "m": 4}).input_shapes == ((1, 4),)


def test_worker_without_enough_memory_or_time_is_a_refusal(exported: bytes):
    with pytest.raises(ModelTooLargeError):
        import_apart(exported, limits=Limits(memory_bytes=2**26))
    with pytest.raises(ModelTooLargeError, match="takes more than"):
        import_apart(exported, limits=Limits(wall_s=0.01))

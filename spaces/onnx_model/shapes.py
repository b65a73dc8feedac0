"""Every tensor's shape: open dimensions bound, what depends on constants alone computed, the rest inferred by ONNX."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
import onnx.inliner
from onnx import GraphProto, ModelProto, NodeProto, TypeProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from spaces.onnx_model.errors import (
    DynamicDimensionsError,
    ModelRefusedError,
    ModelTooLargeError,
    UnknownBindingError,
)
from spaces.onnx_model.limits import Limits
from spaces.onnx_model.operations import COMPUTED, RANDOM
from spaces.onnx_model.reading import check_nodes, subgraphs

Shape = tuple[int, ...]
Array = np.ndarray[Any, Any]

# Constants up to this size are computed with, as shapes, axes and the like are; of others only the shape is kept.
_SMALL: Final = 4096
_MOST_ROUNDS: Final = 16
_IR_VERSION: Final = 8  # before 4, initializers had to be inputs as well
_DATA: Final = ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data")
_STANDARD: Final = ("", "ai.onnx")


@dataclass(slots=True)
class TypedGraph:
    """A graph with everything known that its workload depends on.

    Attributes:
        nodes: that run, in topological order; those that depend on constants alone are left out.
        inputs: names of the graph's inputs, constants aside.
        outputs: names of its outputs.
        shapes: of every tensor, by name.
        element_types: ONNX's number of each tensor's type.
        constants: names of the tensors that do not depend on an input, with the value of the small ones.
        filled: constants that a node of the graph fills with one number (ConstantOfShape).
    """

    nodes: list[NodeProto]
    inputs: list[str]
    outputs: list[str]
    shapes: dict[str, Shape]
    element_types: dict[str, int]
    constants: dict[str, Array | None]
    filled: set[str]

    def elements(self, name: str) -> int:
        """Scalars of a tensor."""
        return math.prod(self.shapes[name])


def type_graph(model: ModelProto, bindings: Mapping[str, int], limits: Limits) -> TypedGraph:
    """The graph of a checked model, which is changed on the way.

    Args: bindings: a number for each dynamic dimension, by its name; one without is called `input.axis`.
    Raises: DynamicDimensionsError, UnknownBindingError, ModelTooLargeError; ModelRefusedError where a shape depends on
        data, and for control flow.
    """
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
        check_nodes(model, limits)
    model.ir_version = max(model.ir_version, _IR_VERSION)
    graph = model.graph
    _refuse_control_flow(graph)
    stored = {tensor.name for tensor in graph.initializer} | {sparse.values.name for sparse in graph.sparse_initializer}
    given = [value for value in graph.input if value.name not in stored]
    _bind(given, bindings)
    del graph.input[:]
    graph.input.extend(given)
    del graph.value_info[:]  # what others inferred, perhaps for other dimensions
    for value in graph.output:
        if value.type.WhichOneof("value") not in (None, "tensor_type"):
            raise ModelRefusedError(f"output {value.name!r} is no tensor")
        value.type.tensor_type.ClearField("shape")
    return _typed(model, [value.name for value in given], limits)


def _bind(inputs: list[onnx.ValueInfoProto], bindings: Mapping[str, int]) -> None:
    dynamic: dict[str, list[Any]] = {}
    for value in inputs:
        if value.type.WhichOneof("value") != "tensor_type" or not value.type.tensor_type.HasField("shape"):
            raise ModelRefusedError(f"input {value.name!r} is no tensor with a shape")
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            # Some exporters write -1 for an open dimension. A 0 that is no parameter is one as well, as no network
            # reads an empty tensor.
            if dim.WhichOneof("value") != "dim_value" or dim.dim_value <= 0:
                name = dim.dim_param if dim.dim_param.strip("?") else f"{value.name}.{axis}"
                dynamic.setdefault(name, []).append(dim)
    for name, number in bindings.items():
        if name not in dynamic:
            raise UnknownBindingError(name, list(dynamic))
        if not 1 <= number < 2**31:
            raise ModelRefusedError(f"dimension {name!r} cannot be {number}")
        for dim in dynamic.pop(name):
            dim.dim_value = number
    if dynamic:
        raise DynamicDimensionsError(list(dynamic))


def _refuse_control_flow(graph: GraphProto) -> None:
    for node in graph.node:
        if any(True for _ in subgraphs(node)):
            raise ModelRefusedError(
                f"node {node.name!r} ({node.op_type}) decides while it runs which part of the graph runs, so the "
                "network has no fixed workload: export it without control flow"
            )


def _typed(model: ModelProto, inputs: list[str], limits: Limits) -> TypedGraph:
    folding = _Folding(model)
    for _ in range(_MOST_ROUNDS):
        types = _inferred(model)
        if not folding.advance(types):
            break
    else:
        types = _inferred(model)
    constants = folding.constants
    nodes = [node for node in model.graph.node if not all(name in constants for name in node.output if name)]
    outputs = [value.name for value in model.graph.output]
    graph = TypedGraph(nodes, inputs, outputs, {}, {}, constants, folding.filled)
    read = {name for node in nodes for name in node.input} | set(outputs)
    for node in nodes:
        # An optional output that nobody reads, as a dropout's mask, need not be known.
        written = [name for number, name in enumerate(node.output) if number == 0 or name in read]
        for name in (*node.input, *written):
            if name and name not in graph.shapes:
                graph.shapes[name], graph.element_types[name] = _known_type(node, name, types, limits)
    for name in (*inputs, *outputs):
        if name not in graph.shapes:
            graph.shapes[name], graph.element_types[name] = _known_type(None, name, types, limits)
    for name in graph.shapes:
        if not graph.elements(name) and name not in constants:
            raise ModelRefusedError(f"tensor {name!r} is empty: a dimension of it is 0")
    return graph


def _inferred(model: ModelProto) -> dict[str, TypeProto.Tensor]:
    """What ONNX's shape inference says of each tensor."""
    try:
        graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError) as error:
        raise ModelRefusedError(f"ONNX cannot infer its shapes: {error}") from error
    types = {value.name: value.type.tensor_type for value in (*graph.input, *graph.value_info, *graph.output)}
    for tensor in graph.initializer:
        types[tensor.name] = helper.make_tensor_type_proto(tensor.data_type, list(tensor.dims)).tensor_type
    for sparse in graph.sparse_initializer:
        element = sparse.values.data_type
        types[sparse.values.name] = helper.make_tensor_type_proto(element, list(sparse.dims)).tensor_type
    return types


class _Folding:
    """Finds what does not depend on the inputs, and computes the small of it, as shapes and axes are."""

    def __init__(self, model: ModelProto):
        self._graph = model.graph
        self._opsets = [opset for opset in model.opset_import if opset.domain in _STANDARD]
        self.constants: dict[str, Array | None] = {}
        self.filled: set[str] = set()
        for tensor in model.graph.initializer:
            is_small = math.prod(tensor.dims) <= _SMALL
            self.constants[tensor.name] = numpy_helper.to_array(tensor) if is_small else None
            if not is_small:  # inference gets a copy of the model each time, which weights would make a large one
                for data in _DATA:
                    tensor.ClearField(data)
        for sparse in model.graph.sparse_initializer:
            self.constants[sparse.values.name] = None

    def advance(self, types: Mapping[str, TypeProto.Tensor]) -> bool:
        """One pass over the graph; True where it computed what shape inference can use."""
        computed: dict[str, Array] = {}
        for node in self._graph.node:
            outputs = [name for name in node.output if name]
            if all(name in self.constants for name in outputs):
                continue
            values = self._values(node, types)
            if values is None:
                is_constant = all(name in self.constants for name in node.input if name)
                if not is_constant or node.op_type in RANDOM:
                    continue
                values = [None] * len(outputs)
            if node.op_type == "ConstantOfShape":
                self.filled.add(outputs[0])
            for name, value in zip(outputs, values, strict=True):
                self.constants[name] = value
                if value is not None and node.op_type not in ("Constant", "ConstantOfShape"):
                    computed[name] = value
        if computed:
            kept = [node for node in self._graph.node if not all(name in computed for name in node.output if name)]
            del self._graph.node[:]
            self._graph.node.extend(kept)
            self._graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in computed.items())
        return bool(computed)

    def _values(self, node: NodeProto, types: Mapping[str, TypeProto.Tensor]) -> list[Array | None] | None:
        """The node's outputs, where they follow from small constants or from a known shape."""
        if node.domain not in _STANDARD:
            return None
        if node.op_type == "Constant":
            return [_constant(node)]
        if node.op_type in ("Shape", "Size"):
            return _shape_values(node, types)
        feeds = {name: value for name in node.input if name and (value := self.constants.get(name)) is not None}
        if node.op_type not in COMPUTED or any(name not in feeds for name in node.input if name):
            return None
        for name in node.output:
            shape = _full_shape(types.get(name))
            if shape is not None and math.prod(shape) > _SMALL:
                return None
        try:
            results = ReferenceEvaluator(self._single(node, feeds)).run(None, feeds)
        except Exception:
            # ONNX's reference raises whatever numpy raises; without the value, inference says what is missing.
            return None
        arrays = [np.asarray(result) for result in results]  # pyright: ignore[reportArgumentType]
        return [array if array.size <= _SMALL else None for array in arrays]

    def _single(self, node: NodeProto, feeds: Mapping[str, Array]) -> ModelProto:
        """A model of one node."""
        inputs = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
            for name, value in feeds.items()
        ]
        outputs = [helper.make_empty_tensor_value_info(name) for name in node.output if name]
        graph = helper.make_graph([node], "single", inputs, outputs)
        return helper.make_model(graph, opset_imports=self._opsets)


def _shape_values(node: NodeProto, types: Mapping[str, TypeProto.Tensor]) -> list[Array | None] | None:
    shape = _full_shape(types.get(node.input[0]))
    if shape is None:
        return None
    if node.op_type == "Size":
        return [np.array(math.prod(shape), dtype=np.int64)]
    at = {attribute.name: attribute.i for attribute in node.attribute}
    return [np.array(shape[at.get("start", 0) : at.get("end", len(shape))], dtype=np.int64)]


def _constant(node: NodeProto) -> Array | None:
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        if attribute.name == "value":
            return numpy_helper.to_array(value) if math.prod(value.dims) <= _SMALL else None
        if attribute.name in ("value_int", "value_ints"):
            return np.array(value, dtype=np.int64)
        if attribute.name in ("value_float", "value_floats"):
            return np.array(value, dtype=np.float32)
    return None


def _full_shape(tensor: TypeProto.Tensor | None) -> Shape | None:
    """The shape, if every dimension of it is known."""
    if tensor is None or not tensor.HasField("shape"):
        return None
    dims = tensor.shape.dim
    if any(dim.WhichOneof("value") != "dim_value" or dim.dim_value < 0 for dim in dims):
        return None
    return tuple(dim.dim_value for dim in dims)


def _known_type(
    node: NodeProto | None, name: str, types: Mapping[str, TypeProto.Tensor], limits: Limits
) -> tuple[Shape, int]:
    """Shape and element type of a tensor. Raises: ModelRefusedError where they are not known."""
    tensor = types.get(name)
    shape = _full_shape(tensor)
    if tensor is None or shape is None:
        at = f" at node {node.name!r} ({_op_name(node)})" if node is not None else ""
        raise ModelRefusedError(f"the shape of tensor {name!r}{at} is not known before the network runs")
    elements = math.prod(shape)
    if elements > limits.elements:
        raise ModelTooLargeError(f"tensor {name!r} has {elements:.3g} elements, the most is {limits.elements:.3g}")
    return shape, tensor.elem_type


def _op_name(node: NodeProto) -> str:
    return node.op_type if node.domain in _STANDARD else f"{node.domain}.{node.op_type}"

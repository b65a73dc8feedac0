"""From bytes to a checked `ModelProto`: no file is opened, whatever the bytes say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto

from spaces.onnx_model.errors import ModelRefusedError, ModelTooLargeError
from spaces.onnx_model.limits import Limits

_STANDARD: Final = ("", "ai.onnx")


def read_model(content: bytes, limits: Limits) -> ModelProto:
    """The model that the bytes hold, refused unless it is one that ONNX's own checker accepts.

    Raises: ModelTooLargeError; ModelRefusedError for everything else that is wrong with it.
    """
    if not content:
        raise ModelRefusedError("the file is empty")
    if len(content) > limits.size_bytes:
        raise ModelTooLargeError(f"the file has {len(content):,} bytes, the most is {limits.size_bytes:,}")
    model = ModelProto()
    try:
        model.ParseFromString(content)
    except (DecodeError, RecursionError, ValueError) as error:
        raise ModelRefusedError(f"its bytes are no ONNX model: {error}") from error
    if not model.ir_version or not model.HasField("graph") or not model.graph.node:
        raise ModelRefusedError("its bytes are no ONNX model: there is no graph with nodes in them")
    check_nodes(model, limits)
    _refuse_external_data(model)
    _check_opset(model)
    try:
        onnx.checker.check_model(content)
    except (onnx.checker.ValidationError, ValueError, RuntimeError) as error:
        raise ModelRefusedError(f"the ONNX checker says: {error}") from error
    return model


def check_nodes(model: ModelProto, limits: Limits) -> None:
    """Count nodes, and how deep graphs lie within graphs. Raises: ModelTooLargeError."""
    count = 0
    # (nodes, depth) still to look at: a list, because recursion would be as deep as the file says.
    pending: list[tuple[Any, int]] = [(model.graph.node, 1), *((function.node, 1) for function in model.functions)]
    while pending:
        nodes, depth = pending.pop()
        count += len(nodes)
        if count > limits.nodes:
            raise ModelTooLargeError(f"it has more than {limits.nodes:,} nodes")
        if depth > limits.nesting:
            raise ModelTooLargeError(f"its graphs are nested more than {limits.nesting} deep")
        pending += [(graph.node, depth + 1) for node in nodes for graph in subgraphs(node)]


def subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    """Graphs that a node's attributes hold: branches and loop bodies."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _refuse_external_data(model: ModelProto) -> None:
    for tensor in _tensors(model):
        if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
            where = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
            raise ModelRefusedError(
                f"tensor {tensor.name!r} keeps its data in another file ({where!r}): save the model with its weights "
                "inside, in one file"
            )


def _tensors(model: ModelProto) -> Iterator[TensorProto]:
    """Every tensor of the model, wherever it is."""
    graphs: list[GraphProto] = [model.graph]
    for training in model.training_info:
        graphs += [training.initialization, training.algorithm]
    nodes: list[NodeProto] = [node for function in model.functions for node in _all_nodes(function)]
    while graphs or nodes:
        if graphs:
            graph = graphs.pop()
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield from (sparse.values, sparse.indices)
            nodes += graph.node
        else:
            node = nodes.pop()
            graphs += subgraphs(node)
            for attribute in node.attribute:
                yield from _attribute_tensors(attribute)


def _all_nodes(function: FunctionProto) -> list[NodeProto]:
    return list(function.node)


def _attribute_tensors(attribute: AttributeProto) -> Iterator[TensorProto]:
    if attribute.HasField("t"):
        yield attribute.t
    yield from attribute.tensors
    sparse = [*attribute.sparse_tensors, *([attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else [])]
    for tensor in sparse:
        yield from (tensor.values, tensor.indices)


def _check_opset(model: ModelProto) -> None:
    newest = onnx.defs.onnx_opset_version()
    for opset in model.opset_import:
        if opset.domain in _STANDARD and opset.version > newest:
            raise ModelRefusedError(f"it uses opset {opset.version}; up to {newest} is understood")

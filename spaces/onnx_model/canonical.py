"""A key of a network that names, the order of nodes and the values of weights do not change.

Every tensor gets the hash of all that leads to it: operations with their attributes, element types and shapes, down to
the network's inputs by their position and to constants by their shape. A node's label is that hash together with those
of all that it leads to, and the key is the hash of all labels and of the outputs in their order. So what counts is the
graph and not its writing: node order, names, producers, opset versions, whether a setting is an attribute or a constant
input, whether a constant is stored or computed, identities, and reshapes by their operation.

Two graphs that this does not tell apart have the same operations with the same shapes in the same places, and so the
same layers; they could differ only in which of several equal tensors an equal node reads.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from typing import Any, Final

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from spaces.onnx_model.operations import FREE, REDUCTIONS
from spaces.onnx_model.shapes import TypedGraph
from spaces.onnx_model.window import attributes, window

# Inputs that are settings: attributes in older opsets. None is a setting that the output's shape holds already.
_SETTINGS: Final[dict[str, tuple[str | None, ...]]] = {
    "Slice": ("starts", "ends", "axes", "steps"),
    "Pad": ("pads", "value", "axes"),
    "Clip": ("min", "max"),
    "Split": (None,),
    "Expand": (None,),
    "Tile": (None,),
    "Upsample": (None,),
    "Resize": (None, None, None),
    "TopK": ("k",),
    "CumSum": ("axis",),
    **dict.fromkeys(REDUCTIONS, ("axes",)),
}
# What training alone reads, or what the shapes say already.
_IGNORED: Final = frozenset(
    {"momentum", "training_mode", "spatial", "consumed_inputs", "split", "num_outputs", "scales"}
)
_IDENTITIES: Final = frozenset({"Identity", "Dropout"})
_SLIDING: Final = frozenset({"Conv", "AveragePool", "MaxPool", "LpPool"})
_COMMUTATIVE: Final = frozenset({"Add", "Mul", "Sum", "Max", "Min", "Mean", "And", "Or", "Xor", "Equal"})
_SAME: Final = {"Sum": "Add", "Upsample": "Resize"}
_MOST_VALUES: Final = 64


def canonical_key(graph: TypedGraph) -> str:
    """SHA-256 of the graph, 64 hexadecimal digits."""
    return _Labels(graph).key()


class _Labels:
    """Hashes of tensors and nodes of one graph."""

    def __init__(self, graph: TypedGraph):
        self._graph = graph
        self._originals: dict[str, str] = {}  # of what an identity gives another name
        self._tensors: dict[str, str] = {}
        self._readers: dict[str, list[tuple[int, int]]] = defaultdict(list)  # of a tensor: nodes, and at which input
        for position, name in enumerate(graph.inputs):
            self._tensors[name] = _digest("input", position, self._type(name))

    def key(self) -> str:
        """Of the whole graph."""
        nodes: list[NodeProto] = []
        above: list[str] = []
        for node in self._graph.nodes:
            if node.op_type in _IDENTITIES:
                self._originals[node.output[0]] = self._original(node.input[0])
            else:
                above.append(self._read(len(nodes), node))
                nodes.append(node)
        labels = [""] * len(nodes)
        for number in reversed(range(len(nodes))):
            labels[number] = _digest(above[number], [self._below(name, labels) for name in nodes[number].output])
        others = [
            _digest(self._tensors[name], self._below(name, labels))
            for name in self._tensors
            if name in self._graph.constants or name in self._graph.inputs
        ]
        outputs = [self._tensor(self._original(name)) for name in self._graph.outputs]
        return _digest(sorted(labels), sorted(others), outputs)

    def _original(self, name: str) -> str:
        return self._originals.get(name, name)

    def _tensor(self, name: str) -> str:
        if name not in self._tensors:
            self._tensors[name] = self._constant(name)
        return self._tensors[name]

    def _below(self, name: str, labels: list[str]) -> list[list[Any]]:
        """Labels of the nodes that read a tensor, and at which of their inputs."""
        return sorted([labels[reader], position] for reader, position in self._readers.get(name, ()))

    def _read(self, number: int, node: NodeProto) -> str:
        """Hash of the node with all above it; notes who reads what."""
        is_unordered = node.op_type in _COMMUTATIVE
        read = node.input[:1] if node.op_type in FREE | _SETTINGS.keys() else node.input
        values: list[str] = []
        for position, name in enumerate(map(self._original, read)):
            values.append(self._tensor(name) if name else "")
            if name:
                self._readers[name].append((number, 0 if is_unordered else position))
        types = [self._type(name) for name in node.output[:1]]
        domain = "" if node.domain == "ai.onnx" else node.domain
        op = "Reshape" if node.op_type in FREE else _SAME.get(node.op_type, node.op_type)
        label = _digest(domain, op, self._settings(node), sorted(values) if is_unordered else values, types)
        for position, name in enumerate(node.output):
            self._tensors[name] = _digest(label, position)
        return label

    def _type(self, name: str) -> list[Any]:
        return [self._graph.element_types[name], *self._graph.shapes[name]]

    def _constant(self, name: str) -> str:
        """A constant: whole numbers by value where they are few, for they index and count; weights by shape."""
        value = self._graph.constants.get(name)
        is_setting = value is not None and value.dtype.kind in "biu" and value.size <= _MOST_VALUES
        return _digest("constant", self._type(name), value.tolist() if is_setting and value is not None else None)

    def _settings(self, node: NodeProto) -> dict[str, Any]:
        """The node's attributes without defaults, and the constant inputs that stand for attributes."""
        if node.op_type in FREE:
            return {}
        given = {name: _plain(value) for name, value in attributes(node).items() if name not in _IGNORED}
        for name, source in zip(_SETTINGS.get(node.op_type, ()), node.input[1:], strict=False):
            value = self._graph.constants.get(source)
            if name is not None and value is not None:
                given[name] = _plain(value)
        rank = len(self._graph.shapes[node.input[0]]) if node.input and node.input[0] else 0
        for name in ("axis", "axes"):
            if name in given:
                given[name] = _from_the_front(given[name], rank)
        if node.op_type in _SLIDING:
            weight = self._graph.shapes[node.input[1]] if node.op_type == "Conv" else None
            slides = window(node, self._graph.shapes[node.input[0]], weight)
            given.pop("auto_pad", None)
            given |= {"kernel_shape": slides.kernel, "strides": slides.strides, "dilations": slides.dilations}
            given |= {"pads": slides.pads, "group": slides.groups}
        defaults = _defaults(node)
        return {name: value for name, value in given.items() if defaults.get(name, _MISSING) != value}


_MISSING: Final = object()


def _defaults(node: NodeProto) -> dict[str, Any]:
    """Defaults of the newest definition of the operation."""
    domain = "" if node.domain == "ai.onnx" else node.domain
    if not onnx.defs.has(node.op_type, domain):
        return {}
    schema = onnx.defs.get_schema(node.op_type, domain)
    return {
        name: _plain(helper.get_attribute_value(attribute.default_value))
        for name, attribute in schema.attributes.items()
        if attribute.default_value is not None and attribute.default_value.type
    }


def _from_the_front(axes: Any, rank: int) -> Any:
    if isinstance(axes, int):
        return axes % rank if rank else axes
    return [axis % rank for axis in axes] if rank else axes


def _plain(value: Any) -> Any:
    """An attribute's value as JSON holds it; of tensors and graphs only their size counts."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float):
        return float(np.float32(value))
    if isinstance(value, np.ndarray):
        flat = [_plain(item) for item in value.ravel().tolist()]
        return flat if value.ndim else flat[0]
    if isinstance(value, TensorProto):
        array = numpy_helper.to_array(value) if len(value.dims) <= 1 else None
        small = array is not None and array.size <= _MOST_VALUES
        return [value.data_type, list(value.dims), _plain(array) if small and array is not None else None]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, int | str) else type(value).__name__


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

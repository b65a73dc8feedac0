"""What an import gives: the layers of a network, how they hang together, and what was not understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from spaces.base import Layer, Workload
from spaces.wiring import from_inputs

_DEFAULTS = {field.name: field.default for field in fields(Layer)}


@dataclass(frozen=True, slots=True)
class ImportedLayer:
    """One kernel of an imported network.

    Attributes:
        layer: with its shapes.
        op: of the ONNX node that it comes from.
        node: that node's name in the file.
        inputs: numbers of the layers whose outputs it reads, ascending; none where it reads the network's input.
    """

    layer: Layer
    op: str
    node: str
    inputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Operations of which only the memory traffic is counted.

    Attributes:
        op: ONNX's name of it.
        count: nodes.
        reason: what of it is not counted.
    """

    op: str
    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportedModel:
    """A network read from ONNX.

    Attributes:
        key: canonical hash of its graph, see `canonical`.
        name: of the graph.
        layers: in execution order; together they are one run of the model at the batch size it was exported with.
        input_shapes: of the network's inputs, with their batch.
        unsupported: what was not understood.
    """

    key: str
    name: str
    layers: tuple[ImportedLayer, ...]
    input_shapes: tuple[tuple[int, ...], ...]
    unsupported: tuple[Unsupported, ...]

    @property
    def workload(self) -> Workload:
        """The layers; `input_shape` is that of the first input without its batch."""
        first = self.input_shapes[0] if self.input_shapes else ()
        return Workload(
            tuple(one.layer for one in self.layers),
            input_shape=first[1:],
            reads=from_inputs([one.inputs for one in self.layers]),
        )

    def to_json(self) -> dict[str, Any]:
        """A document of plain values."""
        return {
            "key": self.key,
            "name": self.name,
            "input_shapes": [list(shape) for shape in self.input_shapes],
            "layers": [
                {"op": one.op, "node": one.node, "inputs": list(one.inputs), "layer": _spare(one.layer)}
                for one in self.layers
            ],
            "unsupported": [asdict(one) for one in self.unsupported],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ImportedModel:
        """The inverse of `to_json`."""
        return cls(
            key=document["key"],
            name=document["name"],
            layers=tuple(
                ImportedLayer(Layer(**one["layer"]), one["op"], one["node"], tuple(one["inputs"]))
                for one in document["layers"]
            ),
            input_shapes=tuple(tuple(shape) for shape in document["input_shapes"]),
            unsupported=tuple(Unsupported(**one) for one in document["unsupported"]),
        )


def _spare(layer: Layer) -> dict[str, Any]:
    """The layer's fields that are not at their default."""
    return {name: value for name, value in asdict(layer).items() if value != _DEFAULTS[name]}

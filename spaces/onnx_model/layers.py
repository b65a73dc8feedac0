"""From ONNX nodes to layers: which kernel a node is, with which shapes.

A layer stands for one run of the node at the batch size of the file: samples beyond the first add to the height of a
map or to the tokens of a product, which keeps multiply-accumulates, parameters and traffic exact. Axes beyond two are
folded into the height. Reshapes are free, since they move nothing. A bias that its exporter wrote as an addition behind
a product belongs to the product. Of what is not understood only inputs and outputs are counted, and `unsupported` says
so.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final

from onnx import NodeProto

from spaces.base import Layer
from spaces.onnx_model.conversions import CONVERTERS, as_map, moving
from spaces.onnx_model.errors import ModelTooLargeError, printable
from spaces.onnx_model.imported import ImportedLayer, Unsupported
from spaces.onnx_model.limits import Limits
from spaces.onnx_model.operations import ELEMENTWISE, FREE
from spaces.onnx_model.shapes import Shape, TypedGraph

_TRAFFIC_ONLY: Final = "only the values it reads and writes are counted"


class LayerReader:
    """Collects the layers of a typed graph."""

    def __init__(self, graph: TypedGraph, limits: Limits):
        self.graph = graph
        self.layers: list[ImportedLayer] = []
        self._limits = limits
        self._sources: dict[str, tuple[int, ...]] = {}  # of each tensor, the layers that wrote it
        self._unknown: Counter[str] = Counter()
        self._readers = Counter(name for node in graph.nodes for name in node.input)
        self._readers.update(graph.outputs)

    def read(self) -> tuple[ImportedLayer, ...]:
        """Every layer. Raises: ModelTooLargeError for more work than is counted exactly."""
        for node in self.graph.nodes:
            self._read(node)
        for layer in (one.layer for one in self.layers):
            inputs = layer.in_channels // layer.groups * layer.kernel_area
            if layer.kind in ("conv", "linear", "matmul") and inputs > self._limits.inputs:
                raise ModelTooLargeError(
                    f"layer {layer.name!r} adds up {inputs:,} products for each output, the most is "
                    f"{self._limits.inputs:,}"
                )
        macs = sum(one.layer.macs for one in self.layers)
        values = sum(one.layer.in_elements + one.layer.out_elements for one in self.layers)
        for what, count in (("multiply-accumulates", macs), ("values read and written", values)):
            if count > self._limits.macs:
                raise ModelTooLargeError(f"it has {count:.3g} {what}, the most is {self._limits.macs:.3g}")
        return tuple(self.layers)

    @property
    def unsupported(self) -> tuple[Unsupported, ...]:
        """What was not understood."""
        return tuple(Unsupported(op, count, _TRAFFIC_ONLY) for op, count in sorted(self._unknown.items()))

    def _read(self, node: NodeProto) -> None:
        before = tuple(sorted({source for name in node.input for source in self._sources.get(name, ())}))
        if node.op_type in FREE:
            self._sources[node.output[0]] = before
            return
        if self._is_bias(node, before):
            self.layers[before[0]] = _with_bias(self.layers[before[0]])
            self._sources[node.output[0]] = before
            return
        before += self._fills(node)
        for layer in self._convert(node):
            self._add(layer, node, before)
            before = (len(self.layers) - 1,)
        for name in node.output:
            self._sources[name] = before

    def _convert(self, node: NodeProto) -> list[Layer]:
        convert = CONVERTERS.get(node.op_type) if node.domain in ("", "ai.onnx") else None
        if convert is not None:
            try:
                return convert(self.graph, node)
            except (KeyError, IndexError, ValueError, TypeError):
                pass  # a form of the operation that its converter does not know, such as an attribute left out
        self._unknown[printable(node.op_type, 100)] += 1
        return moving("activation")(self.graph, node)

    def _add(self, layer: Layer, node: NodeProto, inputs: tuple[int, ...]) -> None:
        op = printable(node.op_type, 100)
        named = replace(layer, name=f"network.{len(self.layers)}.{op}")
        self.layers.append(ImportedLayer(named, op, printable(node.name, 200), inputs))

    def _fills(self, node: NodeProto) -> tuple[int, ...]:
        """Layers of the maps that the node reads and that are nothing but one number, written each time."""
        if node.op_type not in ELEMENTWISE | {"Concat"}:
            return ()
        numbers: tuple[int, ...] = ()
        for name in node.input:
            if name in self.graph.filled and len(self.shape(name)) > 1 and name not in self._sources:
                channels, height, width = as_map(self.shape(name))
                self.layers.append(
                    ImportedLayer(
                        Layer(
                            f"network.{len(self.layers)}.ConstantOfShape",
                            *("activation", 0, channels, height, width, height, width),
                        ),
                        *("ConstantOfShape", "", ()),
                    )
                )
                self._sources[name] = (len(self.layers) - 1,)
            numbers += self._sources.get(name, ()) if name in self.graph.filled else ()
        return numbers

    def _is_bias(self, node: NodeProto, before: tuple[int, ...]) -> bool:
        """Whether an addition is the bias of the product before it, which nothing else reads."""
        if node.op_type != "Add" or len(before) != 1:
            return False
        activations = [name for name in node.input if not self.is_constant(name)]
        constants = [name for name in node.input if self.is_constant(name)]
        if len(activations) != 1 or len(constants) != 1 or self._readers[activations[0]] != 1:
            return False
        source = self.layers[before[0]]
        is_product = source.layer.kind in ("linear", "conv") and not source.layer.has_bias
        wanted = source.op in ("MatMul", "Gemm", "Conv") and self.graph.elements(constants[0])
        return is_product and wanted == source.layer.out_channels

    def shape(self, name: str) -> Shape:
        """Of a tensor."""
        return self.graph.shapes[name]

    def is_constant(self, name: str) -> bool:
        """Whether a tensor does not depend on the network's input."""
        return name in self.graph.constants


def _with_bias(one: ImportedLayer) -> ImportedLayer:
    return replace(one, layer=replace(one.layer, has_bias=True))

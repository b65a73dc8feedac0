"""From ONNX nodes to layers: which kernel a node is, with which shapes.

A layer stands for one run of the node at the batch size of the file: samples beyond the first add to the height of a
map or to the tokens of a product, which keeps multiply-accumulates, parameters and traffic exact. Axes beyond two are
folded into the height. Reshapes are free, since they move nothing. A bias that its exporter wrote as an addition behind
a product belongs to the product. Of what is not understood only inputs and outputs are counted, and `unsupported` says
so.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from onnx import NodeProto

from spaces.base import Layer, LayerKind
from spaces.onnx_model.errors import ModelTooLargeError, printable
from spaces.onnx_model.imported import ImportedLayer, Unsupported
from spaces.onnx_model.limits import Limits
from spaces.onnx_model.operations import ELEMENTWISE, FREE, REDUCTIONS, REORDERINGS
from spaces.onnx_model.shapes import Shape, TypedGraph
from spaces.onnx_model.window import attributes, window

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
        convert = _CONVERTERS.get(node.op_type) if node.domain in ("", "ai.onnx") else None
        if convert is not None:
            try:
                return convert(self, node)
            except (KeyError, IndexError, ValueError, TypeError):
                pass  # a form of the operation that its converter does not know, such as an attribute left out
        self._unknown[printable(node.op_type, 100)] += 1
        return _moving("activation")(self, node)

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


def as_map(shape: Shape) -> tuple[int, int, int]:
    """Channels, height and width of (batch, channels, spatial...), the batch and further axes in the height.

    Of two axes the second is the channels, and each row a token; a vector is channels alone.
    """
    if len(shape) < 2:
        return math.prod(shape), 1, 1
    if len(shape) == 2:
        return shape[1], 1, shape[0]
    batch, channels, *spatial = shape
    return channels, batch * math.prod(spatial[:-1]), spatial[-1]


def _with_bias(one: ImportedLayer) -> ImportedLayer:
    return replace(one, layer=replace(one.layer, has_bias=True))


def _flat(kind: LayerKind, read: int, written: int) -> Layer:
    """A layer of which only the number of values counts."""
    return Layer("", kind, 1, 1, 1, read, 1, written)


def _conv(reader: LayerReader, node: NodeProto) -> list[Layer]:
    return [_conv_of(reader, node, node.input[0], node.input[1], has_bias=len(node.input) > 2 and bool(node.input[2]))]


def _quantised_conv(reader: LayerReader, node: NodeProto) -> list[Layer]:
    return [_conv_of(reader, node, node.input[0], node.input[3], has_bias=len(node.input) > 8)]


def _integer_conv(reader: LayerReader, node: NodeProto) -> list[Layer]:
    return [_conv_of(reader, node, node.input[0], node.input[1], has_bias=False)]


def _conv_of(reader: LayerReader, node: NodeProto, source: str, weight: str, *, has_bias: bool) -> Layer:
    shape, filters = reader.shape(source), reader.shape(weight)
    slides = window(node, shape, filters)
    channels, height, width = as_map(shape)
    if slides.groups < 1 or filters[1] * slides.groups != channels:
        raise ValueError(f"{slides.groups} groups of {filters[1]} channels are not {channels}")
    out_channels, out_height, out_width = as_map(reader.shape(node.output[0]))
    rows, columns = math.prod(slides.kernel[:-1]), slides.kernel[-1]
    if len(slides.kernel) == 1:  # a sequence, whose one axis is the width
        rows = 1
    return Layer(
        "",
        "conv",
        channels,
        out_channels,
        height,
        width,
        out_height,
        out_width,
        kernel=rows,
        kernel_width=None if rows == columns else columns,
        stride=slides.strides[0],
        groups=slides.groups,
        has_bias=has_bias,
    )


def _transposed_conv(reader: LayerReader, node: NodeProto) -> list[Layer]:
    """The product that a transposed convolution is, then the sum of its overlapping columns."""
    channels, height, width = as_map(reader.shape(node.input[0]))
    weight = reader.shape(node.input[1])
    groups = attributes(node).get("group", 1)
    columns = weight[1] * groups * math.prod(weight[2:])
    product = Layer("", "conv", channels, columns, height, width, height, width, groups=groups)
    return [product, _flat("activation", product.out_elements, reader.graph.elements(node.output[0]))]


def _gemm(reader: LayerReader, node: NodeProto) -> list[Layer]:
    transposed = bool(attributes(node).get("transB", 0))
    rows, columns = reader.shape(node.input[1])
    inner, outer = (columns, rows) if transposed else (rows, columns)
    tokens = reader.shape(node.output[0])[0]
    has_bias = len(node.input) > 2 and bool(node.input[2])
    kind: LayerKind = "linear" if reader.is_constant(node.input[1]) else "matmul"
    return [Layer("", kind, inner, outer, 1, tokens, 1, tokens, has_bias=has_bias)]


def _matmul(reader: LayerReader, node: NodeProto) -> list[Layer]:
    return [_product_of(reader, node.input[0], node.input[1], node.output[0])]


def _quantised_matmul(reader: LayerReader, node: NodeProto) -> list[Layer]:
    return [_product_of(reader, node.input[0], node.input[3], node.output[0])]


def _product_of(reader: LayerReader, left: str, right: str, output: str) -> Layer:
    """(..., m, k) times (..., k, n): a group for each matrix on the right, which is the stationary operand."""
    first, second, result = reader.shape(left), reader.shape(right), reader.shape(output)
    if reader.is_constant(left) and not reader.is_constant(right):  # weights on the left: the transposed product
        first, second = second[:-2] + second[:-3:-1], first[:-2] + first[:-3:-1]
        is_weight = True
    else:
        is_weight = reader.is_constant(right)
    inner = first[-1]
    groups = math.prod(second[:-2])
    outer = second[-1] if len(second) > 1 else 1
    tokens = math.prod(result) // (groups * outer)
    kind: LayerKind = "linear" if is_weight else "matmul"
    return Layer("", kind, inner * groups, outer * groups, 1, tokens, 1, tokens, groups=groups)


def _attention(reader: LayerReader, node: NodeProto) -> list[Layer]:
    """Queries times keys, softmax, times values; a product for each head of the queries."""
    query, key, value = (reader.shape(name) for name in node.input[:3])
    given = attributes(node)
    if len(query) == 3:
        heads, key_heads = given["q_num_heads"], given["kv_num_heads"]
        batch, tokens, width = query[0], query[1], query[2] // heads
        context, value_width = key[1], value[2] // key_heads
    else:
        batch, heads, tokens, width = query
        context, value_width = key[2], value[3]
    past = reader.shape(node.input[4])[2] if len(node.input) > 4 and node.input[4] else 0
    context += past
    groups = batch * heads
    return [
        Layer("", "matmul", width * groups, context * groups, 1, tokens, 1, tokens, groups=groups),
        _flat("activation", groups * tokens * context, groups * tokens * context),
        Layer("", "matmul", context * groups, value_width * groups, 1, tokens, 1, tokens, groups=groups),
    ]


def _recurrent(gates: int) -> Callable[[LayerReader, NodeProto], list[Layer]]:
    """For each direction one product a step: `gates` of them over the input and the state together.

    The two biases of a gate, of the input and of the state, count as the one that they add up to.
    """

    def convert(reader: LayerReader, node: NodeProto) -> list[Layer]:
        steps, batch, features = reader.shape(node.input[0])
        directions, _, hidden = reader.shape(node.input[2])
        if directions not in (1, 2):
            raise ValueError(f"{directions} directions")
        has_bias = len(node.input) > 3 and bool(node.input[3])
        layer = Layer(
            *("", "linear", features + hidden, gates * hidden, 1, steps * batch, 1, steps * batch), has_bias=has_bias
        )
        return [layer] * directions

    return convert


def _norm(affine_inputs: int) -> Callable[[LayerReader, NodeProto], list[Layer]]:
    """A normalisation; learned where it has at least so many inputs."""

    def convert(reader: LayerReader, node: NodeProto) -> list[Layer]:
        channels, height, width = as_map(reader.shape(node.input[0]))
        is_affine = len(node.input) >= affine_inputs > 0
        return [Layer("", "norm", channels, channels, height, width, height, width, is_affine=is_affine)]

    return convert


def _layer_norm(reader: LayerReader, node: NodeProto) -> list[Layer]:
    """Over the last axes, whose product is the channels."""
    shape = reader.shape(node.input[0])
    axis = attributes(node).get("axis", -1) % len(shape)
    channels, tokens = math.prod(shape[axis:]), math.prod(shape[:axis])
    return [Layer("", "norm", channels, channels, 1, tokens, 1, tokens, is_affine=len(node.input) > 1)]


def _elementwise(reader: LayerReader, node: NodeProto) -> list[Layer]:
    """An addition where several maps as large as the output are read; smaller operands count for nothing."""
    output = reader.shape(node.output[0])
    large = sum(1 for name in node.input if name and reader.graph.elements(name) == math.prod(output))
    channels, height, width = as_map(output)
    if large > 1:
        return [Layer("", "add", channels, channels, height, width, height, width, inputs=large)]
    return [Layer("", "activation", channels, channels, height, width, height, width)]


def _pool(reader: LayerReader, node: NodeProto) -> list[Layer]:
    shape = reader.shape(node.input[0])
    slides = window(node, shape)
    rows, columns = math.prod(slides.kernel[:-1]), slides.kernel[-1]
    return [_pool_of(reader, node, rows, columns, slides.strides[0])]


def _global_pool(reader: LayerReader, node: NodeProto) -> list[Layer]:
    _, _, *spatial = reader.shape(node.input[0])
    rows, columns = math.prod(spatial[:-1]), spatial[-1]
    return [_pool_of(reader, node, rows, columns, rows)]


def _pool_of(reader: LayerReader, node: NodeProto, rows: int, columns: int, stride: int) -> Layer:
    channels, height, width = as_map(reader.shape(node.input[0]))
    _, out_height, out_width = as_map(reader.shape(node.output[0]))
    return Layer(
        "",
        "pool",
        channels,
        channels,
        height,
        width,
        out_height,
        out_width,
        kernel=rows,
        kernel_width=None if rows == columns else columns,
        stride=stride,
        groups=channels,
    )


def _reduce(reader: LayerReader, node: NodeProto) -> list[Layer]:
    """A pool over whatever axes, of which the number of values counts."""
    read, written = reader.graph.elements(node.input[0]), reader.graph.elements(node.output[0])
    layer = _flat("pool", read, written)
    return [replace(layer, kernel_width=max(1, read // max(1, written)))]


def _moving(kind: LayerKind) -> Callable[[LayerReader, NodeProto], list[Layer]]:
    """A copy in another order or size: it reads what is no larger than what it writes, or all of it."""

    def convert(reader: LayerReader, node: NodeProto) -> list[Layer]:
        names = [name for name in node.output if name and name in reader.graph.shapes]
        written = sum(reader.graph.elements(name) for name in names)
        sources = [name for name in node.input if name and not reader.is_constant(name)]
        read = sum(reader.graph.elements(name) for name in sources)
        if len(names) == 1 and read == written and len(reader.shape(names[0])) > 1:
            channels, height, width = as_map(reader.shape(names[0]))
            return [Layer("", kind, channels, channels, height, width, height, width)]
        return [_flat(kind, read, written)]

    return convert


def _cut(reader: LayerReader, node: NodeProto) -> list[Layer]:
    """A copy of a piece: what is left out is not read."""
    channels, height, width = as_map(reader.shape(node.output[0]))
    return [Layer("", "slice", channels, channels, height, width, height, width)]


def _split(reader: LayerReader, node: NodeProto) -> list[Layer]:
    channels, height, width = as_map(reader.shape(node.input[0]))
    return [Layer("", "slice", channels, channels, height, width, height, width)]


def _concat(reader: LayerReader, node: NodeProto) -> list[Layer]:
    channels, height, width = as_map(reader.shape(node.output[0]))
    return [Layer("", "concat", channels, channels, height, width, height, width)]


_CONVERTERS: Final[dict[str, Callable[[LayerReader, NodeProto], list[Layer]]]] = {
    "Conv": _conv,
    "QLinearConv": _quantised_conv,
    "ConvInteger": _integer_conv,
    "ConvTranspose": _transposed_conv,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "MatMulInteger": _matmul,
    "QLinearMatMul": _quantised_matmul,
    "Attention": _attention,
    "LSTM": _recurrent(4),
    "GRU": _recurrent(3),
    "RNN": _recurrent(1),
    "BatchNormalization": _norm(3),
    "InstanceNormalization": _norm(3),
    "GroupNormalization": _norm(3),
    "LRN": _norm(0),
    "LpNormalization": _norm(0),
    "MeanVarianceNormalization": _norm(0),
    "LayerNormalization": _layer_norm,
    "RMSNormalization": _layer_norm,
    "AveragePool": _pool,
    "MaxPool": _pool,
    "LpPool": _pool,
    "GlobalAveragePool": _global_pool,
    "GlobalMaxPool": _global_pool,
    "GlobalLpPool": _global_pool,
    "Slice": _cut,
    "Split": _split,
    "Concat": _concat,
    **dict.fromkeys(ELEMENTWISE, _elementwise),
    **dict.fromkeys(REDUCTIONS, _reduce),
    **dict.fromkeys(REORDERINGS, _moving("shuffle")),
}

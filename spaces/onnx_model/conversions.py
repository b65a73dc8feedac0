"""What each ONNX operation is as layers, by the operation's name: `CONVERTERS`.

A converter raises KeyError, IndexError, ValueError or TypeError for a form of its operation that it does not know.
Samples beyond the first add to the height of a map or to the tokens of a product; axes beyond two are folded into the
height.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from onnx import NodeProto

from spaces.base import Layer, LayerKind
from spaces.onnx_model.operations import ELEMENTWISE, REDUCTIONS, REORDERINGS
from spaces.onnx_model.shapes import Shape, TypedGraph
from spaces.onnx_model.window import attributes, window


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


def _flat(kind: LayerKind, read: int, written: int) -> Layer:
    """A layer of which only the number of values counts."""
    return Layer("", kind, 1, 1, 1, read, 1, written)


def _conv(graph: TypedGraph, node: NodeProto) -> list[Layer]:
    return [_conv_of(graph, node, node.input[0], node.input[1], has_bias=len(node.input) > 2 and bool(node.input[2]))]


def _quantised_conv(graph: TypedGraph, node: NodeProto) -> list[Layer]:
    return [_conv_of(graph, node, node.input[0], node.input[3], has_bias=len(node.input) > 8)]


def _integer_conv(graph: TypedGraph, node: NodeProto) -> list[Layer]:
    return [_conv_of(graph, node, node.input[0], node.input[1], has_bias=False)]


def _conv_of(graph: TypedGraph, node: NodeProto, source: str, weight: str, *, has_bias: bool) -> Layer:
    shape, filters = graph.shapes[source], graph.shapes[weight]
    slides = window(node, shape, filters)
    channels, height, width = as_map(shape)
    if slides.groups < 1 or filters[1] * slides.groups != channels:
        raise ValueError(f"{slides.groups} groups of {filters[1]} channels are not {channels}")
    out_channels, out_height, out_width = as_map(graph.shapes[node.output[0]])
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


def _transposed_conv(graph: TypedGraph, node: NodeProto) -> list[Layer]:
    """The product that a transposed convolution is, then the sum of its overlapping columns."""
    channels, height, width = as_map(graph.shapes[node.input[0]])
    weight = graph.shapes[node.input[1]]
    groups = attributes(node).get("group", 1)
    columns = weight[1] * groups * math.prod(weight[2:])
    product = Layer("", "conv", channels, columns, height, width, height, width, groups=groups)
    return [product, _flat("activation", product.out_elements, graph.elements(node.output[0]))]


def _gemm(graph: TypedGraph, node: NodeProto) -> list[Layer]:
    transposed = bool(attributes(node).get("transB", 0))
    rows, columns = graph.shapes[node.input[1]]
    inner, outer = (columns, rows) if transposed else (rows, columns)
    tokens = graph.shapes[node.output[0]][0]
    has_bias = len(node.input) > 2 and bool(node.input[2])
    kind: LayerKind = "linear" if node.input[1] in graph.constants else "matmul"
    return [Layer("", kind, inner, outer, 1, tokens, 1, tokens, has_bias=has_bias)]


def _matmul(graph: TypedGraph, node: NodeProto) -> list[Layer]:
    return [_product_of(graph, node.input[0], node.input[1], node.output[0])]


def _quantised_matmul(graph: TypedGraph, node: NodeProto) -> list[Layer]:
    return [_product_of(graph, node.input[0], node.input[3], node.output[0])]


def _product_of(graph: TypedGraph, left: str, right: str, output: str) -> Layer:
    """(..., m, k) times (..., k, n): a group for each matrix on the right, which is the stationary operand."""
    first, second, result = graph.shapes[left], graph.shapes[right], graph.shapes[output]
    if left in graph.constants and right not in graph.constants:  # weights on the left: the transposed product
        first, second = second[:-2] + second[:-3:-1], first[:-2] + first[:-3:-1]
        is_weight = True
    else:
        is_weight = right in graph.constants
    inner = first[-1]
    groups = math.prod(second[:-2])
    outer = second[-1] if len(second) > 1 else 1
    tokens = math.prod(result) // (groups * outer)
    kind: LayerKind = "linear" if is_weight else "matmul"
    return Layer("", kind, inner * groups, outer * groups, 1, tokens, 1, tokens, groups=groups)


def _attention(graph: TypedGraph, node: NodeProto) -> list[Layer]:
    """Queries times keys, softmax, times values; a product for each head of the queries."""
    query, key, value = (graph.shapes[name] for name in node.input[:3])
    given = attributes(node)
    if len(query) == 3:
        heads, key_heads = given["q_num_heads"], given["kv_num_heads"]
        batch, tokens, width = query[0], query[1], query[2] // heads
        context, value_width = key[1], value[2] // key_heads
    else:
        batch, heads, tokens, width = query
        context, value_width = key[2], value[3]
    past = graph.shapes[node.input[4]][2] if len(node.input) > 4 and node.input[4] else 0
    context += past
    groups = batch * heads
    return [
        Layer("", "matmul", width * groups, context * groups, 1, tokens, 1, tokens, groups=groups),
        _flat("activation", groups * tokens * context, groups * tokens * context),
        Layer("", "matmul", context * groups, value_width * groups, 1, tokens, 1, tokens, groups=groups),
    ]


def _recurrent(gates: int) -> Callable[[TypedGraph, NodeProto], list[Layer]]:
    """For each direction one product a step: `gates` of them over the input and the state together.

    The two biases of a gate, of the input and of the state, count as the one that they add up to.
    """

    def convert(graph: TypedGraph, node: NodeProto) -> list[Layer]:
        steps, batch, features = graph.shapes[node.input[0]]
        directions, _, hidden = graph.shapes[node.input[2]]
        if directions not in (1, 2):
            raise ValueError(f"{directions} directions")
        has_bias = len(node.input) > 3 and bool(node.input[3])
        layer = Layer(
            *("", "linear", features + hidden, gates * hidden, 1, steps * batch, 1, steps * batch), has_bias=has_bias
        )
        return [layer] * directions

    return convert


def _norm(affine_inputs: int) -> Callable[[TypedGraph, NodeProto], list[Layer]]:
    """A normalisation; learned where it has at least so many inputs."""

    def convert(graph: TypedGraph, node: NodeProto) -> list[Layer]:
        channels, height, width = as_map(graph.shapes[node.input[0]])
        is_affine = len(node.input) >= affine_inputs > 0
        return [Layer("", "norm", channels, channels, height, width, height, width, is_affine=is_affine)]

    return convert


def _layer_norm(graph: TypedGraph, node: NodeProto) -> list[Layer]:
    """Over the last axes, whose product is the channels."""
    shape = graph.shapes[node.input[0]]
    axis = attributes(node).get("axis", -1) % len(shape)
    channels, tokens = math.prod(shape[axis:]), math.prod(shape[:axis])
    return [Layer("", "norm", channels, channels, 1, tokens, 1, tokens, is_affine=len(node.input) > 1)]


def _elementwise(graph: TypedGraph, node: NodeProto) -> list[Layer]:
    """An addition where several maps as large as the output are read; smaller operands count for nothing."""
    output = graph.shapes[node.output[0]]
    large = sum(1 for name in node.input if name and graph.elements(name) == math.prod(output))
    channels, height, width = as_map(output)
    if large > 1:
        return [Layer("", "add", channels, channels, height, width, height, width, inputs=large)]
    return [Layer("", "activation", channels, channels, height, width, height, width)]


def _pool(graph: TypedGraph, node: NodeProto) -> list[Layer]:
    shape = graph.shapes[node.input[0]]
    slides = window(node, shape)
    rows, columns = math.prod(slides.kernel[:-1]), slides.kernel[-1]
    return [_pool_of(graph, node, rows, columns, slides.strides[0])]


def _global_pool(graph: TypedGraph, node: NodeProto) -> list[Layer]:
    _, _, *spatial = graph.shapes[node.input[0]]
    rows, columns = math.prod(spatial[:-1]), spatial[-1]
    return [_pool_of(graph, node, rows, columns, rows)]


def _pool_of(graph: TypedGraph, node: NodeProto, rows: int, columns: int, stride: int) -> Layer:
    channels, height, width = as_map(graph.shapes[node.input[0]])
    _, out_height, out_width = as_map(graph.shapes[node.output[0]])
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


def _reduce(graph: TypedGraph, node: NodeProto) -> list[Layer]:
    """A pool over whatever axes, of which the number of values counts."""
    read, written = graph.elements(node.input[0]), graph.elements(node.output[0])
    layer = _flat("pool", read, written)
    return [replace(layer, kernel_width=max(1, read // max(1, written)))]


def moving(kind: LayerKind) -> Callable[[TypedGraph, NodeProto], list[Layer]]:
    """A copy in another order or size: it reads what is no larger than what it writes, or all of it."""

    def convert(graph: TypedGraph, node: NodeProto) -> list[Layer]:
        names = [name for name in node.output if name and name in graph.shapes]
        written = sum(graph.elements(name) for name in names)
        sources = [name for name in node.input if name and name not in graph.constants]
        read = sum(graph.elements(name) for name in sources)
        if len(names) == 1 and read == written and len(graph.shapes[names[0]]) > 1:
            channels, height, width = as_map(graph.shapes[names[0]])
            return [Layer("", kind, channels, channels, height, width, height, width)]
        return [_flat(kind, read, written)]

    return convert


def _cut(graph: TypedGraph, node: NodeProto) -> list[Layer]:
    """A copy of a piece: what is left out is not read."""
    channels, height, width = as_map(graph.shapes[node.output[0]])
    return [Layer("", "slice", channels, channels, height, width, height, width)]


def _split(graph: TypedGraph, node: NodeProto) -> list[Layer]:
    channels, height, width = as_map(graph.shapes[node.input[0]])
    return [Layer("", "slice", channels, channels, height, width, height, width)]


def _concat(graph: TypedGraph, node: NodeProto) -> list[Layer]:
    channels, height, width = as_map(graph.shapes[node.output[0]])
    return [Layer("", "concat", channels, channels, height, width, height, width)]


CONVERTERS: Final[dict[str, Callable[[TypedGraph, NodeProto], list[Layer]]]] = {
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
    **dict.fromkeys(REORDERINGS, moving("shuffle")),
}

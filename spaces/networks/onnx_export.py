"""ONNX export of the spaces' networks: one ONNX node per kernel of the workload, nothing folded, dead operations kept.

torch's own exporters were measured on 91 convolutions (torch 2.13): the one on torch.export takes 9 s, the TorchScript
one 0.9 s but is announced for removal, and both merge batch norms into convolutions, so that their graph no longer
shows what the workload counts. Our networks need a dozen node types, so this traces them with torch.fx and writes the
nodes directly, in a tenth of a second. Runtimes fold the batch norms when they load the model.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from spaces import get_space
from spaces.base import Architecture
from spaces.networks.build import build_network
from spaces.networks.operations import HardSigmoid, Shift, Truncate, Zeros
from spaces.torch_seeding import seeded

OPSET: Final = 17
IR_VERSION: Final = 8  # the oldest that carries the opset, for old runtimes on devices
INPUT_NAME, OUTPUT_NAME = "input", "output"


def export_onnx(architecture: Architecture, *, batch: int = 1) -> bytes:
    """The network of an architecture as a serialized ONNX model with untrained weights, the same at every call.

    Args: batch: samples per run, fixed in the model's input shape (batch, channels, height, width).
    Raises: UnknownSpaceError; InvalidArchitectureError; ValueError for a batch below 1.
    """
    with seeded(0):
        network = build_network(architecture)
    input_shape = get_space(architecture.space).workload(architecture).input_shape
    return module_to_onnx(network, input_shape, batch=batch, name=architecture.key)


def module_to_onnx(module: nn.Module, input_shape: tuple[int, ...], *, batch: int = 1, name: str = "network") -> bytes:
    """A network of `build_network` as a serialized ONNX model in inference mode, weights inside.

    Args: input_shape: (channels, height, width) of one sample.
    """
    if batch < 1:
        raise ValueError(f"batch must be at least 1, got {batch}")
    was_training = module.training
    traced = fx.GraphModule(module, _KernelTracer().trace(module.eval()))
    with torch.inference_mode():
        ShapeProp(traced).propagate(torch.zeros(1, *input_shape))
    module.train(was_training)
    writer = _GraphWriter(batch, modules=dict(traced.named_modules()))
    for node in traced.graph.nodes:
        _WRITE_NODE[node.op](writer, node)
    classes = _shape(next(iter(reversed(traced.graph.nodes))).args[0])[1:]
    return _model(writer, name, (batch, *input_shape), (batch, *classes)).SerializeToString()


_WriteModule = Callable[["_GraphWriter", Any, str, fx.Node], None]


@dataclass(slots=True)
class _GraphWriter:
    """The ONNX graph as far as it is written."""

    batch: int
    modules: dict[str, nn.Module]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[TensorProto] = field(default_factory=list)
    values: dict[fx.Node, str] = field(default_factory=dict)  # ONNX name of each traced value

    def write(self, op_type: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(op_type, inputs, [output], name=output, **attributes))

    def weight(self, name: str, values: Tensor | np.ndarray[Any, Any]) -> str:
        array = values.detach().numpy() if isinstance(values, Tensor) else values
        self.weights.append(numpy_helper.from_array(array, name))
        return name


class _KernelTracer(fx.Tracer):
    """Traces into modules down to those that are one ONNX node."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return type(m) in _MODULES or super().is_leaf_module(m, module_qualified_name)


def _model(
    writer: _GraphWriter, name: str, input_shape: tuple[int, ...], output_shape: tuple[int, ...]
) -> onnx.ModelProto:
    graph = helper.make_graph(
        writer.nodes,
        name,
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, input_shape)],
        [helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, output_shape)],
        writer.weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="archcast")
    model.ir_version = IR_VERSION
    return model


def _shape(node: Any) -> tuple[int, ...]:
    """Shape of a traced value at batch 1."""
    return tuple(node.meta["tensor_meta"].shape)


def _placeholder(writer: _GraphWriter, node: fx.Node) -> None:
    writer.values[node] = INPUT_NAME


def _output(writer: _GraphWriter, node: fx.Node) -> None:
    """Gives the last value the name of the graph's output."""
    (result,) = node.args
    last = writer.nodes[-1]
    if not isinstance(result, fx.Node) or writer.values[result] != last.output[0]:
        raise ValueError("the network must end in the operation that it returns")
    last.output[0] = OUTPUT_NAME


def _call_function(writer: _GraphWriter, node: fx.Node) -> None:
    _FUNCTIONS[node.target](writer, node)
    writer.values[node] = node.name


def _binary(op_type: str) -> Callable[[_GraphWriter, fx.Node], None]:
    def write(writer: _GraphWriter, node: fx.Node) -> None:
        inputs = [
            writer.values[argument]
            if isinstance(argument, fx.Node)
            else writer.weight(f"{node.name}.constant", np.array(argument, dtype=np.float32))
            for argument in node.args
        ]
        writer.write(op_type, inputs, node.name)

    return write


def _concat(writer: _GraphWriter, node: fx.Node) -> None:
    maps: Any = node.args[0]
    writer.write("Concat", [writer.values[each] for each in maps], node.name, axis=1)


def _call_module(writer: _GraphWriter, node: fx.Node) -> None:
    source = node.args[0]
    if not isinstance(source, fx.Node):
        raise TypeError(f"{node.name} must be applied to a tensor")
    module = writer.modules[str(node.target)]
    if isinstance(module, nn.Identity):
        writer.values[node] = writer.values[source]
        return
    _MODULES[type(module)](writer, module, writer.values[source], node)
    writer.values[node] = node.name


def _conv(writer: _GraphWriter, module: nn.Conv2d, source: str, node: fx.Node) -> None:
    (top, left), stride = module.padding, list(module.stride)
    parameters = [writer.weight(f"{node.name}.{part}", tensor) for part, tensor in module.named_parameters()]
    writer.write(
        "Conv",
        [source, *parameters],
        node.name,
        kernel_shape=list(module.kernel_size),
        pads=[top, left, top, left],
        strides=stride,
        group=module.groups,
        dilations=list(module.dilation),
    )


def _batch_norm(writer: _GraphWriter, module: nn.BatchNorm2d, source: str, node: fx.Node) -> None:
    tensors = {
        "weight": torch.ones(module.num_features) if module.weight is None else module.weight,
        "bias": torch.zeros(module.num_features) if module.bias is None else module.bias,
        "running_mean": module.running_mean,
        "running_var": module.running_var,
    }
    names = [writer.weight(f"{node.name}.{part}", tensor) for part, tensor in tensors.items() if tensor is not None]
    writer.write("BatchNormalization", [source, *names], node.name, epsilon=module.eps)


def _avg_pool(writer: _GraphWriter, module: nn.AvgPool2d, source: str, node: fx.Node) -> None:
    kernel, stride, padding = (int(side) for side in (module.kernel_size, module.stride, module.padding))  # pyright: ignore[reportArgumentType]
    writer.write(
        "AveragePool",
        [source],
        node.name,
        kernel_shape=[kernel, kernel],
        strides=[stride, stride],
        pads=[padding] * 4,
        count_include_pad=int(module.count_include_pad),
    )


def _max_pool(writer: _GraphWriter, module: nn.MaxPool2d, source: str, node: fx.Node) -> None:
    kernel, stride, padding = (int(side) for side in (module.kernel_size, module.stride, module.padding))  # pyright: ignore[reportArgumentType]
    attributes = {"kernel_shape": [kernel, kernel], "strides": [stride, stride], "pads": [padding] * 4}
    writer.write("MaxPool", [source], node.name, **attributes)


def _zeros(writer: _GraphWriter, module: Zeros, source: str, node: fx.Node) -> None:
    shape = writer.weight(f"{node.name}.shape", np.array([writer.batch, *_shape(node)[1:]], dtype=np.int64))
    writer.write("ConstantOfShape", [shape], node.name)


def _slice(axes: list[int], window: Callable[[Any], tuple[int, int]]) -> _WriteModule:
    """Writes a cut from a first to before a last index, the same along each of the axes."""

    def write(writer: _GraphWriter, module: nn.Module, source: str, node: fx.Node) -> None:
        first, last = window(module)
        bounds = {"starts": [first] * len(axes), "ends": [last] * len(axes), "axes": axes}
        names = [writer.weight(f"{node.name}.{part}", np.array(at, dtype=np.int64)) for part, at in bounds.items()]
        writer.write("Slice", [source, *names], node.name)

    return write


def _linear(writer: _GraphWriter, module: nn.Linear, source: str, node: fx.Node) -> None:
    parameters = [writer.weight(f"{node.name}.{part}", tensor) for part, tensor in module.named_parameters()]
    writer.write("Gemm", [source, *parameters], node.name, transB=1)


def _channel_shuffle(writer: _GraphWriter, module: nn.ChannelShuffle, source: str, node: fx.Node) -> None:
    _, channels, height, width = _shape(node)
    split, merged = [0, module.groups, channels // module.groups, height, width], [0, channels, height, width]
    split_name = writer.weight(f"{node.name}.split_shape", np.array(split, dtype=np.int64))
    merged_name = writer.weight(f"{node.name}.merged_shape", np.array(merged, dtype=np.int64))
    writer.write("Reshape", [source, split_name], f"{node.name}.split")
    writer.write("Transpose", [f"{node.name}.split"], f"{node.name}.swapped", perm=[0, 2, 1, 3, 4])
    writer.write("Reshape", [f"{node.name}.swapped", merged_name], node.name)


def _unary(op_type: str, **attributes: float) -> _WriteModule:
    def write(writer: _GraphWriter, module: nn.Module, source: str, node: fx.Node) -> None:
        writer.write(op_type, [source], node.name, **attributes)

    return write


_WRITE_NODE: Final[dict[str, Callable[[_GraphWriter, fx.Node], None]]] = {
    "placeholder": _placeholder,
    "call_module": _call_module,
    "call_function": _call_function,
    "output": _output,
}
_FUNCTIONS: Final[dict[Any, Callable[[_GraphWriter, fx.Node], None]]] = {
    operator.add: _binary("Add"),
    operator.mul: _binary("Mul"),
    torch.cat: _concat,
}
_MODULES: Final[dict[type[nn.Module], _WriteModule]] = {
    nn.Conv2d: _conv,
    nn.BatchNorm2d: _batch_norm,
    nn.ReLU: _unary("Relu"),
    nn.Hardswish: _unary("HardSwish"),
    HardSigmoid: _unary("HardSigmoid", alpha=1 / 6, beta=0.5),
    nn.AvgPool2d: _avg_pool,
    nn.MaxPool2d: _max_pool,
    Zeros: _zeros,
    Shift: _slice([2, 3], lambda _: (1, sys.maxsize)),
    Truncate: _slice([1], lambda module: (0, module.channels)),
    nn.AdaptiveAvgPool2d: _unary("GlobalAveragePool"),
    nn.Flatten: _unary("Flatten"),
    nn.Linear: _linear,
    nn.ChannelShuffle: _channel_shuffle,
}

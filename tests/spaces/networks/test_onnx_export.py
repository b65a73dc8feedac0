"""Exported ONNX graphs against torch and against the workloads."""

import math
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from spaces import SPACES, SearchSpace
from spaces.networks import build_network, export_onnx, module_to_onnx

KIND_OF_NODE = {
    "Conv": "conv",
    "BatchNormalization": "norm",
    "Relu": "activation",
    "HardSwish": "activation",
    "HardSigmoid": "activation",
    "Mul": "activation",
    "Add": "add",
    "AveragePool": "pool",
    "GlobalAveragePool": "pool",
    "MaxPool": "pool",
    "Concat": "concat",
    "Slice": "slice",
    "ConstantOfShape": "activation",
    "Gemm": "linear",
    "Transpose": "shuffle",
}


@pytest.fixture(params=sorted(SPACES))
def space(request: pytest.FixtureRequest) -> SearchSpace:
    return SPACES[request.param]


def count_macs(model: onnx.ModelProto) -> int:
    """MACs of the convolutions and matrix products of a graph, from inferred shapes."""
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    values = [*graph.input, *graph.value_info, *graph.output]
    shapes = {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in values}
    shapes |= {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    # Filters are (out, in / groups, k, k), Gemm weights (out, in): an output takes as many MACs as lie behind `out`.
    return sum(
        math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[1]][1:])
        for node in graph.node
        if node.op_type in ("Conv", "Gemm")
    )


def smaller(input_shape: tuple[int, ...]) -> tuple[int, ...]:
    """An input of half the size, at most 32 pixels a side: the networks take any, and large ones take long."""
    channels, height, width = input_shape
    return channels, min(height // 2, 32), min(width // 2, 32)


def settle_batch_norms(network: nn.Module, input_shape: tuple[int, ...]) -> None:
    """Gives the norms statistics of real activations, without which untrained outputs are nearly constant."""
    with torch.no_grad():
        for _ in range(3):
            network.train()(torch.randn(4, *input_shape))
    network.eval()


def run_onnx(model: bytes, images: torch.Tensor) -> np.ndarray[Any, Any]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"input": images.numpy()})[0])


def test_exported_graph_has_the_nodes_and_the_macs_of_the_workload(space: SearchSpace) -> None:
    for architecture in space.sample(2, rng=np.random.default_rng(3)):
        model, workload = onnx.load_from_string(export_onnx(architecture)), space.workload(architecture)
        kinds = [KIND_OF_NODE[node.op_type] for node in model.graph.node if node.op_type not in ("Reshape", "Flatten")]
        assert kinds == [layer.kind for layer in workload.layers]
        assert count_macs(model) == workload.macs


def test_exported_model_agrees_with_torch(space: SearchSpace) -> None:
    torch.manual_seed(0)
    for architecture in space.sample(2, rng=np.random.default_rng(5)):
        network, shape = build_network(architecture), smaller(space.workload(architecture).input_shape)
        settle_batch_norms(network, shape)
        images = torch.randn(2, *shape)
        with torch.inference_mode():
            expected = network(images).numpy()
        exported = run_onnx(module_to_onnx(network, shape, batch=2), images)
        assert expected.std() > 1e-3
        np.testing.assert_allclose(exported, expected, atol=1e-4)


def test_exported_model_passes_the_checker_and_holds_its_weights(space: SearchSpace) -> None:
    exported = export_onnx(space.sample(1, rng=np.random.default_rng(6))[0])
    onnx.checker.check_model(exported, full_check=True)
    weights = onnx.load_from_string(exported).graph.initializer
    assert not any(tensor.external_data for tensor in weights)


@pytest.mark.parametrize("batch", [1, 3])
def test_batch_is_the_first_dimension_of_input_and_output(batch: int) -> None:
    space = SPACES["nb201"]
    exported = export_onnx(space.parse([0] * 6), batch=batch)
    assert run_onnx(exported, torch.zeros(batch, 3, 32, 32)).shape == (batch, 10)


@pytest.mark.parametrize("batch", [0, -1])
def test_batch_below_one_is_refused(batch: int) -> None:
    with pytest.raises(ValueError, match="batch"):
        export_onnx(SPACES["nb201"].parse([0] * 6), batch=batch)


def test_export_gives_the_same_bytes_and_leaves_torchs_generator_alone() -> None:
    architecture = SPACES["nb201"].parse([3] * 6)
    state = torch.random.get_rng_state()
    assert export_onnx(architecture) == export_onnx(architecture)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_module_to_onnx_leaves_the_module_in_its_mode() -> None:
    network = build_network(SPACES["nb201"].parse([2] * 6))
    module_to_onnx(network, (3, 32, 32))
    assert network.training

"""Kernels of ONNX Runtime find their layers by name, whatever was fused, renamed or put between them."""

import pytest

from service.layer_times import layer_times
from spaces.base import Layer
from spaces.onnx_model import ImportedLayer, ImportedModel


def network(prefix: str = "node_") -> ImportedModel:
    """A convolution, its norm and activation, and an addition behind them."""
    kinds = ("conv", "norm", "activation", "add")
    layers = tuple(
        ImportedLayer(Layer(f"l{number}", kind, 8, 8, 4, 4, 4, 4), kind, f"{prefix}{number}", inputs)
        for number, (kind, inputs) in enumerate(zip(kinds, ((), (0,), (1,), (0, 2)), strict=True))
    )
    return ImportedModel("k" * 64, "net", layers, ((1, 8, 4, 4),), ())


def kernel(node: str, op: str, latency_ms: float = 1.0) -> dict[str, object]:
    return {"node": node, "op": op, "latency_ms": latency_ms}


@pytest.mark.parametrize("node", ["node_2", "node_1_nchwc", "node_0_token_27", "node_2_nchwc_token_3"])
def test_fused_kernel_counts_for_its_product(node: str):
    assert layer_times(network(), [kernel(node, "Conv", 0.123456789)]) == [0.12346, 0, 0, 0]


def test_kernels_of_their_own_count_for_themselves_and_add_up():
    kernels = [kernel("node_2", "Relu", 2.0), kernel("node_3", "Add", 3.0), kernel("node_3", "Add", 4.0)]
    assert layer_times(network(), kernels) == [0, 0, 2, 7]


@pytest.mark.parametrize("op", ["ReorderInput", "QuantizeLinear", "DequantizeLinear", "Reshape"])
def test_kernels_between_layers_and_unknown_ones_count_for_none(op: str):
    assert layer_times(network(), [kernel("node_2", op), kernel("elsewhere", "Conv")]) == [0, 0, 0, 0]


def test_fused_node_of_a_file_without_names_is_called_by_its_output():
    assert layer_times(network("n"), [kernel("r2_nchwc", "Conv")]) == [1, 0, 0, 0]

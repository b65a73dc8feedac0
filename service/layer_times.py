"""What each layer of a network took, from ONNX Runtime's profile of its kernels.

Nodes find their layers by name, which the runtime keeps with additions of its own. A kernel of several fused nodes
counts for its product, the others of them for nothing. Kernels between layers, which change the layout or the format of
numbers, belong to none: what the layers took adds up to less than the network's latency.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from spaces.onnx_model import ImportedModel

_BETWEEN: Final = ("QuantizeLinear", "DequantizeLinear", "Reshape", "ReorderInput", "ReorderOutput", "Flatten")
_ADDED: Final = re.compile(r"(_nchwc|_token_\d+)$")  # to a node's name by ONNX Runtime, also both
_PRODUCTS: Final = ("conv", "linear", "matmul")
_UNNAMED: Final = re.compile(r"n\d+")


def layer_times(model: ImportedModel, kernels: Iterable[Mapping[str, Any]]) -> list[float]:
    """(layers,) ms that each layer's kernel took; 0 of a layer that ran with another one or was left out.

    Args: kernels: with `node`, `op` and `latency_ms`, as `targets/onnx_runtime.py` answers them.
    """
    numbers = _numbers(model)
    took_ms = [0.0] * len(model.layers)
    for kernel in kernels:
        number = _layer_of(kernel["node"], numbers)
        if number is None or kernel["op"] in _BETWEEN:
            continue
        if "Conv" in kernel["op"] or "Gemm" in kernel["op"]:  # called after the last of what it does
            number = _product_before(model, number)
        took_ms[number] += kernel["latency_ms"]
    return [float(f"{value:.5g}") for value in took_ms]


def _numbers(model: ImportedModel) -> dict[str, int]:
    """Number of the layer by every name that its node may have."""
    numbers: dict[str, int] = {}
    for number, one in enumerate(model.layers):
        numbers.setdefault(one.node, number)
        if _UNNAMED.fullmatch(one.node):  # the runtime calls such a file's fused nodes by their output, r7 for n7
            numbers.setdefault(f"r{one.node[1:]}", number)
    return numbers


def _layer_of(node: str, numbers: Mapping[str, int]) -> int | None:
    while node not in numbers and _ADDED.search(node):
        node = _ADDED.sub("", node)
    return numbers.get(node)


def _product_before(model: ImportedModel, number: int) -> int:
    while model.layers[number].layer.kind not in _PRODUCTS and model.layers[number].inputs:
        number = model.layers[number].inputs[0]
    return number

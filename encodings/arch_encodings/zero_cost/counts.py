"""What needs no batch: flops, params and l2_norm.

The references' counts: a multiply-accumulate is one operation, a batch norm two per element, an activation one, a
pooling one per pixel it reads. NAS-Bench-Suite-Zero counts its global pooling as one pixel wider, a constant; the
reference for FBNet counts one of the two activations of a block, as its code shares one module between them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, nn

from arch_encodings.zero_cost.subject import Subject, empty_network, weighted_layers
from spaces.networks.operations import HardSigmoid

_ACTIVATIONS = (nn.ReLU, nn.Hardswish, HardSigmoid)


def count(subject: Subject, names: frozenset[str]) -> dict[str, float]:
    """Scalars that are learned, and operations of one sample."""
    network = empty_network(subject.architecture)
    values = {"params": float(sum(parameter.numel() for parameter in network.parameters()))}
    if "flops" in names:
        values["flops"] = _flops(network, subject.shape[1:])
    return values


def weight_norm(subject: Subject, names: frozenset[str]) -> dict[str, float]:
    """Sum over the layers of their weights' Euclidean norms."""
    del names
    return {"l2_norm": sum(layer.weight.norm().item() for layer in weighted_layers(subject.network()))}


def _flops(network: nn.Module, shape: tuple[int, ...]) -> float:
    total = 0

    def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        total += _OPERATIONS[type(module)](module, inputs[0], output)

    for module in network.modules():
        if type(module) in _OPERATIONS:
            module.register_forward_hook(add)
    with torch.no_grad():
        network.eval()(torch.empty(1, *shape, device="meta"))
    return float(total)


def _weighted(module: Any, _: Tensor, output: Tensor) -> int:
    return output.numel() * module.weight[0].numel()


def _norm(_: Any, __: Tensor, output: Tensor) -> int:
    return 2 * output.numel()


def _activation(_: Any, __: Tensor, output: Tensor) -> int:
    return output.numel()


def _local_pool(module: nn.AvgPool2d | nn.MaxPool2d, _: Tensor, output: Tensor) -> int:
    assert isinstance(module.kernel_size, int)
    return output.numel() * module.kernel_size**2


def _global_pool(_: Any, pooled: Tensor, __: Tensor) -> int:
    return pooled.numel()


_OPERATIONS: Final[dict[type[nn.Module], Callable[[Any, Tensor, Tensor], int]]] = {
    nn.Conv2d: _weighted,
    nn.Linear: _weighted,
    nn.BatchNorm2d: _norm,
    nn.AvgPool2d: _local_pool,
    nn.MaxPool2d: _local_pool,
    nn.AdaptiveAvgPool2d: _global_pool,
    **dict.fromkeys(_ACTIVATIONS, _activation),
}

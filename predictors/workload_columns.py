"""Columns of a network's layers in which a latency is linear, whatever space the network is of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from spaces.base import Architecture, FloatArray, Layer, SearchSpace, Workload

# MACs per byte where a device's limit turns from memory to arithmetic.
BALANCES: Final = (1.0, 8.0, 64.0)
_MACS: Final[dict[str, Callable[[Layer], bool]]] = {
    "depthwise": lambda layer: layer.kind == "conv" and 1 < layer.groups == layer.in_channels,
    "grouped": lambda layer: layer.kind == "conv" and 1 < layer.groups < layer.in_channels,
    "pointwise": lambda layer: layer.kind == "conv" and layer.groups == 1 and layer.kernel_area == 1,
    "dense": lambda layer: layer.kind == "conv" and layer.groups == 1 and layer.kernel_area > 1,
    "linear": lambda layer: layer.kind == "linear",
    "matmul": lambda layer: layer.kind == "matmul",
}
_TRAFFIC: Final[dict[str, Callable[[Layer], bool]]] = {
    "product": lambda layer: layer.kind in ("conv", "linear", "matmul"),
    "elementwise": lambda layer: layer.kind in ("add", "activation") or (layer.kind == "norm" and layer.is_affine),
    # Norms over neighbours or samples, which no product takes in.
    "unlearned": lambda layer: layer.kind == "norm" and not layer.is_affine,
    "pool": lambda layer: layer.kind == "pool",
    "copy": lambda layer: layer.kind in ("shuffle", "concat", "slice"),
}
COLUMNS: Final = (
    "launch",
    *(f"macs:{kind}" for kind in _MACS),
    *(f"bytes:{kind}" for kind in _TRAFFIC),
    *(f"roofline:{balance:g}" for balance in BALANCES),
)


def layer_columns(layers: Sequence[Layer], batch: int = 1) -> FloatArray:
    """(layers, d) the columns `COLUMNS` of each layer, run on `batch` samples at once."""
    return np.array([_row(layer, batch) for layer in layers], dtype=np.float64).reshape(len(layers), len(COLUMNS))


def workload_columns(workload: Workload) -> FloatArray:
    """(d,) sum over the layers of one run of the workload's batch."""
    return layer_columns(workload.layers, workload.batch).sum(axis=0)


def layer_design(space: SearchSpace, pool: Sequence[Architecture]) -> Callable[[Sequence[Architecture]], FloatArray]:
    """Vectors in which samplers compare networks of any size: logarithms of the columns, standardised over the pool.

    Args: pool: at least one architecture.
    """

    def logarithms(architectures: Sequence[Architecture]) -> FloatArray:
        rows = [workload_columns(space.workload(architecture)) for architecture in architectures]
        return np.log1p(np.array(rows).reshape(len(rows), len(COLUMNS)))

    known = logarithms(pool)
    mean, deviation = known.mean(axis=0), known.std(axis=0)
    varies = deviation > 0
    return lambda architectures: np.concatenate(
        [
            np.ones((len(architectures), 1)),
            (logarithms(architectures)[:, varies] - mean[varies]) / deviation[varies] / np.sqrt(max(varies.sum(), 1)),
        ],
        axis=1,
    )


def _row(layer: Layer, batch: int) -> list[float]:
    macs = float(batch * layer.macs)
    activations = 4.0 * batch * (layer.in_elements + layer.out_elements)
    weights = 4.0 * layer.params
    return [
        1.0,
        *(macs if belongs(layer) else 0.0 for belongs in _MACS.values()),
        *(activations + weights if belongs(layer) else 0.0 for belongs in _TRAFFIC.values()),
        *(max(macs / balance, activations + weights) for balance in BALANCES),
    ]

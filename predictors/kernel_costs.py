"""What a network's kernels amount to by their kind, and on rooflines of several balances, for linear predictors.

A device's time per MAC differs several times between dense, pointwise, grouped and depthwise convolutions and between
large and small images; MACs in total do not tell them apart, and 20 timings cannot find it out block by block. A
roofline's time, max(MACs / balance, bytes), is not linear in the totals, but the sum of the right few of them is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from spaces.base import Architecture, FloatArray, Layer, SearchSpace
from spaces.part_table import PartTable

# MACs per byte where a device's limit turns from memory to arithmetic.
_BALANCES: Final = (1.0, 4.0, 16.0, 64.0)
_SMALL_SIZE: Final = 8  # pixels: images up to this size leave wide hardware idle
_KINDS: Final[dict[str, Callable[[Layer], bool]]] = {
    "depthwise": lambda layer: layer.kind == "conv" and 1 < layer.groups == layer.in_channels,
    "grouped": lambda layer: layer.kind == "conv" and 1 < layer.groups < layer.in_channels,
    "pointwise": lambda layer: layer.kind == "conv" and layer.groups == 1 and layer.kernel_area == 1,
    "dense": lambda layer: layer.kind == "conv" and layer.groups == 1 and layer.kernel_area > 1,
    "small": lambda layer: layer.out_height <= _SMALL_SIZE,
}
_MOVING: Final = ("pool", "add", "activation", "norm", "shuffle", "concat")

NAMES: Final = (
    *(f"roofline:{balance:g}" for balance in _BALANCES),
    "activations",
    "weights",
    *(f"{kind}:{cost}" for kind in _KINDS for cost in ("macs", "outputs", "launches")),
    *(f"{kind}:inputs" for kind in _MOVING),
)


def kernel_costs(space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
    """(n, d) columns `NAMES`. Raises: InvalidArchitectureError for an architecture of another space."""
    return _table(space)(architectures).sum(axis=1)


def _measure(layers: Sequence[Layer]) -> list[float]:
    kinds = [[layer for layer in layers if belongs(layer)] for belongs in _KINDS.values()]
    return [
        *(sum(max(layer.macs / balance, layer.bytes_moved()) for layer in layers) for balance in _BALANCES),
        float(sum(layer.in_elements + layer.out_elements for layer in layers)),
        float(sum(layer.params for layer in layers)),
        *(
            float(cost)
            for kind in kinds
            for cost in (sum(layer.macs for layer in kind), sum(layer.out_elements for layer in kind), len(kind))
        ),
        *(float(sum(layer.in_elements for layer in layers if layer.kind == kind)) for kind in _MOVING),
    ]


@lru_cache(maxsize=32)
def _table(space: SearchSpace) -> PartTable:
    return PartTable(space, _measure, len(NAMES))

"""Sums and maxima over the layers of a network, for many architectures at once."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from spaces import Architecture, Layer, Part, SearchSpace, is_additive
from spaces.base import FloatArray
from spaces.part_table import PartTable

_BYTES_PER_SCALAR: Final = 4
LAYER_TOTALS: Final[dict[str, Callable[[Layer], int]]] = {
    "macs": lambda layer: layer.macs,
    "params": lambda layer: layer.params,
}


def total_over_layers(
    space: SearchSpace, of_layer: Callable[[Layer], int]
) -> Callable[[Sequence[Architecture]], FloatArray]:
    """The evaluator of a sum over layers: n architectures -> (n,), by look-up of the parts that they share."""
    table = PartTable(space, lambda layers: (sum(map(of_layer, layers)),), 1)
    return lambda architectures: table(architectures).sum(axis=(1, 2))


def working_set_bytes(space: SearchSpace) -> Callable[[Sequence[Architecture]], FloatArray]:
    """The evaluator of the largest layer's feature maps: n architectures -> (n,) bytes.

    What one layer reads and writes lies in memory together, at four bytes for each scalar. Weights are left out, and
    so is what other branches keep alive meanwhile: it is a lower bound of what any runtime needs.
    """

    def of_layers(layers: Sequence[Layer]) -> int:
        return _BYTES_PER_SCALAR * max((layer.in_elements + layer.out_elements for layer in layers), default=0)

    if is_additive(space):  # no position has two parts that the table would add up
        table = PartTable(space, lambda layers: (of_layers(layers),), 1)
        return lambda architectures: table(architectures).max(axis=(1, 2))
    known: dict[Part, int] = {}

    def of_part(part: Part) -> int:
        if part not in known:
            known[part] = of_layers(space.part_layers(part))
        return known[part]

    def evaluate(architectures: Sequence[Architecture]) -> FloatArray:
        return np.array([max(map(of_part, space.parts(each))) for each in architectures], dtype=np.float64)

    return evaluate

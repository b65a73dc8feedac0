"""Totals over the layers of a network, for many architectures at once."""

from collections.abc import Callable, Sequence
from typing import Final

from spaces import Architecture, Layer, SearchSpace
from spaces.base import FloatArray
from spaces.part_table import PartTable

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

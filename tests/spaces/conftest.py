"""Costs of many architectures at once, from tables of their parts."""

from collections.abc import Callable, Sequence

import pytest

from spaces import Architecture, Layer, SearchSpace
from spaces.base import FloatArray
from spaces.part_table import PartTable

SumOverLayers = Callable[[SearchSpace, Sequence[Architecture], Callable[[Layer], float]], FloatArray]


@pytest.fixture(scope="session")
def sum_over_layers() -> SumOverLayers:
    """(n,) sum of a per-layer count over the networks of n architectures."""

    def total(space: SearchSpace, architectures: Sequence[Architecture], count: Callable[[Layer], float]) -> FloatArray:
        return PartTable(space, lambda layers: (sum(map(count, layers)),), 1)(architectures).sum(axis=(1, 2))

    return total

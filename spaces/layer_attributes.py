"""Cost attributes of graph nodes: what the layers behind a node amount to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from spaces.base import FloatArray, Layer

COST_NAMES: Final = ("macs", "params", "bytes")
# A node of a cell runs at several sizes of the network, so its output is a sum over them; chains have shapes beside it.
ATTRIBUTE_NAMES: Final = (*COST_NAMES, "outputs")


def layer_costs(layers: Iterable[Layer]) -> FloatArray:
    """Sum over layers of MACs, params, bytes moved at 32 bits and scalars written, (4,) as `ATTRIBUTE_NAMES`."""
    costs = [(layer.macs, layer.params, layer.bytes_moved(), layer.out_elements) for layer in layers]
    return np.array(costs, dtype=np.float64).reshape(-1, len(ATTRIBUTE_NAMES)).sum(axis=0)

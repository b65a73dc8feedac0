"""Cost attributes of graph nodes: what the layers behind a node amount to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from spaces.base import FloatArray, Layer

COST_NAMES: Final = ("macs", "params", "bytes")


def layer_costs(layers: Iterable[Layer]) -> FloatArray:
    """Sum over layers of MACs, params and bytes moved at 32 bits, (3,) in the order of `COST_NAMES`."""
    costs = [(layer.macs, layer.params, layer.bytes_moved()) for layer in layers]
    return np.array(costs, dtype=np.float64).reshape(-1, len(COST_NAMES)).sum(axis=0)

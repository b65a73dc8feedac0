"""A short hash of a network's layers, by which figures kept for each layer know whether they still fit them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from spaces.base import Layer

# What a layer costs on a runtime depends on; neither its name nor marks for simulators.
_FIELDS: Final = (
    "kind",
    "in_channels",
    "out_channels",
    "in_height",
    "in_width",
    "out_height",
    "out_width",
    "kernel",
    "kernel_width",
    "stride",
    "groups",
    "has_bias",
    "inputs",
    "is_affine",
)


def layer_digest(layers: Sequence[Layer]) -> str:
    """16 hexadecimal digits that are the same for the same kinds and shapes of layers in the same order."""
    rows = [tuple(getattr(layer, name) for name in _FIELDS) for layer in layers]
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]

"""Marks the layers that read a network's input and write its output.

An accelerator that keeps feature maps on chip still has to fetch the image and to hand over the result, so these two
cross the memory whatever their size. A workload with an `input_shape` is a whole network, whose ends are its first and
its last layer; one without is a part of a network and has none, unless its layers are marked already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from spaces.base import Layer, SearchSpace, Workload, is_open
from targets.layer_kinds import RIDING_KINDS


def with_ends(workload: Workload) -> Workload:
    """The same as a part whose layers say themselves what they read and write."""
    if not workload.input_shape:
        return workload
    return replace(workload, layers=_marked(workload.layers), input_shape=())


def part_layers_with_ends(space: SearchSpace, layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Layers of a part of a space's networks, the ends among them marked.

    Stem and head have the same names in all networks of a space; where users bring the networks, a part is a whole one.
    """
    if is_open(space):
        return _marked(layers)
    flags = _end_flags(space)
    return tuple(_with_flags(layer, *flags.get(layer.name, (False, False))) for layer in layers)


@lru_cache(maxsize=64)
def _end_flags(space: SearchSpace) -> dict[str, tuple[bool, bool]]:
    """By name of the layers at the ends of a space's networks: whether they read the input, and write the output."""
    (architecture,) = space.sample(1, rng=np.random.default_rng(0))
    flags = {
        layer.name: (layer.reads_network_input, layer.writes_network_output)
        for layer in _marked(space.workload(architecture).layers)
    }
    return {name: ends for name, ends in flags.items() if any(ends)}


def _marked(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """With the first and the last layer that is one of its own marked."""
    own = [index for index, layer in enumerate(layers) if layer.kind not in RIDING_KINDS]
    if not own:
        return tuple(layers)
    return tuple(_with_flags(layer, index == own[0], index == own[-1]) for index, layer in enumerate(layers))


def _with_flags(layer: Layer, reads: bool, writes: bool) -> Layer:
    if not reads and not writes:
        return layer
    return replace(layer, reads_network_input=reads, writes_network_output=writes)

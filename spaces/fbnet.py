"""FBNet: 22 blocks in a chain with one of nine choices each, 9^22 architectures.

Source: Wu et al. 2019, arXiv 1812.03443. The canonical key is the `_`-joined choice numbers (`2_8_6_...`, as in
NASFLAT's and HELP's tables); read as well: `-` or `,` between them, and a list of 22 numbers or names.
The choices in order: k3_e1, k3_e1_g2, k3_e3, k3_e6, k5_e1, k5_e1_g2, k5_e3, k5_e6, skip.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np

from spaces import fbnet_layers as layers
from spaces.base import ArchGraph, Architecture, FloatArray, IntArray, Layer, Notation, Workload
from spaces.errors import InvalidArchitectureError
from spaces.fbnet_layers import CIFAR100, Macro
from spaces.layer_attributes import ATTRIBUTE_NAMES, layer_costs
from spaces.segmented_space import SegmentedSpace

_SEPARATOR: Final = re.compile("[-_,]")
_NODES: Final = layers.POSITIONS + 2
_KEY: Final = re.compile(f"[0-8](_[0-8]){{{layers.POSITIONS - 1}}}", re.ASCII)
_KEY_LENGTH: Final = 2 * layers.POSITIONS - 1


class Fbnet(SegmentedSpace):
    """The FBNet space on one macro network: CIFAR-100 at 32 pixels by default; immutable."""

    is_chain = True

    def __init__(self, macro: Macro = CIFAR100):
        self._macro = macro

    @property
    def macro(self) -> Macro:
        """What is not searched: image size, channels, strides."""
        return self._macro

    @property
    def name(self) -> str:
        """Key in `SPACES`."""
        return self._macro.space

    @property
    def op_names(self) -> tuple[str, ...]:
        """Operations of the graph's nodes."""
        return ("input", "output", *layers.OPS)

    @property
    def layer_groups(self) -> tuple[str, ...]:
        """The blocks and the convolution behind them (`header`) between stem and head."""
        return ("stem", *(f"block{position}" for position in range(layers.POSITIONS)), "header", "head")

    @property
    def choices(self) -> tuple[tuple[str, ...], ...]:
        """The nine blocks at each of the 22 positions."""
        return (layers.OPS,) * layers.POSITIONS

    def parse(self, notation: Notation) -> Architecture:
        """The architecture of 22 joined numbers, or of a list of numbers or names.

        Raises: InvalidArchitectureError with the reason.
        """
        if isinstance(notation, str):
            if _KEY.fullmatch(notation):
                return Architecture(self.name, notation)
            parts = _SEPARATOR.split(notation.strip(), maxsplit=layers.POSITIONS)
            if not all(part.isascii() and part.isdigit() and len(part) == 1 for part in parts):
                reason = f"expected {layers.POSITIONS} numbers from 0 to {len(layers.OPS) - 1} joined by _"
                raise InvalidArchitectureError(self.name, notation, reason)
            return self._parse_choices([int(part) for part in parts], notation)
        if isinstance(notation, (list, tuple, np.ndarray)):
            return self._parse_choices(notation)
        raise InvalidArchitectureError(self.name, notation, f"expected a string or {layers.POSITIONS} choices")

    def decisions(self, architectures: Sequence[Architecture]) -> IntArray:
        """(n, 22) block at each position. Raises: InvalidArchitectureError for an architecture of another space."""
        for architecture in architectures:
            if architecture.space != self.name or not _KEY.fullmatch(architecture.key):
                raise InvalidArchitectureError(self.name, architecture.key, "not a canonical key of this space")
        text = "".join(architecture.key for architecture in architectures)
        characters = np.frombuffer(text.encode("ascii"), dtype=np.uint8).reshape(-1, _KEY_LENGTH)
        return characters[:, ::2].astype(np.int64) - ord("0")

    def _architectures(self, rows: IntArray) -> list[Architecture]:
        return [Architecture(self.name, "_".join(map(str, row))) for row in rows.tolist()]

    def graph(self, architecture: Architecture) -> ArchGraph:
        """A chain of 24 nodes: input (the stem), 22 blocks, output (header, pool and classifier).

        Attributes per node: channels in and out, side of the input in pixels, stride, `ATTRIBUTE_NAMES`. A skip is a
        node like any other, so every node lies on the path and the mask is True.
        """
        row = self.decisions([architecture])[0]
        ends, per_choice = _attribute_tables(self._macro)
        blocks = per_choice[np.arange(layers.POSITIONS), row]
        return ArchGraph(
            ops=np.concatenate([[0], row + 2, [1]]),
            adjacency=np.eye(_NODES, k=1, dtype=np.bool_),
            mask=np.ones(_NODES, dtype=np.bool_),
            attributes=np.concatenate([ends[:1], blocks, ends[1:]]),
            attribute_names=("in_channels", "out_channels", "size", "stride", *ATTRIBUTE_NAMES),
        )

    def workload(self, architecture: Architecture) -> Workload:
        """The network in execution order."""
        row = self.decisions([architecture])[0].tolist()
        size = self._macro.image_size
        return Workload(layers.network_layers(self._macro, row), (layers.IMAGE_CHANNELS, size, size))

    def fixed_layers(self) -> tuple[Layer, ...]:
        """Stem, header, pool, classifier."""
        return layers.stem_layers(self._macro) + layers.head_layers(self._macro)

    def segment(self, position: int, choice: int) -> tuple[Layer, ...]:
        """Layers of block `choice` at `position`."""
        return layers.segment_layers(self._macro, position, choice)


@cache
def _attribute_tables(macro: Macro) -> tuple[FloatArray, FloatArray]:
    """Attributes of the input and the output node (2, 7) and of each choice at each position (22, 9, 7)."""
    stem, head = layers.stem_layers(macro), layers.head_layers(macro)
    ends = [
        [layers.IMAGE_CHANNELS, macro.stem_channels, macro.image_size, macro.stem_stride, *layer_costs(stem)],
        [head[0].in_channels, macro.classes, head[0].in_height, 1, *layer_costs(head)],
    ]
    per_choice = [
        [[*shapes, *layer_costs(layers.segment_layers(macro, position, choice))] for choice in range(len(layers.OPS))]
        for position, shapes in enumerate(layers.positions(macro))
    ]
    return np.array(ends, dtype=np.float64), np.array(per_choice, dtype=np.float64)

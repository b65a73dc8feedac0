"""TransNAS-Bench-101, micro: cells of four nodes and six edges with one of four operations each, 4,096 architectures.

Source: Duan et al. 2021, arXiv 2105.11871. Notations read:

- the benchmark's string `64-41414-a_bc_def`, which is the canonical key: the operations into each node in turn, none 0,
  skip_connect 1, nor_conv_1x1 2, nor_conv_3x3 3;
- six operations as a list of numbers or names, or as a tuple in a string, `(1, 0, 0, 2, 1, 0)`, as in
  NAS-Bench-Suite-Zero, in the same order: 0->1, 0->2, 1->2, 0->3, 1->3, 2->3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from typing import Final

import numpy as np

from spaces import tnb101_layers as layers
from spaces.base import ArchGraph, Architecture, FloatArray, IntArray, Layer, Notation, Workload
from spaces.errors import InvalidArchitectureError
from spaces.layer_attributes import ATTRIBUTE_NAMES, layer_costs
from spaces.nb201_cell import pruned_cell
from spaces.nb201_layers import EDGES
from spaces.segmented_space import SegmentedSpace

NAME: Final = "tnb101_micro"
_OP_NAMES: Final = ("output", "input", *layers.OPS)
_KEY: Final = re.compile(r"64-41414-([0-3])_([0-3])([0-3])_([0-3])([0-3])([0-3])", re.ASCII)
_TUPLE: Final = re.compile(r"\(?" + ", ?".join(["([0-3])"] * len(EDGES)) + r"\)?", re.ASCII)


class Tnb101Micro(SegmentedSpace):
    """The micro space of TransNAS-Bench-101 on its network for scene classification; immutable."""

    @property
    def name(self) -> str:
        """Key in `SPACES`."""
        return NAME

    @property
    def op_names(self) -> tuple[str, ...]:
        """Operations of the graph's nodes."""
        return _OP_NAMES

    @property
    def layer_groups(self) -> tuple[str, ...]:
        """The modules between stem and head."""
        return ("stem", *(f"module{number}" for number in range(len(layers.MICRO_MODULES))), "head")

    @property
    def choices(self) -> tuple[tuple[str, ...], ...]:
        """The four operations on each of the six edges."""
        return (layers.OPS,) * len(EDGES)

    def parse(self, notation: Notation) -> Architecture:
        """The architecture of the benchmark's string, or of six operations.

        Raises: InvalidArchitectureError with the reason.
        """
        if isinstance(notation, str):
            found = _KEY.fullmatch(notation.strip()) or _TUPLE.fullmatch(notation.strip())
            if found is None:
                raise InvalidArchitectureError(NAME, notation, "expected 64-41414-a_bc_def or six numbers from 0 to 3")
            return self._parse_choices([int(digit) for digit in found.groups()], notation)
        if isinstance(notation, (list, tuple, np.ndarray)):
            return self._parse_choices(notation)
        raise InvalidArchitectureError(NAME, notation, "expected a string or six operations")

    def enumerate(self) -> Iterator[Architecture]:
        """All 4,096 architectures, last edge varying fastest."""
        return (_architecture(row) for row in product(range(len(layers.OPS)), repeat=len(EDGES)))

    def decisions(self, architectures: Sequence[Architecture]) -> IntArray:
        """(n, 6) operation of each edge. Raises: InvalidArchitectureError for an architecture of another space."""
        return np.array([_row(architecture) for architecture in architectures], dtype=np.int64).reshape(-1, len(EDGES))

    def _architectures(self, rows: IntArray) -> list[Architecture]:
        return [_architecture(row) for row in rows.tolist()]

    def graph(self, architecture: Architecture) -> ArchGraph:
        """Eight nodes as in NAS-Bench-201: input, the six edges' operations, output; see `nb201_cell.cell_graph`.

        `skip_connect` is bypassed although it computes where a cell halves its maps; its node carries what that costs.
        """
        row = self.decisions([architecture])[0]
        ops = np.concatenate([[_OP_NAMES.index("input")], row + 2, [_OP_NAMES.index("output")]])
        adjacency, mask = pruned_cell(ops == _OP_NAMES.index("none"), ops == _OP_NAMES.index("skip_connect"))
        first, last, per_choice = _cost_tables()
        attributes = np.concatenate([first, per_choice[np.arange(len(row)), row], last])
        return ArchGraph(ops, adjacency, mask, attributes, ATTRIBUTE_NAMES)

    def workload(self, architecture: Architecture) -> Workload:
        """The network in execution order, dead operations included."""
        row = self.decisions([architecture])[0].tolist()
        return Workload(layers.micro_layers(row), layers.INPUT_SHAPE, reads=layers.micro_reads(row))

    def fixed_layers(self) -> tuple[Layer, ...]:
        """Stem, additions at the nodes, head."""
        return layers.stem_layers() + layers.micro_body_layers()

    def segment(self, position: int, choice: int) -> tuple[Layer, ...]:
        """The ten instances of operation `choice` on edge `position`."""
        return layers.micro_segment_layers(position, choice)


def _architecture(row: Sequence[int]) -> Architecture:
    return Architecture(NAME, "64-41414-{}_{}{}_{}{}{}".format(*row))


def _row(architecture: Architecture) -> list[int]:
    found = _KEY.fullmatch(architecture.key) if architecture.space == NAME else None
    if found is None:
        raise InvalidArchitectureError(NAME, architecture.key, "not a canonical key of this space")
    return [int(digit) for digit in found.groups()]


@cache
def _cost_tables() -> tuple[FloatArray, FloatArray, FloatArray]:
    """Costs of the input node (1, 3), of the output node (1, 3) and of each operation on each edge (6, 4, 3)."""
    per_choice = [
        [layer_costs(layers.micro_segment_layers(position, choice)) for choice in range(len(layers.OPS))]
        for position in range(len(EDGES))
    ]
    return layer_costs(layers.stem_layers())[None], layer_costs(layers.micro_body_layers())[None], np.array(per_choice)

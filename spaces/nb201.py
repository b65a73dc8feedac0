"""NAS-Bench-201: cells of four nodes and six edges with one of five operations each, 15,625 architectures.

Source: Dong & Yang 2020, arXiv 2001.00326. Notations read:

- the benchmark's string `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`, which is the canonical key;
- six operations as a list of numbers or names, or as numbers joined by `-`, `_` or `,`, in the edge order 0->1, 0->2,
  1->2, 0->3, 1->3, 2->3 with none 0, skip_connect 1, nor_conv_1x1 2, nor_conv_3x3 3, avg_pool_3x3 4 (as EAGLE does);
- the benchmark's index, once its order is known: that order is upstream's data, see `Nb201.with_index_order`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final

import numpy as np

from spaces import nb201_layers as layers
from spaces.base import ArchGraph, Architecture, IntArray, Layer, Notation, Workload
from spaces.decision_space import as_integer
from spaces.errors import IndexUnavailableError, InvalidArchitectureError
from spaces.nb201_cell import OP_NAMES, cell_graph, isomorphism_class
from spaces.segmented_space import SegmentedSpace

NAME: Final = "nb201"
_KEY: Final = "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|"
_INDEX_DIGITS: Final = 5
_SEPARATOR: Final = re.compile("[-_,]")


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """The whole space in the order of its decisions, last edge fastest."""

    architectures: tuple[Architecture, ...]
    number: dict[str, int]
    rows: IntArray


@cache
def _cells() -> _Cells:
    keys = [_KEY.format(*ops) for ops in product(layers.OPS, repeat=len(layers.EDGES))]
    rows = np.indices((len(layers.OPS),) * len(layers.EDGES)).reshape(len(layers.EDGES), -1).T.astype(np.int64)
    rows.setflags(write=False)
    return _Cells(
        architectures=tuple(Architecture(NAME, key) for key in keys),
        number={key: number for number, key in enumerate(keys)},
        rows=rows,
    )


class Nb201(SegmentedSpace):
    """The NAS-Bench-201 space on its CIFAR-10 network; immutable.

    Args: index_order: canonical keys in the benchmark's own order, which gives indices a meaning.
    """

    def __init__(self, index_order: Sequence[str] = ()):
        self._index_order = tuple(index_order)

    @property
    def name(self) -> str:
        """Key in `SPACES`."""
        return NAME

    @property
    def op_names(self) -> tuple[str, ...]:
        """Operations of the graph's nodes."""
        return OP_NAMES

    @property
    def layer_groups(self) -> tuple[str, ...]:
        """The stages, each with the reduction before it, between stem and head."""
        return ("stem", *(f"stage{stage}" for stage in range(len(layers.STAGES))), "head")

    @property
    def choices(self) -> tuple[tuple[str, ...], ...]:
        """The five operations at each of the six edges."""
        return (layers.OPS,) * len(layers.EDGES)

    def with_index_order(self, keys: Sequence[str]) -> Nb201:
        """The same space, able to parse indices: `keys[i]` is the architecture of index i.

        Raises: InvalidArchitectureError for an unknown key; ValueError unless all 15,625 come exactly once.
        """
        order = [self.parse(key).key for key in keys]
        if len(set(order)) != self.size or len(order) != self.size:
            raise ValueError(f"the index order needs all {self.size} architectures once, got {len(set(order))}")
        return Nb201(order)

    def parse(self, notation: Notation) -> Architecture:
        """The architecture of a string, an index or six operations.

        Raises: InvalidArchitectureError with the reason; IndexUnavailableError for an index without its order.
        """
        if isinstance(notation, str):
            return self._parse_text(notation)
        if isinstance(notation, (list, tuple, np.ndarray)):
            return self._parse_choices(notation)
        if (index := as_integer(notation)) is not None:
            return self._parse_index(notation, index)
        raise InvalidArchitectureError(NAME, notation, "expected a string, an index or six operations")

    def _parse_text(self, text: str) -> Architecture:
        stripped = text.strip()
        if (number := _cells().number.get(stripped)) is not None:
            return _cells().architectures[number]
        if stripped.isascii() and stripped.isdigit() and len(stripped) <= _INDEX_DIGITS:
            return self._parse_index(text, int(stripped))
        parts = _SEPARATOR.split(stripped, maxsplit=len(layers.EDGES))
        if all(part.isascii() and part.isdigit() and len(part) == 1 for part in parts):
            return self._parse_choices([int(part) for part in parts], text)
        reason = (
            f"expected {_KEY.format(*['op'] * 6)} with op one of {', '.join(layers.OPS)}, six op numbers or an index"
        )
        raise InvalidArchitectureError(NAME, text, reason)

    def _parse_index(self, notation: object, index: int) -> Architecture:
        if not 0 <= index < self.size:
            raise InvalidArchitectureError(NAME, notation, f"an index must be within 0..{self.size - 1}")
        if not self._index_order:
            reason = "the benchmark's order of architectures has not been imported yet, so an index means nothing"
            raise IndexUnavailableError(NAME, notation, reason)
        return _cells().architectures[_cells().number[self._index_order[index]]]

    def enumerate(self) -> Iterator[Architecture]:
        """All 15,625 architectures, last edge varying fastest."""
        return iter(_cells().architectures)

    def decisions(self, architectures: Sequence[Architecture]) -> IntArray:
        """(n, 6) operation of each edge. Raises: InvalidArchitectureError for an architecture of another space."""
        number = _cells().number
        try:
            return _cells().rows[[number[architecture.key] for architecture in architectures]]
        except KeyError as error:
            raise InvalidArchitectureError(NAME, error.args[0], "not a canonical key of this space") from None

    def _architectures(self, rows: IntArray) -> list[Architecture]:
        place_values = len(layers.OPS) ** np.arange(len(layers.EDGES) - 1, -1, -1)
        architectures = _cells().architectures
        return [architectures[number] for number in (rows @ place_values).tolist()]

    def graph(self, architecture: Architecture) -> ArchGraph:
        """Eight nodes: input, the six edges' operations, output. See `nb201_cell.cell_graph`."""
        return cell_graph(self.decisions([architecture])[0])

    def workload(self, architecture: Architecture) -> Workload:
        """The CIFAR-10 network, in execution order, dead operations included."""
        row = self.decisions([architecture])[0].tolist()
        return Workload(layers.network_layers(row), layers.INPUT_SHAPE, reads=layers.network_reads(tuple(row)))

    def fixed_layers(self) -> tuple[Layer, ...]:
        """Stem, residual blocks, additions at the nodes, head."""
        return layers.stem_layers() + layers.body_layers()

    def segment(self, position: int, choice: int) -> tuple[Layer, ...]:
        """The 15 instances of operation `choice` on edge `position`."""
        return layers.segment_layers(position, choice)

    def isomorphism_class(self, architecture: Architecture) -> str:
        """A string that is equal exactly for cells that the benchmark counts as one, see `nb201_cell`."""
        return isomorphism_class(self.decisions([architecture])[0].tolist())

"""The cells of the NDS spaces: vocabularies, and cells as keys, as genotypes and as choices.

Source: Radosavovic et al. 2019, arXiv 1905.13214, table 1; operations in the order of the authors' code (pycls).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from spaces.decision_space import as_integer
from spaces.errors import InvalidArchitectureError
from spaces.nb301_layers import CELL_KINDS, CellEdges, Edge

Cells = tuple[CellEdges, CellEdges]

_NUMBER: Final = r"(?:0|[1-9]\d?)"
_NODE: Final = rf"{_NUMBER}\.{_NUMBER}-{_NUMBER}\.{_NUMBER}"
_CELL: Final = rf"{_NODE}(?:\|{_NODE})*"
_KEY: Final = re.compile(rf"{_CELL}/{_CELL}", re.ASCII)
_LONGEST_TEXT: Final = 1000


@dataclass(frozen=True, slots=True)
class CellFamily:
    """What distinguishes one space from another.

    Attributes:
        name: key in `SPACES`.
        ops: operations; `Edge.op` is an index.
        nodes: additions of two operations per cell.
        takes_all: whether a cell's output concatenates all nodes, not only those that no other node reads.
    """

    name: str
    ops: tuple[str, ...]
    nodes: int
    takes_all: bool

    def edges_at(self, node: int) -> int:
        """How many different edges may lead into a node: operations on earlier nodes and the cell's two inputs."""
        return (node + 2) * len(self.ops)

    def concatenated(self, cell: CellEdges) -> tuple[int, ...]:
        """The nodes that make a cell's output, counted as sources: the first is 2."""
        read = set() if self.takes_all else {edge.source for node in cell for edge in node}
        return tuple(source for source in range(2, self.nodes + 2) if source not in read)

    def from_key(self, text: str) -> Cells:
        """The cells of a key, a node's edges in either order. Raises: InvalidArchitectureError."""
        if len(text) > _LONGEST_TEXT or not _KEY.fullmatch(text):
            raise InvalidArchitectureError(self.name, text, "expected a key like 0.1-1.3|../..: input.operation")
        normal, reduce = (
            [_as_edge(edge.split(".")) for node in cell.split("|") for edge in node.split("-")]
            for cell in text.split("/")
        )
        return self._cell(normal, text), self._cell(reduce, text)

    def from_genotype(self, genotype: Mapping[str, Any]) -> Cells:
        """The cells of `{"normal": [[op, input], ...], "normal_concat": [...], "reduce": ..., "reduce_concat": ...}`.

        The two lists of concatenated nodes may be left out. Raises: InvalidArchitectureError.
        """
        normal, reduce = (self._cell_of_genotype(genotype, kind) for kind in CELL_KINDS)
        return normal, reduce

    def _cell_of_genotype(self, genotype: Mapping[str, Any], kind: str) -> CellEdges:
        pairs = genotype.get(kind)
        if not isinstance(pairs, (list, tuple)) or len(pairs) != 2 * self.nodes:
            raise InvalidArchitectureError(self.name, genotype, f'"{kind}" needs {2 * self.nodes} pairs [op, input]')
        cell = self._cell([self._named_edge(pair, genotype) for pair in pairs], genotype)
        given = genotype.get(f"{kind}_concat")
        expected = list(self.concatenated(cell))
        if given is None or (isinstance(given, (list, tuple)) and [as_integer(node) for node in given] == expected):
            return cell
        raise InvalidArchitectureError(self.name, genotype, f'"{kind}_concat" must be {expected} for these nodes')

    def _named_edge(self, pair: Any, genotype: object) -> Edge:
        if isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[0], str) and pair[0] in self.ops:
            source = as_integer(pair[1])
            if source is not None:
                return Edge(source, self.ops.index(pair[0]))
        raise InvalidArchitectureError(self.name, genotype, f"an edge is [op, input], op of {', '.join(self.ops)}")

    def _cell(self, edges: Sequence[Edge], notation: object) -> CellEdges:
        """Edges, two per node, as a cell. Raises: InvalidArchitectureError."""
        if len(edges) != 2 * self.nodes:
            raise InvalidArchitectureError(self.name, notation, f"a cell needs {self.nodes} nodes of two edges")
        for place, edge in enumerate(edges):
            last = place // 2 + 1
            if not (0 <= edge.source <= last and edge.op < len(self.ops)):
                reason = f"node {last - 1} of a cell needs inputs 0..{last} and operations 0..{len(self.ops) - 1}"
                raise InvalidArchitectureError(self.name, notation, reason)
        return nodes_of(edges)


FAMILIES: Final = (
    CellFamily(
        name="nds_darts",
        ops=(
            "none",
            "max_pool_3x3",
            "avg_pool_3x3",
            "skip_connect",
            "sep_conv_3x3",
            "sep_conv_5x5",
            "dil_conv_3x3",
            "dil_conv_5x5",
        ),
        nodes=4,
        takes_all=True,
    ),
    CellFamily(
        name="nds_enas",
        ops=("skip_connect", "sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3"),
        nodes=5,
        takes_all=False,
    ),
    CellFamily(
        name="nds_pnas",
        ops=(
            "sep_conv_3x3",
            "sep_conv_5x5",
            "sep_conv_7x7",
            "conv_7x1_1x7",
            "skip_connect",
            "avg_pool_3x3",
            "max_pool_3x3",
            "dil_conv_3x3",
        ),
        nodes=5,
        takes_all=True,
    ),
    CellFamily(
        name="nds_nasnet",
        ops=(
            "skip_connect",
            "conv_3x1_1x3",
            "conv_7x1_1x7",
            "dil_conv_3x3",
            "avg_pool_3x3",
            "max_pool_3x3",
            "max_pool_5x5",
            "max_pool_7x7",
            "conv_1x1",
            "conv_3x3",
            "sep_conv_3x3",
            "sep_conv_5x5",
            "sep_conv_7x7",
        ),
        nodes=5,
        takes_all=False,
    ),
    CellFamily(
        name="nds_amoeba",
        ops=(
            "skip_connect",
            "sep_conv_3x3",
            "sep_conv_5x5",
            "sep_conv_7x7",
            "avg_pool_3x3",
            "max_pool_3x3",
            "dil_sep_conv_3x3",
            "conv_7x1_1x7",
        ),
        nodes=5,
        takes_all=False,
    ),
)


def key(cells: Iterable[CellEdges]) -> str:
    """`0.1-1.3|../..`: the nodes of the normal, then of the reduction cell, an edge as input.operation."""
    return "/".join("|".join("-".join(f"{edge.source}.{edge.op}" for edge in node) for node in cell) for cell in cells)


def nodes_of(edges: Sequence[Edge]) -> CellEdges:
    """Edges, two per node, as nodes; which of the two comes first means nothing, so they are sorted."""
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return tuple((min(first, second), max(first, second)) for first, second in pairs)


def _as_edge(numbers: Sequence[str]) -> Edge:
    source, op = map(int, numbers)
    return Edge(source, op)

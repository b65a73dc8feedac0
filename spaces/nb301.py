"""NAS-Bench-301: the DARTS space of a normal and a reduction cell, about 10^18 architectures.

Source: Liu, Simonyan & Yang 2019, arXiv 1806.09055; Zela et al. 2022, arXiv 2008.09777. Each of a cell's four nodes
adds two operations on different earlier nodes or inputs of the cell. An edge is `input.operation`: inputs 0 and 1 are
the cell's, 2 to 4 its nodes; the operations in order are max_pool_3x3, avg_pool_3x3, skip_connect, sep_conv_3x3,
sep_conv_5x5, dil_conv_3x3, dil_conv_5x5. Notations read, a node's edges in either order:

- the canonical key, `0.0-1.5|0.1-1.1|..|../..`: the nodes of the normal cell, then those of the reduction cell;
- NASLib's pairs, `[[(0, 0), (1, 5), ...8 of them], [...]]`, nested lists or the same in a string;
- a genotype `{"normal": [("max_pool_3x3", 0), ...], "reduce": [...]}`;
- a list of 22 choices: for each node of each cell the pair of its inputs (the first node has only one) and two
  operations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations
from typing import Any, Final

import numpy as np

from spaces import nb301_layers as layers
from spaces.base import (
    NO_DECISION,
    ArchGraph,
    Architecture,
    FloatArray,
    IntArray,
    Layer,
    Notation,
    Part,
    Workload,
)
from spaces.cell_graphs import cell_adjacency, side_by_side
from spaces.decision_space import DecisionSpace, as_integer
from spaces.errors import InvalidArchitectureError
from spaces.layer_attributes import ATTRIBUTE_NAMES, layer_costs
from spaces.nb301_layers import CELL_KINDS, NODES, OPS, CellEdges, Edge

NAME: Final = "nb301"
_OP_NAMES: Final = ("input", "output", "c_k-2", "c_k-1", *OPS, "sum")
_FIRST_OP, _SUM = _OP_NAMES.index(OPS[0]), _OP_NAMES.index("sum")
_CELL_NODES: Final = 2 + 3 * NODES + 1
# For each node the pairs of sources that it may add.
_PAIRS: Final = tuple(tuple(combinations(range(node + 2), 2)) for node in range(NODES))
_NODE_CHOICES: Final = tuple(
    (*([tuple(f"inputs_{a}_{b}" for a, b in pairs)] if len(pairs) > 1 else []), OPS, OPS) for pairs in _PAIRS
)
_CHOICES: Final = tuple(choices for _ in CELL_KINDS for node in _NODE_CHOICES for choices in node)
_KEY_NODE: Final = r"[0-4]\.[0-6]-[0-4]\.[0-6]"
_KEY_CELL: Final = rf"{_KEY_NODE}(?:\|{_KEY_NODE}){{{NODES - 1}}}"
_KEY: Final = re.compile(rf"{_KEY_CELL}/{_KEY_CELL}", re.ASCII)
_PAIR: Final = r"[(\[]\d, ?\d[)\]]"
_EDGES: Final = NODES * layers.EDGES_PER_NODE
_PAIRS_OF_CELL: Final = rf"[(\[]{_PAIR}(, ?{_PAIR}){{{_EDGES - 1}}}[)\]]"
_LIST: Final = re.compile(rf"[(\[]{_PAIRS_OF_CELL}, ?{_PAIRS_OF_CELL}[)\]]", re.ASCII)
_LONGEST_TEXT: Final = 1000
_EXPECTED: Final = "expected a key like 0.0-1.5|..., two lists of eight pairs (input, operation), or 22 choices"


class Nb301(DecisionSpace):
    """The DARTS space on NAS-Bench-301's network of eight cells; immutable."""

    @property
    def name(self) -> str:
        """Key in `SPACES`."""
        return NAME

    @property
    def op_names(self) -> tuple[str, ...]:
        """Operations of the graphs' nodes."""
        return _OP_NAMES

    @property
    def layer_groups(self) -> tuple[str, ...]:
        """The cells between stem and head."""
        return ("stem", *(f"cell{number}" for number in range(len(layers.cell_shapes()))), "head")

    @property
    def choices(self) -> tuple[tuple[str, ...], ...]:
        """For each node of the normal, then of the reduction cell: its inputs and its operations on them."""
        return _CHOICES

    @property
    def cells(self) -> tuple[str, ...]:
        """The normal and the reduction cell."""
        return CELL_KINDS

    def parse(self, notation: Notation) -> Architecture:
        """The architecture of a key, of pairs, of a genotype, or of a list of choices.

        Raises: InvalidArchitectureError with the reason.
        """
        if isinstance(notation, str):
            return self._parse_text(notation)
        if isinstance(notation, Mapping):
            return self._parse_genotype(notation)
        if isinstance(notation, np.ndarray):
            return self.parse(notation.tolist()) if notation.ndim == 3 else self._parse_choices(notation)
        if isinstance(notation, (list, tuple)):
            if _is_pair_of_cells(notation):
                return _from_pairs(notation, notation)
            return self._parse_choices(notation)
        raise InvalidArchitectureError(NAME, notation, _EXPECTED)

    def _parse_text(self, text: str) -> Architecture:
        stripped = text.strip()
        if len(stripped) <= _LONGEST_TEXT and (_KEY.fullmatch(stripped) or _LIST.fullmatch(stripped)):
            digits = [int(digit) for digit in re.findall(r"\d", stripped, re.ASCII)]
            edges = list(zip(digits[::2], digits[1::2], strict=True))
            return _from_pairs((edges[:_EDGES], edges[_EDGES:]), text)
        raise InvalidArchitectureError(NAME, text, _EXPECTED)

    def _parse_genotype(self, genotype: Mapping[str, Any]) -> Architecture:
        cells = [genotype.get(kind) for kind in CELL_KINDS]
        if not _is_pair_of_cells(cells):
            raise InvalidArchitectureError(NAME, genotype, f'"normal" and "reduce" need {_EDGES} edges each')
        pairs = [[(edge[1], edge[0]) if _is_pair(edge) else edge for edge in cell or ()] for cell in cells]
        return _from_pairs(pairs, genotype)

    def decisions(self, architectures: Sequence[Architecture]) -> IntArray:
        """(n, 22) inputs and operations. Raises: InvalidArchitectureError for an architecture of another space."""
        rows = [_row(_cells(architecture)) for architecture in architectures]
        return np.array(rows, dtype=np.int64).reshape(len(rows), len(_CHOICES))

    def _architectures(self, rows: IntArray) -> list[Architecture]:
        return [Architecture(NAME, _key(row_cells(row))) for row in rows.tolist()]

    def graphs(self, architecture: Architecture) -> tuple[ArchGraph, ArchGraph]:
        """The normal and the reduction cell, fifteen nodes each.

        c_k-2 and c_k-1, the cell's inputs with what is done to them first; for each node of the cell its two operations
        and their sum; output, the concatenation. Attributes: `ATTRIBUTE_NAMES`, summed over the cells of the kind.
        """
        normal, reduce = (_cell_graph(kind, edges) for kind, edges in enumerate(_cells(architecture)))
        return normal, reduce

    def graph(self, architecture: Architecture) -> ArchGraph:
        """Both cells side by side between an input (the stem) and an output (pool and classifier), 32 nodes."""
        first, last = layer_costs(layers.stem_layers()), layer_costs(layers.head_layers())
        return side_by_side(self.graphs(architecture), first, last)

    def workload(self, architecture: Architecture) -> Workload:
        """The network in execution order."""
        cells = _cells(architecture)
        reads = layers.network_reads(cells, layers.OP_LAYERS)
        return Workload(layers.network_layers(cells), layers.INPUT_SHAPE, reads=reads)

    def parts(self, architecture: Architecture) -> tuple[Part, ...]:
        """What is not searched, and each edge, which belongs to the decision of its operation."""
        edges = (edge for cell in _cells(architecture) for node in cell for edge in node)
        return (
            Part(NO_DECISION, ()),
            *(Part(position, (*place, *edge)) for (position, place), edge in zip(_edge_places(), edges, strict=True)),
        )

    def part_layers(self, part: Part) -> tuple[Layer, ...]:
        """Layers of what is not searched, or of an edge."""
        if part.position == NO_DECISION:
            return layers.fixed_layers()
        kind, node, slot, source, op = part.variant
        return layers.edge_layers(kind, node, slot, Edge(source, op))


def row_cells(row: Sequence[int]) -> tuple[CellEdges, CellEdges]:
    """The normal and the reduction cell of choices (22,)."""
    left = iter(row)
    normal, reduce = (
        tuple(_node_edges(pairs[next(left) if len(pairs) > 1 else 0], (next(left), next(left))) for pairs in _PAIRS)
        for _ in CELL_KINDS
    )
    return normal, reduce


def _node_edges(sources: tuple[int, int], ops: tuple[int, int]) -> tuple[Edge, Edge]:
    return Edge(sources[0], ops[0]), Edge(sources[1], ops[1])


def _row(cells: tuple[CellEdges, CellEdges]) -> list[int]:
    row: list[int] = []
    for cell in cells:
        for pairs, (first, second) in zip(_PAIRS, cell, strict=True):
            if len(pairs) > 1:
                row.append(pairs.index((first.source, second.source)))
            row += [first.op, second.op]
    return row


def _key(cells: tuple[CellEdges, CellEdges]) -> str:
    return "/".join("|".join("-".join(f"{edge.source}.{edge.op}" for edge in node) for node in cell) for cell in cells)


def _cells(architecture: Architecture) -> tuple[CellEdges, CellEdges]:
    """The cells of a canonical key. Raises: InvalidArchitectureError for an architecture of another space."""
    key = architecture.key
    if architecture.space == NAME and _KEY.fullmatch(key):
        edges = [Edge(int(key[at]), int(key[at + 2])) for at in range(0, len(key), 4)]
        nodes = [(edges[at], edges[at + 1]) for at in range(0, len(edges), 2)]
        if all((a.source, b.source) in _PAIRS[place % NODES] for place, (a, b) in enumerate(nodes)):
            return tuple(nodes[:NODES]), tuple(nodes[NODES:])
    raise InvalidArchitectureError(NAME, key, "not a canonical key of this space")


def _is_pair(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2


def _is_pair_of_cells(value: Any) -> bool:
    """Whether this is two lists of eight."""
    return _is_pair(value) and all(isinstance(cell, (list, tuple)) and len(cell) == _EDGES for cell in value)


def _from_pairs(cells: Any, notation: object) -> Architecture:
    """The architecture of two lists of eight pairs (source, operation by number or name)."""
    found = [[_edge(pair, notation) for pair in cell] for cell in cells]
    nodes = [sorted(cell[at : at + 2]) for cell in found for at in range(0, _EDGES, 2)]
    for place, (first, second) in enumerate(nodes):
        node = place % NODES
        if (first.source, second.source) not in _PAIRS[node]:
            reason = f"node {node} of a cell needs two different inputs of 0..{node + 1}"
            raise InvalidArchitectureError(NAME, notation, reason)
    edges = [(first, second) for first, second in nodes]
    return Architecture(NAME, _key((tuple(edges[:NODES]), tuple(edges[NODES:]))))


def _edge(pair: Any, notation: object) -> Edge:
    source, op = (as_integer(pair[0]), pair[1]) if _is_pair(pair) else (None, None)
    number = OPS.index(op) if isinstance(op, str) and op in OPS else as_integer(op)
    if source is None or number is None or number not in range(len(OPS)):
        raise InvalidArchitectureError(NAME, notation, f"an edge is an input and one of {', '.join(OPS)}")
    return Edge(source, number)


@cache
def _edge_places() -> tuple[tuple[int, tuple[int, int, int]], ...]:
    """For each edge the position of its operation's decision, and its kind of cell, node and slot."""
    places: list[tuple[int, tuple[int, int, int]]] = []
    position = 0
    for kind in range(len(CELL_KINDS)):
        for node, pairs in enumerate(_PAIRS):
            position += len(pairs) > 1
            places += [(position + slot, (kind, node, slot)) for slot in range(layers.EDGES_PER_NODE)]
            position += layers.EDGES_PER_NODE
    return tuple(places)


def _cell_graph(kind: int, cell: CellEdges) -> ArchGraph:
    ops = np.array(
        [*(_OP_NAMES.index(name) for name in ("c_k-2", "c_k-1")), *([0, 0, _SUM] * NODES), _OP_NAMES.index("output")]
    )
    attributes = _fixed_attributes(kind).copy()
    for node, edges in enumerate(cell):
        for slot, edge in enumerate(edges):
            ops[2 + 3 * node + slot] = _FIRST_OP + edge.op
            attributes[2 + 3 * node + slot] = _edge_costs(kind, node, slot, edge)
    mask = np.ones(_CELL_NODES, dtype=np.bool_)
    adjacency = cell_adjacency([(first.source, second.source) for first, second in cell], range(2, 2 + NODES))
    return ArchGraph(ops, adjacency, mask, attributes, ATTRIBUTE_NAMES)


@cache
def _fixed_attributes(kind: int) -> FloatArray:
    """Costs of the nodes that are no operations, (15, 3)."""
    costs = np.zeros((_CELL_NODES, len(ATTRIBUTE_NAMES)))
    costs[:2] = [layer_costs(layers.input_layers(kind, place)) for place in range(2)]
    costs[4:-1:3] = [layer_costs(layers.sum_layers(kind, node)) for node in range(NODES)]
    costs[-1] = layer_costs(layers.concat_layers(kind))
    return costs


@cache
def _edge_costs(kind: int, node: int, slot: int, edge: Edge) -> FloatArray:
    return layer_costs(layers.edge_layers(kind, node, slot, edge))

"""The five cell spaces of NDS: DARTS, ENAS, PNAS, NASNet and AmoebaNet, 10^20 to 10^31 pairs of cells.

Source: Radosavovic et al. 2019, arXiv 1905.13214. Each node of a normal and of a reduction cell adds two operations,
each on any earlier node or input of the cell, the same one twice included. The vocabularies, and which nodes a cell
concatenates, are in `spaces.nds_cells`; the network is that of `spaces.nds_layers`. An edge is `input.operation`:
inputs 0 and 1 are the cell's, the others its nodes. The two edges of a node commute: an architecture has them sorted.
Notations read, a node's edges in either order:

- the canonical key, `0.4-1.3|0.1-2.5|../..`: the nodes of the normal cell, then those of the reduction cell;
- NDS's genotype `{"normal": [["sep_conv_3x3", 0], ...], "normal_concat": [2, 3, ...], "reduce": ..., ...}`;
- a list of choices: for each node of each cell input, operation, input, operation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

import numpy as np

from spaces import nds_layers as layers
from spaces.base import NO_DECISION, ArchGraph, Architecture, FloatArray, IntArray, Layer, Notation, Part, Workload
from spaces.cell_graphs import cell_adjacency, pruned_cell, side_by_side
from spaces.decision_space import DecisionSpace
from spaces.errors import InvalidArchitectureError
from spaces.layer_attributes import layer_costs
from spaces.nb301_layers import (
    CELL_KINDS,
    INPUT_SHAPE,
    CellEdges,
    Edge,
    cell_shapes,
    head_layers,
    stem_layers,
    sum_layers,
)
from spaces.nds_cells import CellFamily, Cells, key, nodes_of


class Nds(DecisionSpace):
    """The pairs of cells of one family on a network of eight cells; immutable."""

    def __init__(self, family: CellFamily):
        self._family = family
        self._op_names = ("input", "output", "c_k-2", "c_k-1", *family.ops, "sum")
        of_node = [(tuple(f"input_{source}" for source in range(node + 2)), family.ops) for node in range(family.nodes)]
        self._choices = tuple(names for _ in CELL_KINDS for edge in of_node for names in (*edge, *edge))

    @property
    def name(self) -> str:
        """Key in `SPACES`."""
        return self._family.name

    @property
    def op_names(self) -> tuple[str, ...]:
        """Operations of the graphs' nodes."""
        return self._op_names

    @property
    def layer_groups(self) -> tuple[str, ...]:
        """The cells between stem and head."""
        return ("stem", *(f"cell{number}" for number in range(len(cell_shapes()))), "head")

    @property
    def choices(self) -> tuple[tuple[str, ...], ...]:
        """For each node of the normal, then of the reduction cell: input and operation, twice."""
        return self._choices

    @property
    def size(self) -> int:
        """Number of architectures: at each node the unordered pairs of edges, equal ones included."""
        counts = map(self._family.edges_at, range(self._family.nodes))
        return math.prod(edges * (edges + 1) // 2 for edges in counts) ** len(CELL_KINDS)

    @property
    def cells(self) -> tuple[str, ...]:
        """The normal and the reduction cell."""
        return CELL_KINDS

    def parse(self, notation: Notation) -> Architecture:
        """The architecture of a key, of a genotype, or of a list of choices.

        Raises: InvalidArchitectureError with the reason.
        """
        if isinstance(notation, str):
            return self._architecture(self._family.from_key(notation.strip()))
        if isinstance(notation, Mapping):
            return self._architecture(self._family.from_genotype(notation))
        if isinstance(notation, (list, tuple, np.ndarray)):
            return self._parse_choices(notation)
        raise InvalidArchitectureError(self.name, notation, "expected a key, a genotype, or a list of choices")

    def decisions(self, architectures: Sequence[Architecture]) -> IntArray:
        """(n, positions) inputs and operations. Raises: InvalidArchitectureError for one of another space."""
        rows = [
            [number for cell in self._cells(architecture) for node in cell for edge in node for number in edge]
            for architecture in architectures
        ]
        return np.array(rows, dtype=np.int64).reshape(len(rows), len(self._choices))

    def _architectures(self, rows: IntArray) -> list[Architecture]:
        found: list[Architecture] = []
        for row in rows.tolist():
            edges = [Edge(source, op) for source, op in zip(row[::2], row[1::2], strict=True)]
            middle = len(edges) // 2
            found.append(self._architecture((nodes_of(edges[:middle]), nodes_of(edges[middle:]))))
        return found

    def _draw_rows(self, count: int, rng: np.random.Generator) -> IntArray:
        """(count, positions) independent architectures, uniform: of each node an unordered pair of edges."""
        columns: list[IntArray] = []
        for _ in CELL_KINDS:
            for node in range(self._family.nodes):
                first, second = np.triu_indices(self._family.edges_at(node))
                drawn = rng.integers(len(first), size=count)
                for edges in (first[drawn], second[drawn]):
                    columns += np.divmod(edges, len(self._family.ops))
        return np.stack(columns, axis=1).astype(np.int64, copy=False)

    def graphs(self, architecture: Architecture) -> tuple[ArchGraph, ArchGraph]:
        """The normal and the reduction cell, three nodes for each of the cell's and three more.

        c_k-2 and c_k-1, the cell's inputs with what is done to them first; for each node of the cell its two operations
        and their sum; output, the concatenation. `none` has no edges. Nodes off every path lose theirs: an input that
        nothing reads, what follows from zeros alone; their layers run all the same. Attributes:
        `ATTRIBUTE_NAMES`, summed over the cells of the kind.
        """
        cells = self._cells(architecture)
        counts = self._concatenated(cells)
        normal, reduce = (self._cell_graph(kind, cell, counts) for kind, cell in enumerate(cells))
        return normal, reduce

    def graph(self, architecture: Architecture) -> ArchGraph:
        """Both cells side by side between an input (the stem) and an output (pool and classifier)."""
        counts = self._concatenated(self._cells(architecture))
        return side_by_side(self.graphs(architecture), layer_costs(stem_layers()), layer_costs(head_layers(counts)))

    def workload(self, architecture: Architecture) -> Workload:
        """The network in execution order."""
        cells = self._cells(architecture)
        of_network = cells, self._family.ops, self._concatenated(cells)
        return Workload(layers.network_layers(*of_network), INPUT_SHAPE, reads=layers.layers_read(*of_network))

    def parts(self, architecture: Architecture) -> tuple[Part, ...]:
        """What is no operation, by how many nodes are concatenated, and each edge at the decision of its operation."""
        cells = self._cells(architecture)
        edges = (
            (kind, node, slot, *edge)
            for kind, cell in enumerate(cells)
            for node, pair in enumerate(cell)
            for slot, edge in enumerate(pair)
        )
        return (
            Part(NO_DECISION, self._concatenated(cells)),
            *(Part(2 * place + 1, variant) for place, variant in enumerate(edges)),
        )

    def part_layers(self, part: Part) -> tuple[Layer, ...]:
        """Layers of what is no operation, or of an edge."""
        if part.position == NO_DECISION:
            normal, reduce = part.variant
            return layers.fixed_layers(self._family.nodes, (normal, reduce))
        kind, node, slot, source, op = part.variant
        return layers.edge_layers(kind, (node, slot), source, self._family.ops[op])

    def _architecture(self, cells: Cells) -> Architecture:
        return Architecture(self.name, key(cells))

    def _cells(self, architecture: Architecture) -> Cells:
        """The cells of a canonical key. Raises: InvalidArchitectureError for an architecture of another space."""
        cells = _cells_of_key(self._family, architecture.key) if architecture.space == self.name else None
        if cells is None:
            raise InvalidArchitectureError(self.name, architecture.key, "not a canonical key of this space")
        return cells

    def _concatenated(self, cells: Cells) -> layers.Concatenated:
        normal, reduce = (len(self._family.concatenated(cell)) for cell in cells)
        return normal, reduce

    def _cell_graph(self, kind: int, cell: CellEdges, counts: layers.Concatenated) -> ArchGraph:
        of_nodes = [name for node in cell for name in (*(self._family.ops[edge.op] for edge in node), "sum")]
        names = ["c_k-2", "c_k-1", *of_nodes, "output"]
        attributes = [
            _input_costs(kind, 0, counts),
            _input_costs(kind, 1, counts),
            *(
                costs
                for node, edges in enumerate(cell)
                for costs in (*self._edge_costs(kind, node, edges), _sum_costs(kind, node))
            ),
            _concat_costs(kind, counts),
        ]
        ops = np.array([self._op_names.index(name) for name in names])
        sources = [(first.source, second.source) for first, second in cell]
        adjacency = cell_adjacency(sources, self._family.concatenated(cell))
        is_zero = np.array([name == "none" for name in names])
        return pruned_cell(ops, adjacency, is_zero, np.array(attributes))

    def _edge_costs(self, kind: int, node: int, edges: tuple[Edge, Edge]) -> list[FloatArray]:
        return [
            _op_costs(kind, (node, slot), edge.source, self._family.ops[edge.op]) for slot, edge in enumerate(edges)
        ]


@lru_cache(maxsize=8192)  # decisions, graphs and parts of one architecture are asked for one after the other
def _cells_of_key(family: CellFamily, text: str) -> Cells | None:
    """The cells of a key, None if it is not the canonical one. Raises: InvalidArchitectureError for no key at all."""
    cells = family.from_key(text)
    return cells if key(cells) == text else None


@cache
def _input_costs(kind: int, place: int, counts: layers.Concatenated) -> FloatArray:
    return layer_costs(layers.input_layers(kind, place, counts))


@cache
def _sum_costs(kind: int, node: int) -> FloatArray:
    return layer_costs(sum_layers(kind, node))


@cache
def _concat_costs(kind: int, counts: layers.Concatenated) -> FloatArray:
    return layer_costs(layers.concat_layers(kind, counts))


@cache
def _op_costs(kind: int, place: tuple[int, int], source: int, op: str) -> FloatArray:
    return layer_costs(layers.edge_layers(kind, place, source, op))

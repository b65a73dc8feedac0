"""NAS-Bench-101: cells of up to seven vertices and nine edges with one of three operations each, 423,624 architectures.

Source: Ying et al. 2019, arXiv 1902.09635. Notations read, of any cell that is isomorphic after pruning:

- the canonical key, `conv3x3-maxpool3x3|110.01.1`: the operations of the inner vertices, then each vertex' edges to
  those behind it;
- the benchmark's record of an adjacency matrix and operations, `{"matrix": [[0, 1], [0, 0]], "ops": ["input",
  "output"]}`, also under its file's names `module_adjacency` and `module_operations`;
- NAS-Bench-Suite-Zero's tuple, also in a string: the n^2 numbers of the matrix, then n operations, input 0, output 1,
  maxpool3x3 2, conv1x1-bn-relu 3, conv3x3-bn-relu 4;
- a list of 26 choices: 21 edges 0->1, 0->2, .., 5->6 of seven vertices, then the operations of the inner five.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from math import isqrt
from typing import Any, Final

import numpy as np

from spaces import nb101_layers as layers
from spaces.base import (
    NO_DECISION,
    ArchGraph,
    Architecture,
    BoolArray,
    FloatArray,
    IntArray,
    Layer,
    Notation,
    Part,
    Workload,
)
from spaces.decision_space import DecisionSpace, as_integer
from spaces.errors import InvalidArchitectureError
from spaces.layer_attributes import ATTRIBUTE_NAMES, layer_costs
from spaces.nb101_cell import MOST_EDGES, MOST_VERTICES, Cell, canonical, live_vertices, pruned
from spaces.nb101_layers import OPS, OUTPUT, Vertex, Widths

NAME: Final = "nb101"
SIZE: Final = 423_624
_INNER: Final = MOST_VERTICES - 2
_UPPER: Final = np.triu_indices(MOST_VERTICES, k=1)
_EDGES: Final = len(_UPPER[0])
_ABSENT: Final = len(OPS)
_CHOICES: Final = (("no_edge", "edge"),) * _EDGES + ((*OPS, "absent"),) * _INNER
_OP_NAMES: Final = ("input", "output", *OPS, "absent")
_SHORT_OPS: Final = {op.removesuffix("-bn-relu"): number for number, op in enumerate(OPS)}
_TUPLE_OPS: Final = ("input", "output", "maxpool3x3", "conv1x1-bn-relu", "conv3x3-bn-relu")
_TUPLE: Final = re.compile(r"[(\[]?\d(, ?\d){5,55}[)\]]?", re.ASCII)
_RECORDS: Final = (("matrix", "ops"), ("module_adjacency", "module_operations"))
_LONGEST_KEY: Final = 100
_EXPECTED: Final = "expected a key, a record of matrix and ops, the numbers of both in a row, or 26 choices"


class Nb101(DecisionSpace):
    """The NAS-Bench-101 space on its CIFAR-10 network; immutable.

    A row of 26 choices means the cell that is left after pruning; it is none if no path is left or more than nine
    edges, or if a vertex that is absent has edges. `sample` draws the rows uniformly, like the benchmark's own random
    search, so that cells which many rows mean are drawn more often. The space can be counted but is not enumerated.
    """

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
        """The stacks between stem and head."""
        return ("stem", *(f"stack{stack}" for stack in range(len(layers.STACKS))), "head")

    @property
    def choices(self) -> tuple[tuple[str, ...], ...]:
        """The 21 edges, then the operations of the five inner vertices."""
        return _CHOICES

    @property
    def size(self) -> int:
        """Number of architectures."""
        return SIZE

    def parse(self, notation: Notation) -> Architecture:
        """The architecture of a key, a record, a tuple of numbers, or a list of choices.

        Raises: InvalidArchitectureError with the reason.
        """
        if isinstance(notation, str):
            return self._parse_text(notation)
        if isinstance(notation, Mapping):
            return self._parse_record(notation)
        if isinstance(notation, (list, tuple, np.ndarray)):
            if (not isinstance(notation, np.ndarray) or notation.ndim == 1) and len(notation) in _TUPLE_LENGTHS:
                return self._parse_numbers(list(notation), notation)
            return self._parse_choices(notation)
        raise InvalidArchitectureError(NAME, notation, _EXPECTED)

    def _parse_text(self, text: str) -> Architecture:
        stripped = text.strip()
        if len(stripped) <= _LONGEST_KEY and (cell := _decoded(stripped)) is not None:
            return _architecture(cell, text)
        if len(stripped) <= 4 * max(_TUPLE_LENGTHS) and _TUPLE.fullmatch(stripped):
            return self._parse_numbers([int(part) for part in stripped.strip("()[]").split(",")], text)
        raise InvalidArchitectureError(NAME, text, _EXPECTED)

    def _parse_numbers(self, numbers: Sequence[object], notation: object) -> Architecture:
        vertices = isqrt(len(numbers))
        codes = [as_integer(number) for number in numbers[vertices**2 :]]
        if len(numbers) not in _TUPLE_LENGTHS or any(code not in range(len(_TUPLE_OPS)) for code in codes):
            raise InvalidArchitectureError(NAME, notation, _EXPECTED)
        rows = [numbers[start : start + vertices] for start in range(0, vertices**2, vertices)]
        return _from_matrix(rows, [_TUPLE_OPS[code] for code in codes if code is not None], notation)

    def _parse_record(self, record: Mapping[str, Any]) -> Architecture:
        for matrix, ops in _RECORDS:
            if matrix in record and ops in record:
                return _from_matrix(record[matrix], record[ops], record)
        raise InvalidArchitectureError(NAME, record, 'expected the fields "matrix" and "ops"')

    def decisions(self, architectures: Sequence[Architecture]) -> IntArray:
        """(n, 26) edges and operations of the canonical cell, its vertices in front and the output last.

        Raises: InvalidArchitectureError for an architecture of another space.
        """
        rows = [_placed(_cell(architecture)) for architecture in architectures]
        return np.array(rows, dtype=np.int64).reshape(len(rows), len(_CHOICES))

    def _architectures(self, rows: IntArray) -> list[Architecture]:
        ops = rows[:, _EDGES:]
        matrices = _matrices(rows[:, :_EDGES])
        is_used = np.logical_or(matrices.any(axis=1), matrices.any(axis=2))[:, 1:-1]
        live = live_vertices(matrices)
        matrices &= live[:, :, None] & live[:, None, :]
        is_cell = live[:, 0] & (matrices.sum(axis=(1, 2)) <= MOST_EDGES)
        is_cell &= ~(is_used & (ops == _ABSENT)).any(axis=1)
        for row in rows[~is_cell]:
            _architecture(_row_cell(row), row.tolist())  # raises with the reason
        live_ops = np.where(live[:, 1:-1], ops, _ABSENT).tolist()
        return [
            Architecture(NAME, _live_key(matrix.tobytes(), tuple(row)))
            for matrix, row in zip(matrices, live_ops, strict=True)
        ]

    def repair(self, rows: IntArray) -> IntArray:
        """Makes absent vertices with edges ordinary ones, with a way in and out, then drops edges until nine are left.

        Edges are dropped from the last, those left out that the connection from input to output hangs on; without any
        connection, input and output are connected directly.
        """
        fixed = rows.copy()
        ops = fixed[:, _EDGES:]
        matrices = _matrices(rows[:, :_EDGES])
        for vertex in range(1, MOST_VERTICES - 1):
            has_in, has_out = matrices[:, :, vertex].any(axis=1), matrices[:, vertex].any(axis=1)
            is_added = (ops[:, vertex - 1] == _ABSENT) & (has_in | has_out)
            ops[is_added, vertex - 1] = 0
            matrices[:, 0, vertex] |= is_added & ~has_in
            matrices[:, vertex, -1] |= is_added & ~has_out
        matrices[:, 0, -1] |= ~live_vertices(matrices)[:, 0]
        for start, end in reversed(list(zip(*_UPPER, strict=True))):
            has_too_many = _live_edges(matrices) > MOST_EDGES
            if not has_too_many.any():
                break
            dropped = has_too_many & matrices[:, start, end]
            matrices[dropped, start, end] = False
            matrices[:, start, end] |= dropped & ~live_vertices(matrices)[:, 0]
        fixed[:, :_EDGES] = matrices[:, _UPPER[0], _UPPER[1]]
        return fixed

    def _draw_rows(self, count: int, rng: np.random.Generator) -> IntArray:
        drawn = np.empty((0, len(_CHOICES)), dtype=np.int64)
        while len(drawn) < count:
            edges = rng.integers(2, size=(2 * count, _EDGES))
            ops = rng.integers(len(OPS), size=(2 * count, _INNER))
            matrices = _matrices(edges)
            is_cell = live_vertices(matrices)[:, 0] & (_live_edges(matrices) <= MOST_EDGES)
            drawn = np.concatenate([drawn, np.concatenate([edges, ops], axis=1)[is_cell]])
        return drawn[:count]

    def graph(self, architecture: Architecture) -> ArchGraph:
        """Seven nodes: input, five inner vertices, output; vertices that the cell does not have are off the mask.

        Attributes per node, summed over the nine cells: `ATTRIBUTE_NAMES` of the vertex, what it reads from the cell's
        input included. The input node carries the stem, the output node the rest of the network.
        """
        cell = _cell(architecture)
        row = np.array(_placed(cell))
        adjacency = _matrices(row[:_EDGES])
        ops = np.concatenate([[0], row[_EDGES:] + 2, [1]])
        attributes = np.zeros((MOST_VERTICES, len(ATTRIBUTE_NAMES)))
        attributes[0] = layer_costs(layers.stem_layers())
        attributes[-1] = layer_costs(layers.fixed_layers()) - attributes[0]
        for vertex in layers.cell_vertices(*cell):
            attributes[-1 if vertex.op == OUTPUT else vertex.number] += _vertex_costs(vertex)
        mask = np.concatenate([[True], row[_EDGES:] != _ABSENT, [True]])
        return ArchGraph(ops, adjacency, mask, attributes, ATTRIBUTE_NAMES)

    def workload(self, architecture: Architecture) -> Workload:
        """The network in execution order."""
        vertices = layers.cell_vertices(*_cell(architecture))
        return Workload(layers.network_layers(vertices), layers.INPUT_SHAPE, reads=layers.network_reads(vertices))

    def parts(self, architecture: Architecture) -> tuple[Part, ...]:
        """What is not searched, and each vertex; inner ones belong to the decision of their operation."""
        vertices = layers.cell_vertices(*_cell(architecture))
        return (Part(NO_DECISION, ()), *map(_part, vertices))

    def part_layers(self, part: Part) -> tuple[Layer, ...]:
        """Layers of what is not searched, or of a vertex."""
        return layers.vertex_layers(_vertex(part)) if part.variant else layers.fixed_layers()


_TUPLE_LENGTHS: Final = tuple(vertices**2 + vertices for vertices in range(2, MOST_VERTICES + 1))


def row_vertices(row: Sequence[int]) -> tuple[Vertex, ...]:
    """The vertices behind the input of the canonical cell with choices `row` (26,)."""
    architecture = _architecture(_row_cell(np.asarray(row)), row)
    return layers.cell_vertices(*_cell(architecture))


def _part(vertex: Vertex) -> Part:
    position = NO_DECISION if vertex.op == OUTPUT else _EDGES + vertex.number - 1
    sources = (number for source, widths in vertex.sources for number in (source, *widths))
    return Part(position, (vertex.number, vertex.op, int(vertex.reads_input), *vertex.widths, *sources))


def _vertex(part: Part) -> Vertex:
    number, op, reads_input, *numbers = part.variant
    sources = tuple((numbers[at], _triple(numbers[at + 1 : at + 4])) for at in range(3, len(numbers), 4))
    return Vertex(number, op, bool(reads_input), _triple(numbers[:3]), sources)


def _triple(numbers: Sequence[int]) -> Widths:
    first, second, third = numbers
    return first, second, third


@lru_cache(maxsize=2**16)
def _vertex_costs(vertex: Vertex) -> FloatArray:
    return layer_costs(layers.vertex_layers(vertex))


def _fault(cell: Cell | None) -> str | None:
    """Why a pruned cell is none of the benchmark's."""
    if cell is None:
        return "no path leads from input to output"
    edges = int(cell.matrix.sum())
    return f"has {edges} live edges, at most {MOST_EDGES} are allowed" if edges > MOST_EDGES else None


def _architecture(cell: Cell, notation: object) -> Architecture:
    """The architecture of any cell. Raises: InvalidArchitectureError, quoting the notation."""
    if _ABSENT in cell.ops:
        raise InvalidArchitectureError(NAME, notation, "a vertex that is absent has edges")
    live = pruned(cell)
    fault = _fault(live)
    if live is None or fault is not None:
        raise InvalidArchitectureError(NAME, notation, fault or "")
    return Architecture(NAME, _key(canonical(live)))


@lru_cache(maxsize=2**16)
def _live_key(matrix: bytes, ops: tuple[int, ...]) -> str:
    """The key of a cell without dead edges, given as (7, 7) bool and five operations, absent where there is none."""
    edges = np.frombuffer(matrix, dtype=np.bool_).reshape(MOST_VERTICES, MOST_VERTICES)
    kept = [0, *(vertex for vertex, op in enumerate(ops, start=1) if op != _ABSENT), MOST_VERTICES - 1]
    return _key(canonical(Cell(tuple(op for op in ops if op != _ABSENT), edges[np.ix_(kept, kept)])))


def _key(cell: Cell) -> str:
    names = list(_SHORT_OPS)
    edges = cell.matrix.astype(np.int64).tolist()
    rows = ("".join(map(str, row[place + 1 :])) for place, row in enumerate(edges[:-1]))
    return f"{'-'.join(names[op] for op in cell.ops)}|{'.'.join(rows)}"


def _decoded(key: str) -> Cell | None:
    """The cell that a key spells, canonical or not."""
    names, _, edges = key.partition("|")
    ops = names.split("-") if names else []
    rows = edges.split(".")
    vertices = len(ops) + 2
    if vertices > MOST_VERTICES or any(op not in _SHORT_OPS for op in ops) or set(edges) - set("01."):
        return None
    if [len(row) for row in rows] != list(range(vertices - 1, 0, -1)):
        return None
    matrix = np.zeros((vertices, vertices), dtype=np.bool_)
    matrix[np.triu_indices(vertices, k=1)] = [bit == "1" for bit in "".join(rows)]
    return Cell(tuple(_SHORT_OPS[op] for op in ops), matrix)


def _cell(architecture: Architecture) -> Cell:
    """The canonical cell. Raises: InvalidArchitectureError for an architecture of another space."""
    cell = _canonical_cell(architecture.key) if architecture.space == NAME else None
    if cell is None:
        raise InvalidArchitectureError(NAME, architecture.key, "not a canonical key of this space")
    return cell


@lru_cache(maxsize=2**16)
def _canonical_cell(key: str) -> Cell | None:
    cell = _decoded(key)
    if cell is None or not live_vertices(cell.matrix).all() or _fault(cell) or _key(canonical(cell)) != key:
        return None
    cell.matrix.setflags(write=False)
    return cell


def _placed(cell: Cell) -> list[int]:
    """The choices (26,) of a cell: its inner vertices first, the output last, absent ones between."""
    inner = len(cell.ops)
    matrix = np.zeros((MOST_VERTICES, MOST_VERTICES), dtype=np.int64)
    matrix[_places(inner)] = cell.matrix
    return [*matrix[_UPPER].tolist(), *cell.ops, *[_ABSENT] * (_INNER - inner)]


@cache
def _places(inner: int) -> tuple[IntArray, ...]:
    """Index of the rows and columns that a cell with so many inner vertices takes."""
    places = [*range(inner + 1), MOST_VERTICES - 1]
    return np.ix_(places, places)


def _matrices(edges: IntArray) -> BoolArray:
    """(..., 7, 7) adjacency of edges (..., 21)."""
    matrices = np.zeros((*edges.shape[:-1], MOST_VERTICES, MOST_VERTICES), dtype=np.bool_)
    matrices[..., _UPPER[0], _UPPER[1]] = edges == 1
    return matrices


def _row_cell(row: IntArray) -> Cell:
    """The cell of choices (26,) before pruning; of absent vertices only those with edges."""
    matrix = _matrices(row[:_EDGES])
    ops = row[_EDGES:].tolist()
    used = set(np.flatnonzero(matrix.any(axis=0) | matrix.any(axis=1)).tolist())
    inner = (vertex for vertex in range(1, MOST_VERTICES - 1) if ops[vertex - 1] != _ABSENT or vertex in used)
    kept = [0, *inner, MOST_VERTICES - 1]
    return Cell(tuple(ops[vertex - 1] for vertex in kept[1:-1]), matrix[np.ix_(kept, kept)])


def _live_edges(matrices: BoolArray) -> IntArray:
    """(n,) edges of each cell on a path from input to output."""
    live = live_vertices(matrices)
    return (matrices & live[:, :, None] & live[:, None, :]).sum(axis=(1, 2))


def _from_matrix(matrix: Any, ops: Any, notation: object) -> Architecture:
    """The architecture of a square matrix of 0 and 1 and the operations' names."""
    matrix, ops = (value.tolist() if isinstance(value, np.ndarray) else value for value in (matrix, ops))
    if not isinstance(matrix, (list, tuple)) or not isinstance(ops, (list, tuple)):
        raise InvalidArchitectureError(NAME, notation, _EXPECTED)
    vertices = len(matrix)
    is_square = all(isinstance(row, (list, tuple)) and len(row) == vertices for row in matrix)
    if not 2 <= vertices <= MOST_VERTICES or len(ops) != vertices or not is_square:
        reason = f"needs a square matrix of 2 to {MOST_VERTICES} vertices and an operation for each"
        raise InvalidArchitectureError(NAME, notation, reason)
    names = [op if isinstance(op, str) else "" for op in ops]
    if names[0] != "input" or names[-1] != "output" or any(op not in OPS for op in names[1:-1]):
        raise InvalidArchitectureError(NAME, notation, f"operations are input, then some of {', '.join(OPS)}, output")
    bits = [[as_integer(bit) for bit in row] for row in matrix]
    if any(bit not in (0, 1) for row in bits for bit in row) or np.tril(np.array(bits)).any():
        raise InvalidArchitectureError(NAME, notation, "the matrix must be strictly upper triangular, of 0 and 1")
    edges = np.array(bits) == 1
    return _architecture(Cell(tuple(OPS.index(op) for op in names[1:-1]), edges), notation)

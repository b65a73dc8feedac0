"""TransNAS-Bench-101, macro: four to six modules of four types in a chain, 3,256 architectures.

Source: Duan et al. 2021, arXiv 2105.11871. A module of two residual blocks keeps its shape (type 1), doubles the
channels (2), halves the side (3) or does both (4); one to three modules double and one to four halve. Notations read:

- the benchmark's string `64-1234-basic`, which is the canonical key;
- six types as a list of numbers or names, or as a tuple in a string, `(1, 2, 4, 2, 0, 0)`, as in NAS-Bench-Suite-Zero:
  0 is a module that does not exist, at the end only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import product
from typing import Final

import numpy as np

from spaces import tnb101_layers as layers
from spaces.base import NO_DECISION, ArchGraph, Architecture, IntArray, Layer, Notation, Part, Workload
from spaces.decision_space import DecisionSpace
from spaces.errors import InvalidArchitectureError
from spaces.layer_attributes import ATTRIBUTE_NAMES, layer_costs
from spaces.tnb101_layers import MODULE_TYPES, Module
from spaces.wiring import in_chain

NAME: Final = "tnb101_macro"
_FEWEST, _MOST = 4, 6
_ABSENT: Final = 0
_CHOICES: Final = ("absent", "same", "widen", "halve", "halve_widen")
_OP_NAMES: Final = ("input", "output", *_CHOICES)
_KEY: Final = re.compile(rf"64-([1-4]{{{_FEWEST},{_MOST}}})-basic", re.ASCII)
_TUPLE: Final = re.compile(r"\(?" + ", ?".join(["([0-4])"] * _MOST) + r"\)?", re.ASCII)
_RULE: Final = "needs four to six modules, of which one to three double the channels and one to four halve the side"


class Tnb101Macro(DecisionSpace):
    """The macro space of TransNAS-Bench-101 on its network for scene classification; immutable."""

    is_chain = True

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
        """The modules between stem and head; smaller networks lack the last ones."""
        return ("stem", *(f"module{number}" for number in range(_MOST)), "head")

    @property
    def choices(self) -> tuple[tuple[str, ...], ...]:
        """The types of module at each of six positions, the first of which is none."""
        return (_CHOICES,) * _MOST

    @property
    def size(self) -> int:
        """Number of architectures."""
        return len(_valid_rows())

    def parse(self, notation: Notation) -> Architecture:
        """The architecture of the benchmark's string, or of six types of module.

        Raises: InvalidArchitectureError with the reason.
        """
        if isinstance(notation, str):
            text = notation.strip()
            if found := _KEY.fullmatch(text):
                return self._architectures(np.array([_padded(found[1])]))[0]
            if found := _TUPLE.fullmatch(text):
                return self._architectures(np.array([[int(digit) for digit in found.groups()]]))[0]
            raise InvalidArchitectureError(NAME, notation, "expected 64-<types>-basic or six numbers from 0 to 4")
        if isinstance(notation, (list, tuple, np.ndarray)):
            return self._parse_choices(notation)
        raise InvalidArchitectureError(NAME, notation, "expected a string or six types of module")

    def enumerate(self) -> Iterator[Architecture]:
        """All 3,256 architectures, by their six types."""
        return (_architecture(row) for row in _valid_rows().tolist())

    def sample(self, count: int, *, rng: np.random.Generator) -> list[Architecture]:
        """`count` distinct architectures, uniform over the space. Raises: ValueError if the space has fewer."""
        if not 0 <= count <= self.size:
            raise ValueError(f"cannot sample {count} distinct architectures of {NAME}, which has {self.size}")
        return self._architectures(_valid_rows()[rng.choice(self.size, size=count, replace=False)])

    def decisions(self, architectures: Sequence[Architecture]) -> IntArray:
        """(n, 6) type of each module. Raises: InvalidArchitectureError for an architecture of another space."""
        return np.array([_row(architecture) for architecture in architectures], dtype=np.int64).reshape(-1, _MOST)

    def _architectures(self, rows: IntArray) -> list[Architecture]:
        for row in rows.tolist():
            if not _is_valid(row):
                raise InvalidArchitectureError(NAME, row, _RULE)
        return [_architecture(row) for row in rows.tolist()]

    def repair(self, rows: IntArray) -> IntArray:
        """The architecture that differs at the fewest positions, of several the first in the order of `enumerate`."""
        valid = _valid_rows()
        nearest = [(valid != row).sum(axis=1).argmin() for row in rows]
        return valid[nearest].reshape(-1, _MOST)

    def graph(self, architecture: Architecture) -> ArchGraph:
        """A chain of eight nodes: input (the stem), six modules, output (pool and classifier).

        Modules that do not exist are nodes without edges, off the mask. Attributes per node: channels in and out, side
        of the input in pixels, stride (0 where there is no module), `ATTRIBUTE_NAMES`.
        """
        row = _row(architecture)
        modules = _modules(row)
        last = modules[-1]
        ops = np.array([0, *(2 + module_type for module_type in row), 1])
        mask = np.concatenate([[True], np.array(row) != _ABSENT, [True]])
        live = np.flatnonzero(mask)
        adjacency = np.zeros((len(ops), len(ops)), dtype=np.bool_)
        adjacency[live[:-1], live[1:]] = True
        stem, head = layers.stem_layers(), layers.head_layers(last.out_channels, last.out_size)
        attributes = np.zeros((len(ops), 4 + len(ATTRIBUTE_NAMES)))
        attributes[0] = [layers.INPUT_SHAPE[0], modules[0].channels, layers.INPUT_SHAPE[1], 4, *layer_costs(stem)]
        for number, module in enumerate(modules):
            shapes = (module.channels, module.out_channels, module.size, module.stride)
            attributes[1 + number] = [*shapes, *layer_costs(layers.block_layers(number, module))]
        attributes[-1] = [last.out_channels, layers.CLASSES, last.out_size, 1, *layer_costs(head)]
        names = ("in_channels", "out_channels", "size", "stride", *ATTRIBUTE_NAMES)
        return ArchGraph(ops, adjacency, mask, attributes, names)

    def workload(self, architecture: Architecture) -> Workload:
        """The network in execution order."""
        modules = _modules(_row(architecture))
        body = (layer for number, module in enumerate(modules) for layer in layers.block_layers(number, module))
        head = layers.head_layers(modules[-1].out_channels, modules[-1].out_size)
        stem = layers.stem_layers()
        blocks = (read for module in modules for read in layers.block_reads(module))
        reads = (*in_chain(len(stem), is_first=True), *blocks, *in_chain(len(head)))
        return Workload((*stem, *body, *head), layers.INPUT_SHAPE, reads=reads)

    def parts(self, architecture: Architecture) -> tuple[Part, ...]:
        """Stem and head, and each module with the shape of what it reads."""
        return _parts(_row(architecture))

    def part_layers(self, part: Part) -> tuple[Layer, ...]:
        """Layers of stem and head, or of a module."""
        if part.position == NO_DECISION:
            channels, size = part.variant
            return layers.stem_layers() + layers.head_layers(channels, size)
        module_type, channels, size = part.variant
        return layers.block_layers(part.position, Module(channels, size, *MODULE_TYPES[module_type]))


def _modules(row: Sequence[int]) -> tuple[Module, ...]:
    return layers.modules(tuple(module_type for module_type in row if module_type != _ABSENT))


def _padded(digits: str) -> list[int]:
    return [int(digit) for digit in digits] + [_ABSENT] * (_MOST - len(digits))


def _is_valid(row: Sequence[int]) -> bool:
    present = [module_type for module_type in row if module_type != _ABSENT]
    if len(present) < _FEWEST or _ABSENT in row[: len(present)]:
        return False
    widening, halving = (sum(MODULE_TYPES[module_type][i] for module_type in present) for i in (0, 1))
    return 1 <= widening <= 3 and 1 <= halving <= 4


@cache
def _valid_rows() -> IntArray:
    rows = np.array([row for row in product(range(len(_CHOICES)), repeat=_MOST) if _is_valid(row)], dtype=np.int64)
    rows.setflags(write=False)
    return rows


def _architecture(row: Sequence[int]) -> Architecture:
    return Architecture(NAME, f"64-{''.join(str(module_type) for module_type in row if module_type)}-basic")


def _row(architecture: Architecture) -> tuple[int, ...]:
    row = _row_of_key(architecture.key) if architecture.space == NAME else None
    if row is None:
        raise InvalidArchitectureError(NAME, architecture.key, "not a canonical key of this space")
    return row


@lru_cache(maxsize=4096)
def _row_of_key(key: str) -> tuple[int, ...] | None:
    found = _KEY.fullmatch(key)
    row = tuple(_padded(found[1])) if found else ()
    return row if _is_valid(row) else None


@lru_cache(maxsize=4096)
def _parts(row: tuple[int, ...]) -> tuple[Part, ...]:
    modules = _modules(row)
    return (
        Part(NO_DECISION, (modules[-1].out_channels, modules[-1].out_size)),
        *(Part(number, (row[number], module.channels, module.size)) for number, module in enumerate(modules)),
    )

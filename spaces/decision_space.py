"""What every space has in common whose architectures are one choice at each of a fixed number of positions."""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from spaces.base import ArchGraph, Architecture, IntArray, Layer, Notation, Part, Workload, is_product
from spaces.errors import InvalidArchitectureError, NotEnumerableError

# Below this size `sample` draws architectures by number; above it, collisions of independent draws are rare.
_DRAWN_BY_NUMBER: Final = 1_000_000


class DecisionSpace(ABC):
    """A `SearchSpace` whose architectures are rows of choices.

    A subclass gives the vocabulary, the two directions between keys and decisions, and what an architecture means
    (graph and layers); sampling and variation follow from the decisions alone. A space that is not the product of its
    choices also gives `size`, `repair` and `_draw_rows`, and its `_architectures` refuses what is none.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """Key in `SPACES`."""

    @property
    @abstractmethod
    def op_names(self) -> tuple[str, ...]:
        """Vocabulary of graph nodes; a node's op is an index into it."""

    @property
    @abstractmethod
    def layer_groups(self) -> tuple[str, ...]:
        """Groups of the layers of its networks, in the order in which they run; see `spaces.layer_groups`."""

    @property
    @abstractmethod
    def choices(self) -> tuple[tuple[str, ...], ...]:
        """For each position the names of its choices."""

    @property
    def size(self) -> int:
        """Number of architectures."""
        return math.prod(map(len, self.choices))

    @abstractmethod
    def parse(self, notation: Notation) -> Architecture:
        """The architecture that any notation in use names. Raises: InvalidArchitectureError with the reason."""

    def enumerate(self) -> Iterator[Architecture]:
        """Every architecture once, in a fixed order. Raises: NotEnumerableError."""
        raise NotEnumerableError(self.name, self.size)

    @abstractmethod
    def decisions(self, architectures: Sequence[Architecture]) -> IntArray:
        """(n, positions) index of the choice at each position. Raises: InvalidArchitectureError for a foreign one."""

    @abstractmethod
    def graph(self, architecture: Architecture) -> ArchGraph:
        """The labelled DAG that graph predictors read."""

    @abstractmethod
    def workload(self, architecture: Architecture) -> Workload:
        """All layers in execution order; for one sample."""

    @property
    def cells(self) -> tuple[str, ...]:
        """Names of the graphs of `graphs`."""
        return ("cell",)

    def graphs(self, architecture: Architecture) -> tuple[ArchGraph, ...]:
        """The graph of the one cell."""
        return (self.graph(architecture),)

    @abstractmethod
    def parts(self, architecture: Architecture) -> tuple[Part, ...]:
        """What the network is made of."""

    @abstractmethod
    def part_layers(self, part: Part) -> tuple[Layer, ...]:
        """Layers of a part that `parts` gave."""

    @abstractmethod
    def _architectures(self, rows: IntArray) -> list[Architecture]:
        """The architectures of decisions (n, positions) that are known to be in range.

        Raises: InvalidArchitectureError for choices that do not go together.
        """

    def from_decisions(self, rows: IntArray) -> list[Architecture]:
        """Inverse of `decisions`.

        Args: rows: (n, positions) integers.
        Raises: InvalidArchitectureError for a wrong shape or type, for a choice out of range, and for choices that do
            not go together.
        """
        rows = np.asarray(rows)
        if rows.size == 0:
            return []
        if rows.ndim != 2 or rows.shape[1] != len(self.choices) or rows.dtype.kind not in "iu":
            reason = f"decisions must be integers of shape (n, {len(self.choices)}), got {rows.dtype} {rows.shape}"
            raise InvalidArchitectureError(self.name, rows[:1].tolist(), reason)
        outside = ((rows < 0) | (rows >= self._choice_counts())).any(axis=1)
        if outside.any():
            raise InvalidArchitectureError(self.name, rows[outside.argmax()].tolist(), "a choice is out of range")
        return self._architectures(rows.astype(np.int64, copy=False))

    def repair(self, rows: IntArray) -> IntArray:
        """The rows as they are: in a product of choices every one is an architecture."""
        return rows

    def sample(self, count: int, *, rng: np.random.Generator) -> list[Architecture]:
        """`count` distinct architectures, uniform unless the space says otherwise.

        Raises: ValueError if the space has fewer.
        """
        if not 0 <= count <= self.size:
            raise ValueError(f"cannot sample {count} distinct architectures of {self.name}, which has {self.size}")
        if self.size <= _DRAWN_BY_NUMBER and is_product(self):
            numbers = rng.choice(self.size, size=count, replace=False)
            return self._architectures(np.stack(np.unravel_index(numbers, self._choice_counts()), axis=1))
        found: dict[Architecture, None] = {}
        while len(found) < count:
            found.update(dict.fromkeys(self._architectures(self._draw_rows(count - len(found), rng))))
        return list(found)

    def _draw_rows(self, count: int, rng: np.random.Generator) -> IntArray:
        """(count, positions) independent random architectures; in a product of choices uniform ones."""
        return rng.integers(0, self._choice_counts(), size=(count, len(self.choices)), dtype=np.int64)

    def mutate(self, architecture: Architecture, *, rng: np.random.Generator) -> Architecture:
        """A neighbour: one decision changed, position and new choice uniform, and repaired where that is needed."""
        parent = self.decisions([architecture])
        while True:
            rows = parent.copy()
            position = rng.integers(len(self.choices))
            count = len(self.choices[position])
            rows[0, position] = (rows[0, position] + rng.integers(1, count)) % count
            child = self._architectures(self.repair(rows))[0]
            if child != architecture:  # a repair may undo the change
                return child

    def crossover(self, first: Architecture, second: Architecture, *, rng: np.random.Generator) -> Architecture:
        """A child that takes each decision from one of its parents, either with probability 1/2, then repaired."""
        rows = self.decisions([first, second])
        from_first = rng.random(rows.shape[1]) < 0.5
        return self._architectures(self.repair(np.where(from_first, rows[0], rows[1])[None]))[0]

    def _choice_counts(self) -> IntArray:
        return np.array([len(names) for names in self.choices])

    def _parse_choices(self, choices: Sequence[object] | NDArray[Any], notation: object = None) -> Architecture:
        """The architecture with one item, an index or the name of a choice, per position.

        Args: notation: what the user wrote, for the error, where that is not `choices` itself.
        """
        items = choices.tolist() if isinstance(choices, np.ndarray) else choices
        notation = choices if notation is None else notation
        if not isinstance(items, Sequence):
            items = (items,)
        if len(items) != len(self.choices):
            reason = f"needs {len(self.choices)} choices, got {len(items)}"
            raise InvalidArchitectureError(self.name, notation, reason)
        row = [self._parse_choice(notation, item, names) for item, names in zip(items, self.choices, strict=True)]
        return self._architectures(np.array([row], dtype=np.int64))[0]

    def _parse_choice(self, notation: object, item: object, names: tuple[str, ...]) -> int:
        if isinstance(item, str):
            if item in names:
                return names.index(item)
        elif (number := as_integer(item)) is not None and 0 <= number < len(names):
            return number
        allowed = f"0..{len(names) - 1} or one of {', '.join(names)}"
        raise InvalidArchitectureError(self.name, notation, f"a choice must be {allowed}")


def as_integer(value: object) -> int | None:
    """`value` as int if it is an integer of any kind (numpy's too) but not a bool, else None."""
    if isinstance(value, (bool, np.bool_)):
        return None
    try:
        return operator.index(value)  # pyright: ignore[reportArgumentType]
    except TypeError:
        return None

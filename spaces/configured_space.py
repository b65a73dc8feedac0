"""A space with further decisions beside the architecture, such as the hardware that it is to run on."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from spaces.base import ArchGraph, Architecture, IntArray, Layer, Notation, Part, SearchSpace, Workload, has_classes
from spaces.decision_space import DecisionSpace
from spaces.errors import InvalidArchitectureError

_SEPARATOR = " @ "


class ConfiguredSpace(DecisionSpace):
    """Every architecture of a space with every combination of further choices; see `split`.

    Args:
        space: the architectures.
        options: for each further decision, by name, the names of its choices.
    """

    def __init__(self, space: SearchSpace, options: Mapping[str, Sequence[str]]):
        self.space = space
        self.options = {name: tuple(choices) for name, choices in options.items()}

    @property
    def name(self) -> str:
        """The space's."""
        return self.space.name

    @property
    def op_names(self) -> tuple[str, ...]:
        """The space's."""
        return self.space.op_names

    @property
    def layer_groups(self) -> tuple[str, ...]:
        """The space's."""
        return self.space.layer_groups

    @property
    def choices(self) -> tuple[tuple[str, ...], ...]:
        """The space's, then the further ones."""
        return (*self.space.choices, *self.options.values())

    @property
    def size(self) -> int:
        """Architectures times combinations."""
        return self.space.size * math.prod(map(len, self.options.values()))

    def split(self, architecture: Architecture) -> tuple[Architecture, tuple[int, ...]]:
        """The architecture of the inner space, and the index of the choice for each further decision."""
        key, separator, chosen = architecture.key.rpartition(_SEPARATOR)
        if architecture.space != self.name or not separator:
            raise InvalidArchitectureError(self.name, architecture.key, "the further choices are missing")
        return Architecture(self.name, key), tuple(map(int, chosen.split(",")))

    def join(self, architecture: Architecture, chosen: Sequence[int]) -> Architecture:
        """Inverse of `split`."""
        return Architecture(self.name, f"{architecture.key}{_SEPARATOR}{','.join(map(str, chosen))}")

    def parse(self, notation: Notation) -> Architecture:
        """From the key that `join` makes. Raises: InvalidArchitectureError."""
        inner, chosen = self.split(Architecture(self.name, str(notation)))
        counts = [len(choices) for choices in self.options.values()]
        if len(chosen) != len(counts) or any(not 0 <= each < count for each, count in zip(chosen, counts, strict=True)):
            raise InvalidArchitectureError(self.name, notation, f"further choices must be below {counts}")
        return self.join(self.space.parse(inner.key), chosen)

    def enumerate(self) -> Iterator[Architecture]:
        """Every architecture with every combination. Raises: NotEnumerableError."""
        combinations = self._combinations()
        for architecture in self.space.enumerate():
            for chosen in combinations:
                yield self.join(architecture, chosen)

    def sample(self, count: int, *, rng: np.random.Generator) -> list[Architecture]:
        """`count` distinct pairs; the architectures are drawn as the space draws them."""
        if not 0 <= count <= self.size:
            raise ValueError(f"cannot sample {count} distinct architectures of {self.name}, which has {self.size}")
        combinations = self._combinations()
        found: dict[Architecture, None] = {}
        while len(found) < count:
            inner = self.space.sample(min(count, self.space.size), rng=rng)
            chosen = rng.integers(len(combinations), size=len(inner))
            pairs = zip(inner, chosen.tolist(), strict=True)
            found.update(dict.fromkeys(self.join(each, combinations[index]) for each, index in pairs))
        return list(found)[:count]

    def decisions(self, architectures: Sequence[Architecture]) -> IntArray:
        """(n, positions) the inner decisions, then the further ones."""
        pairs = [self.split(architecture) for architecture in architectures]
        inner = self.space.decisions([architecture for architecture, _ in pairs])
        chosen = np.array([chosen for _, chosen in pairs], dtype=np.int64).reshape(len(pairs), len(self.options))
        return np.concatenate([inner, chosen], axis=1)

    def repair(self, rows: IntArray) -> IntArray:
        """The inner decisions repaired; any further choices go together."""
        positions = len(self.space.choices)
        return np.concatenate([self.space.repair(rows[:, :positions]), rows[:, positions:]], axis=1)

    def graph(self, architecture: Architecture) -> ArchGraph:
        """Of the inner architecture."""
        return self.space.graph(self.split(architecture)[0])

    def isomorphism_class(self, architecture: Architecture) -> str:
        """Of the inner architecture, with the further choices."""
        inner, chosen = self.split(architecture)
        of_inner = self.space.isomorphism_class(inner) if has_classes(self.space) else inner.key
        return f"{of_inner}{_SEPARATOR}{','.join(map(str, chosen))}"

    def workload(self, architecture: Architecture) -> Workload:
        """Of the inner architecture."""
        return self.space.workload(self.split(architecture)[0])

    def parts(self, architecture: Architecture) -> tuple[Part, ...]:
        """Of the inner architecture."""
        return self.space.parts(self.split(architecture)[0])

    def part_layers(self, part: Part) -> tuple[Layer, ...]:
        """As the space's."""
        return self.space.part_layers(part)

    def _architectures(self, rows: IntArray) -> list[Architecture]:
        positions = len(self.space.choices)
        inner = self.space.from_decisions(rows[:, :positions])
        chosen = rows[:, positions:].tolist()
        return [self.join(architecture, each) for architecture, each in zip(inner, chosen, strict=True)]

    def _combinations(self) -> list[tuple[int, ...]]:
        return list(itertools.product(*(range(len(choices)) for choices in self.options.values())))

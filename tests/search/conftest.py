"""A space small enough to be checked by brute force, and objectives read from tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from search import Direction, Objective
from spaces.base import ArchGraph, Architecture, FloatArray, IntArray, Layer, Notation, Workload
from spaces.segmented_space import SegmentedSpace


class DigitSpace(SegmentedSpace):
    """Architectures are digit strings, one digit per position."""

    def __init__(self, counts: Sequence[int]):
        self._counts = tuple(counts)

    @property
    def name(self) -> str:
        return "digits"

    @property
    def op_names(self) -> tuple[str, ...]:
        return ()

    @property
    def layer_groups(self) -> tuple[str, ...]:
        return ()

    @property
    def choices(self) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(str(digit) for digit in range(count)) for count in self._counts)

    def parse(self, notation: Notation) -> Architecture:
        return Architecture(self.name, str(notation))

    def enumerate(self):
        return iter(self.from_decisions(np.indices(self._counts).reshape(len(self._counts), -1).T))

    def decisions(self, architectures: Sequence[Architecture]) -> IntArray:
        rows = [[int(digit) for digit in architecture.key] for architecture in architectures]
        return np.array(rows, dtype=np.int64).reshape(len(rows), len(self._counts))

    def _architectures(self, rows: IntArray) -> list[Architecture]:
        return [Architecture(self.name, "".join(map(str, row))) for row in rows.tolist()]

    def graph(self, architecture: Architecture) -> ArchGraph:
        raise NotImplementedError

    def workload(self, architecture: Architecture) -> Workload:
        return Workload(())

    def fixed_layers(self) -> tuple[Layer, ...]:
        return ()

    def segment(self, position: int, choice: int) -> tuple[Layer, ...]:
        return ()


@dataclass
class Table:
    """Values of one metric per architecture, which counts how often each was asked for."""

    values: Mapping[Architecture, float]
    asked: list[Architecture] = field(default_factory=list)

    def __call__(self, architectures: Sequence[Architecture]) -> FloatArray:
        self.asked.extend(architectures)
        return np.array([self.values[architecture] for architecture in architectures])


@pytest.fixture(scope="session")
def digits() -> DigitSpace:
    return DigitSpace((3, 4, 5))


@pytest.fixture(scope="session")
def wide_digits() -> DigitSpace:
    """4^12 = 16.8 million architectures: too many to be listed."""
    return DigitSpace((4,) * 12)


@pytest.fixture(scope="session")
def make_table(digits: DigitSpace) -> Callable[[FloatArray], Table]:
    """Makes the table of one value per architecture of `digits`, in the order of `enumerate`."""
    return lambda values: Table(dict(zip(digits.enumerate(), np.asarray(values, dtype=float), strict=True)))


@pytest.fixture(scope="session")
def make_objective(make_table: Callable[[FloatArray], Table]) -> Callable[[str, Direction, FloatArray], Objective]:
    """Makes an objective of one value per architecture of `digits`, in the order of `enumerate`."""
    return lambda name, direction, values: Objective(name, direction, make_table(values))

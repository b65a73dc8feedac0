"""Sums over parts, measured once each."""

import numpy as np

from spaces import SPACES
from spaces.part_table import PartTable


def test_each_part_is_measured_once() -> None:
    space = SPACES["ofa"]
    architectures = space.sample(30, rng=np.random.default_rng(0))
    calls: list[int] = []

    def count(layers):
        calls.append(len(layers))
        return (len(layers),)

    table = PartTable(space, count, 1)
    first = table(architectures)
    parts = {part for architecture in architectures for part in space.parts(architecture)}
    assert len(calls) == len(parts)
    assert (table(architectures[::-1]) == first[::-1]).all()
    assert len(calls) == len(parts)


def test_additive_space_is_measured_before_the_first_architecture() -> None:
    calls: list[int] = []

    def count(layers):
        calls.append(len(layers))
        return (len(layers),)

    PartTable(SPACES["nb201"], count, 1)
    assert len(calls) == 1 + 6 * 5

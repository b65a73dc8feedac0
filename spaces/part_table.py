"""Sums over the layers of many architectures at once: each part that they share is measured once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from spaces.base import AdditiveSpace, Architecture, FloatArray, Layer, Part, SearchSpace, is_additive

Measure = Callable[[tuple[Layer, ...]], Sequence[float]]


class PartTable:
    """What parts of a space amount to in some measure that adds over layers; grows with the parts met.

    Safe to share between threads: at worst two of them measure the same part.

    Args:
        measure: layers -> `width` numbers; additive over the union of layers.
    """

    def __init__(self, space: SearchSpace, measure: Measure, width: int):
        self._space = space
        self._measure = measure
        self._width = width
        self._known: dict[Part, tuple[float, ...]] = {}
        self._dense = _dense_table(space, measure, width) if is_additive(space) else None

    def __call__(self, architectures: Sequence[Architecture]) -> FloatArray:
        """(n, 1 + positions, width): what belongs to no decision, then what each position adds.

        Raises: InvalidArchitectureError for an architecture of another space.
        """
        if self._dense is not None:
            fixed, table = self._dense
            rows = self._space.decisions(architectures)
            per_position = table[np.arange(rows.shape[1]), rows]
            return np.concatenate([np.broadcast_to(fixed, (len(rows), 1, self._width)), per_position], axis=1)
        sums = np.zeros((len(architectures), 1 + len(self._space.choices), self._width))
        met: dict[Part, int] = {}  # numbered in the order in which they are met
        of_each = [
            [met.setdefault(part, len(met)) for part in self._space.parts(architecture)]
            for architecture in architectures
        ]
        if met:
            numbers = np.concatenate([np.array(each, dtype=np.int64) for each in of_each])
            rows = np.repeat(np.arange(len(of_each)), [len(each) for each in of_each])
            columns = np.array([1 + part.position for part in met])[numbers]
            np.add.at(sums, (rows, columns), np.array([self._value(part) for part in met])[numbers])
        return sums

    def _value(self, part: Part) -> tuple[float, ...]:
        known = self._known.get(part)
        if known is None:
            known = self._known[part] = tuple(self._measure(self._space.part_layers(part)))
        return known


def _dense_table(space: AdditiveSpace, measure: Measure, width: int) -> tuple[FloatArray, FloatArray]:
    """The fixed layers' values (width,) and each choice's at each position (positions, most choices, width)."""
    table = np.zeros((len(space.choices), max(map(len, space.choices)), width))
    for position, names in enumerate(space.choices):
        for choice in range(len(names)):
            table[position, choice] = measure(space.segment(position, choice))
    return np.array(measure(space.fixed_layers()), dtype=np.float64), table

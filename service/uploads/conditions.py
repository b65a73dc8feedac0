"""Keeps a device's timings in a space to one condition: one batch size, one precision, one input shape.

A predictor is fitted on all of them together, and cannot tell a larger batch from a slower device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import numpy as np

from service.uploads.columns import shown
from spaces import SearchSpace
from spaces.base import is_open

COLUMNS: Final = ("batch_size", "precision", "input_shape")
_SAMPLED: Final = 16  # architectures that tell whether a space leaves the input shape open

Key = tuple[str, str]  # device and space
Stored = Callable[[str, str], Mapping[str, frozenset[Any]]]


def nothing_stored(_device: str, _space: str) -> Mapping[str, frozenset[Any]]:
    """The conditions of an empty database."""
    return {}


class Conditions:
    """The condition of each device and space, as stored or else as the first row says that gives a value.

    Args:
        stored: device and space -> for each of `COLUMNS` the values that its timings have.
    """

    def __init__(self, spaces: Mapping[str, SearchSpace], stored: Stored = nothing_stored):
        self._spaces = spaces
        self._stored = stored
        self._known: dict[Key, dict[str, dict[object, str]]] = {}
        self._found: dict[Key, Mapping[str, frozenset[Any]]] = {}

    def contradictions(self, key: Key, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Columns of a row that contradict the other rows, with the reason; missing values contradict nothing."""
        known = self._of(key)
        for column, value in self._compared(key, given):
            others = known.get(column)
            if others and _comparable(value) not in others:
                listed = ", ".join(sorted(others.values()))
                yield (
                    column,
                    f"{column} {shown(value)} contradicts {listed} of {key[0]!r} in {key[1]}: the timings of a device "
                    "in a space are of one condition; register a device for each",
                )

    def note(self, key: Key, given: Mapping[str, Any], where: str) -> None:
        """Hold later rows to the values of this one. Args: where: names the row in a reason."""
        known = self._of(key)
        for column, value in self._compared(key, given):
            known.setdefault(column, {_comparable(value): f"{shown(value)} ({where})"})

    def _compared(self, key: Key, given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for column in COLUMNS:
            value = given.get(column)
            if value and not (column == "input_shape" and _chooses_its_input(self._spaces[key[1]])):
                yield column, value

    @property
    def found(self) -> Mapping[Key, Mapping[str, frozenset[Any]]]:
        """What was stored for the devices and spaces of the rows so far."""
        return self._found

    def _of(self, key: Key) -> dict[str, dict[object, str]]:
        if key not in self._known:
            self._found[key] = self._stored(*key)
            self._known[key] = {
                column: {_comparable(value): f"{shown(value)} (stored)" for value in values}
                for column, values in self._found[key].items()
                if values
            }
        return self._known[key]


@cache
def _chooses_its_input(space: SearchSpace) -> bool:
    """Whether the input shape is part of the architecture, as Once-for-all's resolution is."""
    if is_open(space):
        return True
    sampled = space.sample(_SAMPLED, rng=np.random.default_rng(0))
    return len({space.workload(architecture).input_shape for architecture in sampled}) > 1


def _comparable(value: object) -> object:
    """Equal for two spellings of one value: `FP32` and `fp32`, `1x3x32x32` and `3x32x32`."""
    if not isinstance(value, str):
        return value
    text = value.casefold().replace(" ", "")
    return text.removeprefix("1x") if text.count("x") == 3 else text

"""First pass over an upload: every row checked by itself and against the others, nothing stored."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from service.uploads.conditions import Conditions
from service.uploads.errors import RowProblem, UploadTooLargeError
from service.uploads.findings import Findings
from service.uploads.raw_row import RawRow
from service.uploads.validation import CheckedRow, RowCheck
from spaces.base import Architecture, FloatArray

# The layers of each such row's network are looked up, which takes up to a millisecond, twice.
MAX_PROFILED_ROWS: Final = 10_000


@dataclass(slots=True)
class Group:
    """The good rows of one device and space, in file order."""

    first_row: dict[Architecture, int] = field(default_factory=dict)
    numbers: array[int] = field(default_factory=lambda: array("q"))
    lines: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))

    @property
    def architectures(self) -> list[Architecture]:
        """(n,) architectures, each once."""
        return list(self.first_row)

    @property
    def latency_ms(self) -> FloatArray:
        """(n,) values."""
        return np.frombuffer(self.values, dtype=np.float64)


@dataclass(slots=True)
class Review(Findings):
    """What the first pass found.

    Attributes:
        groups: good rows by device and space, unit faults still among them.
        conditions: what the rows were held against, by device and space.
    """

    groups: dict[tuple[str, str], Group] = field(default_factory=dict)
    conditions: Mapping[tuple[str, str], Mapping[str, frozenset[Any]]] = field(default_factory=dict)


def review(rows: Iterable[RawRow], check: RowCheck, max_rows: int, conditions: Conditions) -> Review:
    """Check every row; of rows for the same device and architecture all but the first good one are bad.

    Bad are also rows of another condition than their device's in that space.

    Raises: UploadTooLargeError above `max_rows` or `MAX_PROFILED_ROWS`; whatever the reader of the rows raises.
    """
    found = Review(conditions=conditions.found)
    profiled = 0
    for raw in found.counted(rows, max_rows):
        profiled += bool(raw.cells.get("layer_ms"))
        if profiled > MAX_PROFILED_ROWS:
            raise UploadTooLargeError(MAX_PROFILED_ROWS, "rows with layer_ms")
        checked = check(raw)
        if isinstance(checked, CheckedRow):
            _add(found, checked, conditions)
        else:
            found.reject(checked)
    return found


def accepted(rows: Iterable[RawRow], check: RowCheck, rejected: set[int]) -> Iterator[CheckedRow]:
    """Second pass: the rows of the same file that were not rejected."""
    for raw in rows:
        if raw.number not in rejected:
            checked = check(raw)
            assert isinstance(checked, CheckedRow), "the file changed between the passes"
            yield checked


def _add(found: Review, row: CheckedRow, conditions: Conditions) -> None:
    key = (row.device, row.architecture.space)
    contradictions = [
        RowProblem(row.number, row.line, *fault) for fault in conditions.contradictions(key, row.provenance)
    ]
    if contradictions:
        found.reject(contradictions)
        return
    group = found.groups.setdefault(key, Group())
    first = group.first_row.setdefault(row.architecture, len(group.numbers))
    if first < len(group.numbers):
        where = _place(group.numbers[first], group.lines[first] if row.line is not None else None)
        reason = f"the architecture {row.architecture} is there already for this device: {where}"
        found.reject([RowProblem(row.number, row.line, "architecture", reason)])
        return
    conditions.note(key, row.provenance, _place(row.number, row.line))
    group.numbers.append(row.number)
    group.lines.append(row.line or 0)
    group.values.append(row.latency_ms)


def _place(number: int, line: int | None) -> str:
    return f"row {number}" + (f", line {line}" if line is not None else "")

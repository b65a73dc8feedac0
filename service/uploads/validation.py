"""Checks of one row: known names, a parsable architecture, a plausible number, provenance of the right type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from service.uploads.columns import PROVENANCE, REQUIRED, read_latency_ms, shown
from service.uploads.errors import RowProblem
from service.uploads.raw_row import RawRow
from spaces.base import Architecture, SearchSpace
from spaces.errors import InvalidArchitectureError

_CACHE_SIZE: Final = 100_000
_MAX_NOTATION: Final = 2000


class CheckedRow(NamedTuple):
    """A row that passed every check that needs no other row; `provenance` is named as the stored row's fields."""

    number: int
    line: int | None
    device: str
    architecture: Architecture
    latency_ms: float
    provenance: dict[str, Any]


class RowCheck:
    """Turns raw rows into checked ones or into their problems.

    Args:
        spaces: name to space; parses architectures, by index too where the space has its order.
        simulated: known device name to whether it is simulated, which no upload may write to.
    """

    def __init__(self, spaces: Mapping[str, SearchSpace], simulated: Mapping[str, bool]):
        self._spaces = spaces
        self._simulated = simulated
        self._parsed: dict[tuple[str, object], Architecture] = {}
        self._readers: dict[str, Callable[[object], object]] = {
            "device": self._read_device,
            "space": self._read_space,
            "latency_ms": read_latency_ms,
            **PROVENANCE,
        }

    def __call__(self, raw: RawRow) -> CheckedRow | list[RowProblem]:
        """The row with its values read, or everything that is wrong with it."""
        if raw.fault is not None:
            return [RowProblem(raw.number, raw.line, None, raw.fault)]
        cells = {name: cell for name, cell in raw.cells.items() if cell is not None and cell != ""}
        values: dict[str, Any] = {}
        faults = {name: "no value" for name in REQUIRED if name not in cells}
        notation = cells.pop("architecture", None)
        for name, cell in cells.items():
            try:
                values[name] = self._readers[name](cell)
            except ValueError as error:
                faults[name] = str(error)
        space = values.pop("space", None)
        if space is not None and notation is not None:
            try:
                values["architecture"] = self._read_architecture(space, notation)
            except ValueError as error:
                faults["architecture"] = str(error)
        if faults:
            return [RowProblem(raw.number, raw.line, name, reason) for name, reason in faults.items()]
        device, architecture, latency_ms = (values.pop(name) for name in ("device", "architecture", "latency_ms"))
        return CheckedRow(raw.number, raw.line, device, architecture, latency_ms, values)

    def _read_device(self, cell: object) -> str:
        name = cell.strip() if isinstance(cell, str) else cell
        if not isinstance(name, str) or name not in self._simulated:
            raise ValueError(f"unknown device {shown(cell)}; register it first with POST /devices")
        if self._simulated[name]:
            raise ValueError(f"device {name!r} is simulated: its latencies are computed, not uploaded")
        return name

    def _read_space(self, cell: object) -> str:
        name = cell.strip() if isinstance(cell, str) else cell
        if not isinstance(name, str) or name not in self._spaces:
            raise ValueError(f"unknown space {shown(cell)}; known: {', '.join(self._spaces)}")
        return name

    def _read_architecture(self, space: str, cell: object) -> Architecture:
        key = (space, _notation(cell))
        if key not in self._parsed:
            if len(self._parsed) >= _CACHE_SIZE:
                self._parsed.clear()
            try:
                self._parsed[key] = self._spaces[space].parse(cell)  # pyright: ignore[reportArgumentType]
            except InvalidArchitectureError as error:
                raise ValueError(str(error)) from None
        return self._parsed[key]


def _notation(cell: object) -> object:
    """A hashable form of an architecture's notation. Raises: ValueError for what is none."""
    if isinstance(cell, str) and len(cell) <= _MAX_NOTATION:
        return cell
    if type(cell) is int:
        return cell
    if isinstance(cell, list) and len(cell) <= _MAX_NOTATION and all(type(part) in (int, str) for part in cell):
        return tuple(cell)
    raise ValueError(f"{shown(cell)} is no architecture: give a text, an index, or a list of choices")

"""Checks of one row: known names, a parsable architecture, a plausible number, provenance of the right type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from service.uploads.columns import PROVENANCE, REQUIRED, read_latency_ms, shown
from service.uploads.errors import RowProblem
from service.uploads.raw_row import RawRow
from service.uploads.row_cells import RowCells
from spaces.base import Architecture, SearchSpace


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
        self._simulated = simulated
        self._cells = RowCells(
            spaces, REQUIRED, {"device": self._read_device, "latency_ms": read_latency_ms, **PROVENANCE}
        )

    def __call__(self, raw: RawRow) -> CheckedRow | list[RowProblem]:
        """The row with its values read, or everything that is wrong with it."""
        values = self._cells(raw)
        if isinstance(values, list):
            return values
        device, architecture, latency_ms = (values.pop(name) for name in ("device", "architecture", "latency_ms"))
        return CheckedRow(raw.number, raw.line, device, architecture, latency_ms, values)

    def _read_device(self, cell: object) -> str:
        name = cell.strip() if isinstance(cell, str) else cell
        if not isinstance(name, str) or name not in self._simulated:
            raise ValueError(f"unknown device {shown(cell)}; register it first with POST /devices")
        if self._simulated[name]:
            raise ValueError(f"device {name!r} is simulated: its latencies are computed, not uploaded")
        return name

"""Checks of one row: known names, a parsable architecture, a plausible number, provenance of the right type."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from device_db import LayerProfile
from service.uploads.columns import PROVENANCE, REQUIRED, read_latency_ms, shown
from service.uploads.errors import RowProblem
from service.uploads.raw_row import RawRow
from service.uploads.row_cells import RowCells
from spaces.base import Architecture, SearchSpace
from spaces.layer_digest import layer_digest

# Of the latency: rounding, and a profile that was not made in the same run.
_MOST_OF_LATENCY: Final = 1.1


class CheckedRow(NamedTuple):
    """A row that passed every check that needs no other row; `provenance` is named as the stored row's fields."""

    number: int
    line: int | None
    device: str
    architecture: Architecture
    latency_ms: float
    provenance: dict[str, Any]
    profile: LayerProfile | None = None


class RowCheck:
    """Turns raw rows into checked ones or into their problems.

    Args:
        spaces: name to space; parses architectures, by index too where the space has its order.
        simulated: known device name to whether it is simulated, which no upload may write to.
    """

    def __init__(self, spaces: Mapping[str, SearchSpace], simulated: Mapping[str, bool]):
        self._spaces = spaces
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
        layer_ms = values.pop("layer_ms", None)
        if layer_ms is None:
            return CheckedRow(raw.number, raw.line, device, architecture, latency_ms, values)
        try:
            profile = self._profile(architecture, latency_ms, layer_ms)
        except ValueError as error:
            return [RowProblem(raw.number, raw.line, "layer_ms", str(error))]
        return CheckedRow(raw.number, raw.line, device, architecture, latency_ms, values, profile)

    def _profile(self, architecture: Architecture, latency_ms: float, layer_ms: tuple[float, ...]) -> LayerProfile:
        """The numbers with the layers that they are of. Raises: ValueError with the reason."""
        layers = self._spaces[architecture.space].workload(architecture).layers
        if len(layer_ms) != len(layers):
            raise ValueError(f"has {len(layer_ms):,} numbers where the network has {len(layers):,} layers")
        total_ms = math.fsum(layer_ms)
        if not 0 < total_ms <= _MOST_OF_LATENCY * latency_ms:
            raise ValueError(f"adds up to {total_ms:.4g} ms; allowed is more than 0, and not more than latency_ms")
        return LayerProfile(layer_digest(layers), layer_ms)

    def _read_device(self, cell: object) -> str:
        name = cell.strip() if isinstance(cell, str) else cell
        if not isinstance(name, str) or name not in self._simulated:
            raise ValueError(f"unknown device {shown(cell)}; register it first with POST /devices")
        if self._simulated[name]:
            raise ValueError(f"device {name!r} is simulated: its latencies are computed, not uploaded")
        return name

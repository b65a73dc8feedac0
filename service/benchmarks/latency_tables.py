"""The measured latency tables of HELP and EAGLE, read in place through the product's importers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from device_db.importers import eagle, help as help_tables  # isort: skip
from spaces import Architecture, get_space
from spaces.base import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class LatencyTable:
    """Latencies of one space.

    Attributes:
        architectures: n of them, in HELP's order.
        latency_ms: device -> (n,), NaN where not measured.
    """

    architectures: list[Architecture]
    latency_ms: dict[str, FloatArray]


def read_tables(data: Path) -> dict[str, LatencyTable]:
    """Every measured device of NB201 and FBNet under the reference data's folder, by space."""

    def canonical(space: str, notation: object) -> str:
        return get_space(space).parse(notation).key  # pyright: ignore[reportArgumentType]

    values: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for source in (help_tables.read(data / "help", canonical), eagle.read(data / "eagle", canonical)):
        for row in source.measurements:
            values[row.space][row.device][row.architecture] = row.value
    tables = {}
    for space, devices in values.items():
        keys = max(devices.values(), key=len).keys()
        latency_ms = {name: np.array([known.get(key, np.nan) for key in keys]) for name, known in devices.items()}
        tables[space] = LatencyTable([Architecture(space, key) for key in keys], latency_ms)
    return tables

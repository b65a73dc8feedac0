"""Published zero-cost proxies for every NAS-Bench-201 cell: those of equal cells serve the ones that have none.

NAS-Bench-Suite-Zero has proxies of 9,445 of 15,625 cells. The mean over a cell's isomorphism class is taken, for every
cell, so that equal cells have equal proxies and fewer draws of weights show. Classes without any (181) take the mean
over the cells with the same paths and live costs, which the classes, counting zeros in sums, hold apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from arch_encodings import ENCODERS, Zcp
from arch_encodings.zcp import SCALES, scale_proxies
from device_db.importers import zero_cost
from service.errors import ProxiesNotPublishedError
from spaces import Architecture
from spaces.base import FloatArray, IntArray, SearchSpace
from spaces.nb201_cell import isomorphism_class


class SharedProxies:
    """The encoding `zcp` of a space as a table; see the module."""

    name = "zcp"

    def __init__(self, rows: Mapping[Architecture, FloatArray]):
        self._rows = rows

    def feature_names(self, space: SearchSpace) -> tuple[str, ...]:
        """As `Zcp`."""
        return Zcp().feature_names(space)

    def encode(self, space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
        """See `Encoder.encode`. Raises: ProxiesNotPublishedError for architectures outside the table."""
        missing = sum(architecture not in self._rows for architecture in architectures)
        if missing:
            raise ProxiesNotPublishedError(space.name, missing)
        return np.array([self._rows[architecture] for architecture in architectures]).reshape(-1, len(SCALES))


def read_shared_proxies(folder: Path, space: SearchSpace, architectures: Sequence[Architecture]) -> SharedProxies:
    """From the folder of published tables, for all cells of NAS-Bench-201. Raises: ImportFormatError."""
    table = zero_cost.read(folder / "nb201_zcp.csv.gz", lambda _, notation: space.parse(notation).key).encodings[0]
    names = tuple(SCALES)
    is_known = np.array([architecture.key in table.values[names[0]] for architecture in architectures])
    raw = [
        [table.values[name][architecture.key] for name in names]
        for architecture, known in zip(architectures, is_known, strict=True)
        if known
    ]
    values = np.full((len(architectures), len(names)), np.nan)
    values[is_known] = scale_proxies(np.array(raw), names)
    classes = [isomorphism_class(row) for row in space.decisions(architectures).tolist()]
    shared = _class_means(values, _numbered(classes))
    function = np.column_stack([ENCODERS["paths"].encode(space, architectures), _live_costs(space, architectures)])
    by_function = _class_means(values, np.unique(function, axis=0, return_inverse=True)[1].ravel())
    filled = np.where(np.isnan(shared), by_function, shared)
    return SharedProxies(dict(zip(architectures, filled, strict=True)))


def _live_costs(space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
    names = ENCODERS["cost"].feature_names(space)
    columns = [number for number, name in enumerate(names) if name.startswith(("live:", "total:live_"))]
    return ENCODERS["cost"].encode(space, architectures)[:, columns]


def _numbered(names: Sequence[str]) -> IntArray:
    return np.unique(np.array(names), return_inverse=True)[1]


def _class_means(values: FloatArray, classes: IntArray) -> FloatArray:
    """(n, d) mean over the known rows of each row's class; NaN where there are none."""
    known = ~np.isnan(values[:, 0])
    counts = np.bincount(classes[known], minlength=classes.max() + 1)
    sums = np.stack([np.bincount(classes[known], column[known], minlength=len(counts)) for column in values.T], axis=1)
    means = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], np.nan)
    return means[classes]

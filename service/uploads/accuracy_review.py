"""Pass over an upload of accuracies: every row checked by itself and against the others, nothing stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from service.uploads.columns import ACCURACIES, read_accuracy, read_text, shown
from service.uploads.errors import RowProblem
from service.uploads.findings import Findings
from service.uploads.raw_row import RawRow
from service.uploads.row_cells import RowCells
from spaces.base import SearchSpace

Table = tuple[str, str]  # space and data set
_READERS: Final = {"dataset": read_text, "accuracy": read_accuracy, "source": read_text}
# Fewer values may all be failures.
_MIN_ROWS: Final = 3


@dataclass(frozen=True, slots=True)
class AccuracyRow:
    """A good row.

    Attributes:
        accuracy: in %.
        source: who says so; None where the row does not tell.
    """

    number: int
    line: int | None
    accuracy: float
    source: str | None


@dataclass(slots=True)
class AccuracyReview(Findings):
    """What the pass found.

    Attributes:
        tables: good rows by space and data set, and there by canonical architecture.
    """

    tables: dict[Table, dict[str, AccuracyRow]] = field(default_factory=dict)


def review_accuracies(
    rows: Iterable[RawRow], spaces: Mapping[str, SearchSpace], max_rows: int, *, check_units: bool
) -> AccuracyReview:
    """Check every row; of rows for the same architecture and data set all but the first good one are bad.

    Args: check_units: refuse a data set whose accuracies look like shares rather than per cent.
    Raises: UploadTooLargeError above `max_rows`; whatever the reader of the rows raises.
    """
    cells, found = RowCells(spaces, ACCURACIES.required, _READERS), AccuracyReview()
    for raw in found.counted(rows, max_rows):
        values = cells(raw)
        if isinstance(values, list):
            found.reject(values)
        else:
            _add(found, raw, values)
    if check_units:
        for (space, dataset), table in found.tables.items():
            for key, problem in _unit_faults(space, dataset, table):
                del table[key]
                found.reject([problem])
    found.problems.sort(key=lambda problem: problem.row)
    return found


def _add(found: AccuracyReview, raw: RawRow, values: Mapping[str, Any]) -> None:
    architecture, dataset = values["architecture"], values["dataset"].lower()
    if not dataset:
        found.reject([RowProblem(raw.number, raw.line, "dataset", "no value")])
        return
    table = found.tables.setdefault((architecture.space, dataset), {})
    first = table.get(architecture.key)
    if first is not None:
        where = f"row {first.number}" + (f", line {first.line}" if first.line is not None else "")
        reason = f"the architecture {architecture} is there already on {shown(dataset)}: {where}"
        found.reject([RowProblem(raw.number, raw.line, "architecture", reason)])
        return
    table[architecture.key] = AccuracyRow(raw.number, raw.line, values["accuracy"], values.get("source"))


def _unit_faults(space: str, dataset: str, table: Mapping[str, AccuracyRow]) -> list[tuple[str, RowProblem]]:
    """All rows of a table of shares: three quarters of a table that are at most 1 % would be one of failures."""
    values = np.array([row.accuracy for row in table.values()])
    if len(values) < _MIN_ROWS or np.quantile(values, 0.75) > 1:
        return []
    reason = (
        f"the accuracies of {space} on {dataset!r} look like shares: give them in %; "
        "check_units=false stores them as they are"
    )
    return [(key, RowProblem(row.number, row.line, "accuracy", reason)) for key, row in table.items()]

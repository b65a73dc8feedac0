"""What a pass over an upload finds wrong with it, whatever its rows are of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from service.uploads.errors import RowProblem, UploadTooLargeError
from service.uploads.raw_row import RawRow

MAX_LISTED: Final = 1000


@dataclass(slots=True)
class Findings:
    """Bad rows.

    Attributes:
        problems: at most `MAX_LISTED`, in the order found.
        rejected: numbers of all bad rows.
        rows: number of rows in the file.
    """

    problems: list[RowProblem] = field(default_factory=list)
    rejected: set[int] = field(default_factory=set)
    rows: int = 0

    def counted(self, rows: Iterable[RawRow], max_rows: int) -> Iterator[RawRow]:
        """The rows, one after the other. Raises: UploadTooLargeError above `max_rows`."""
        for raw in rows:
            self.rows += 1
            if self.rows > max_rows:
                raise UploadTooLargeError(max_rows, "rows")
            yield raw

    def reject(self, problems: Iterable[RowProblem]) -> None:
        """Note bad rows, and list them while there is room."""
        for problem in problems:
            self.rejected.add(problem.row)
            if len(self.problems) < MAX_LISTED:
                self.problems.append(problem)

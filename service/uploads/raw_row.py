"""What every upload format is read into: rows of named cells, with the place they came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from service.uploads.columns import MEASUREMENTS, Columns


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as the file has it.

    Attributes:
        number: 1-based, data rows only.
        line: 1-based line of the file where the row begins; None in formats without lines.
        cells: column name to value; a cell that is absent, null or empty text counts as not given.
        fault: why the row could not be split into cells; `cells` is empty then.
    """

    number: int
    line: int | None
    cells: Mapping[str, object]
    fault: str | None = None


class RowReader(Protocol):
    """Reads one format.

    Contract: rows in file order, one batch of them in memory at a time; reads from the file's start, so that it can
    be called again for a second pass; refuses bad columns before the first row.
    """

    def __call__(self, file: BinaryIO, columns: Columns = MEASUREMENTS) -> Iterator[RawRow]:
        """Rows of the file.

        Args: columns: that it may have.

        Raises: UnreadableUploadError, UploadColumnsError, UploadTooLargeError.
        """
        ...

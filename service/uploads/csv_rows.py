"""Rows of an uploaded CSV file: RFC 4180 quoting, UTF-8, a header row in any column order."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import BinaryIO

from service.uploads.columns import MEASUREMENTS, Columns
from service.uploads.errors import EmptyUploadError, UnreadableUploadError, UploadColumnsError
from service.uploads.raw_row import RawRow
from service.uploads.text_lines import text_lines


def read_csv(file: BinaryIO, columns: Columns = MEASUREMENTS) -> Iterator[RawRow]:
    """Rows of a CSV file; blank lines are skipped.

    Raises: EmptyUploadError, UnreadableUploadError, UploadColumnsError.
    """
    records = _records(file)
    _, first = next(records, (0, None))
    if first is None:
        raise EmptyUploadError
    header = [name.strip() for name in first]
    _check_header(header, columns)
    for number, (line, cells) in enumerate(records, start=1):
        if len(cells) == len(header):
            yield RawRow(number, line, dict(zip(header, cells, strict=True)))
        else:
            yield RawRow(number, line, {}, f"has {len(cells)} cells where the header has {len(header)}")


def _records(file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """Line where each record begins, and its cells."""
    reader = csv.reader(text_lines(file), strict=True)
    begin = 1
    try:
        for cells in reader:
            if cells:
                yield begin, cells
            begin = reader.line_num + 1
    except csv.Error as error:
        raise UnreadableUploadError(f"broken CSV: {error}", begin) from None


def _check_header(header: list[str], columns: Columns) -> None:
    try:
        columns.check(header)
    except UploadColumnsError as error:
        if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
            reasons = [fault.reason for fault in error.errors]
            raise UploadColumnsError(["the columns are not separated by commas", *reasons], error.allowed) from None
        raise

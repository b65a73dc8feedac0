"""Columns of a CSV file, plain or gzipped."""

import csv
import gzip
import zlib
from collections.abc import Iterable
from pathlib import Path

from device_db.errors import ImportFormatError

_GZIP_MAGIC = b"\x1f\x8b"


def read_columns(path: Path, required: Iterable[str]) -> dict[str, list[str]]:
    """Every column by its name, all of one length.

    Raises: ImportFormatError for a file that is not such a table, is damaged, has no row or lacks a required column.
    """
    try:
        header, rows = _read(path)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        raise ImportFormatError(path, f"not a CSV file, or damaged: {error}") from error
    missing = [name for name in required if name not in header]
    if missing:
        raise ImportFormatError(path, f"lacks the columns {', '.join(missing)}")
    if not rows:
        raise ImportFormatError(path, "has no rows")
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise ImportFormatError(path, f"line {line}: {len(row)} fields, but {len(header)} columns")
    return {name: list(column) for name, column in zip(header, zip(*rows, strict=True), strict=True)}


def read_indices(path: Path, column: list[str]) -> list[int]:
    """A column of whole numbers. Raises: ImportFormatError."""
    try:
        return [int(cell) for cell in column]
    except ValueError as error:
        raise ImportFormatError(path, f"an index is not a whole number: {error}") from error


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open("rb") as file:
        is_gzipped = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    with gzip.open(path, "rt", newline="") if is_gzipped else path.open(newline="") as text:
        reader = csv.reader(text)
        return next(reader, []), list(reader)

"""Rows of an uploaded NDJSON file: one JSON object a line, UTF-8."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from service.uploads.columns import MEASUREMENTS, Columns, shown
from service.uploads.raw_row import RawRow
from service.uploads.text_lines import text_lines


def read_ndjson(file: BinaryIO, columns: Columns = MEASUREMENTS) -> Iterator[RawRow]:
    """Rows of an NDJSON file; blank lines are skipped, a line that is no object of known columns is a faulty row.

    Raises: UnreadableUploadError for bytes that are no text.
    """
    number = 0
    for line, text in enumerate(text_lines(file), start=1):
        if text.isspace():
            continue
        number += 1
        try:
            yield RawRow(number, line, _cells(text, columns.allowed))
        except ValueError as error:
            yield RawRow(number, line, {}, str(error))


def _cells(text: str, allowed: Sequence[str]) -> dict[str, object]:
    try:
        cells = json.loads(text, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("no row: nested too deeply") from None
    if not isinstance(cells, dict):
        raise ValueError(f"{shown(cells)} is no JSON object")
    unknown = [shown(name) for name in cells if name not in allowed]
    if unknown:
        raise ValueError(f"unknown column {', '.join(unknown[:5])}; allowed columns: {', '.join(allowed)}")
    return cells


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    cells = dict(pairs)
    if len(cells) < len(pairs):
        raise ValueError("a column is there twice")
    return cells

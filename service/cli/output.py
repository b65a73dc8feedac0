"""What commands write to stdout: JSON as HTTP would answer, or a table for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel


def print_answer(answer: BaseModel) -> None:
    """The JSON that the same request gets over HTTP."""
    print_json(answer.model_dump(mode="json"))


def print_json(value: Mapping[str, object]) -> None:
    """One line for pipes, indented on a terminal."""
    typer.echo(json.dumps(value, indent=2 if sys.stdout.isatty() else None))


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns separated by two spaces; columns that hold nothing but numbers are right-aligned."""
    cells = [[_text(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    is_number = [bool(rows) and all(isinstance(row[i], int | float) for row in rows) for i in range(len(header))]
    for line in [list(header), *cells]:
        aligned = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, is_number, strict=True)
        ]
        typer.echo("  ".join(aligned).rstrip())


def say(message: str) -> None:
    """A remark for people, on stderr so that stdout stays the answer."""
    typer.echo(message, err=True)


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)

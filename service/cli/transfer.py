"""Files of rows that a command stores, here or on a server: their formats, sending them, the rows at fault."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import typer

from service.cli.failures import CommandError
from service.cli.remote import Server, describe_fault

if TYPE_CHECKING:
    from service.uploads.errors import RejectedRowsError

MEDIA_TYPES: Final = {
    ".csv": "text/csv",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
}
GZIP: Final = ".gz"


def media_type_of(file: Path) -> str:
    """The media type that the file's name stands for. Raises: typer.BadParameter."""
    media_type = MEDIA_TYPES.get(Path(file.name.lower().removesuffix(GZIP)).suffix)
    if media_type is None:
        raise typer.BadParameter(f"{file.name} is none of {', '.join(MEDIA_TYPES)}, also with {GZIP}")
    return media_type


def send_file(
    server: str, path: str, api_key: str | None, file: Path, media_type: str, query: dict[str, str]
) -> dict[str, Any]:
    """Upload over HTTP: needs the base install only. Raises: CommandError."""
    headers = {"Content-Type": media_type} | ({"Content-Encoding": "gzip"} if _is_gzip(file) else {})
    return Server(server, api_key).post_file(path, query, file, headers)


def _is_gzip(file: Path) -> bool:
    return file.suffix.lower() == GZIP


def open_file(file: Path) -> BinaryIO:
    """The file, unpacked while it is read."""
    return cast(BinaryIO, gzip.open(file)) if _is_gzip(file) else file.open("rb")


def rejection(error: RejectedRowsError) -> CommandError:
    """The bad rows as a command's error."""
    faults = [
        describe_fault({"row": one.row, "line": one.line, "column": one.column, "reason": one.reason})
        for one in error.problems
    ]
    return CommandError(str(error), faults)

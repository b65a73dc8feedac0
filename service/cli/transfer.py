"""Files of rows that a command stores, here or on a server: their formats, sending them, the rows at fault."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final, Literal, TypeVar, cast

import typer

from service.cli.failures import CommandError
from service.cli.output import say
from service.cli.remote import Server, describe_fault

if TYPE_CHECKING:
    from service.cli.workspace import Workspace
    from service.uploads.errors import RejectedRowsError
    from service.uploads.raw_row import RowReader
    from service.use_cases.upload_measurements import UploadOptions
    from spaces import SearchSpace

Outcome = TypeVar("Outcome")

MEDIA_TYPES: Final = {
    ".csv": "text/csv",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
}
GZIP: Final = ".gz"

RowsFile = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help=f"{', '.join(MEDIA_TYPES)}, also with {GZIP}")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, store nothing.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Store the good rows though others are bad.")]


def media_type_of(file: Path) -> str:
    """The media type that the file's name stands for. Raises: typer.BadParameter."""
    media_type = MEDIA_TYPES.get(Path(file.name.lower().removesuffix(GZIP)).suffix)
    if media_type is None:
        raise typer.BadParameter(f"{file.name} is none of {', '.join(MEDIA_TYPES)}, also with {GZIP}")
    return media_type


def send_file(
    server: str, path: str, api_key: str | None, file: Path, *, dry_run: bool, skip_bad: bool, check_units: bool
) -> dict[str, Any]:
    """Upload over HTTP: needs the base install only. Raises: CommandError; typer.BadParameter."""
    query = {
        "dry_run": str(dry_run).lower(),
        "on_error": _on_error(skip_bad=skip_bad),
        "check_units": str(check_units).lower(),
    }
    headers = {"Content-Type": media_type_of(file)} | ({"Content-Encoding": "gzip"} if _is_gzip(file) else {})
    return Server(server, api_key).post_file(path, query, file, headers)


def _is_gzip(file: Path) -> bool:
    return file.suffix.lower() == GZIP


def store_file(
    data_dir: Path | None,
    file: Path,
    upload: Callable[[Workspace, Mapping[str, SearchSpace], BinaryIO, RowReader, UploadOptions], Outcome],
    *,
    dry_run: bool,
    skip_bad: bool,
    check_units: bool,
) -> Outcome:
    """Upload into the database at hand.

    Args: upload: (workspace, spaces, rows, their reader, options) -> what it did.
    Raises: CommandError for bad rows and for a broken file; typer.BadParameter.
    """
    from service.cli.workspace import open_workspace
    from service.uploads import FORMATS
    from service.uploads.errors import RejectedRowsError
    from service.use_cases.upload_measurements import UploadOptions

    reader = FORMATS[media_type_of(file)]
    options = UploadOptions(dry_run, _on_error(skip_bad=skip_bad), check_units, "cli", file.name)
    with open_workspace(data_dir) as workspace, _opened(file) as body:
        with workspace.read_sessions() as session:
            spaces = workspace.spaces(session)
        try:
            return upload(workspace, spaces, body, reader, options)
        except RejectedRowsError as error:
            raise _rejection(error) from error
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise CommandError(f"{file.name} is no gzip file that can be read: {error}") from error


def say_counts(what: str, answer: dict[str, Any]) -> None:
    """How many of them an upload stored, or would store, and which rows were bad."""
    verb = "would be " if answer["dry_run"] else ""
    counts = ", ".join(f"{answer[name]:,} {name}" for name in ("inserted", "updated", "unchanged", "rejected"))
    say(f"{what} {verb}stored: {counts}")
    for fault in answer["errors"]:
        say(f"  {describe_fault(fault)}")


def _on_error(*, skip_bad: bool) -> Literal["abort", "skip"]:
    return "skip" if skip_bad else "abort"


def _opened(file: Path) -> BinaryIO:
    """The file, unpacked while it is read."""
    return cast(BinaryIO, gzip.open(file)) if _is_gzip(file) else file.open("rb")


def _rejection(error: RejectedRowsError) -> CommandError:
    """The bad rows as a command's error."""
    faults = [
        describe_fault({"row": one.row, "line": one.line, "column": one.column, "reason": one.reason})
        for one in error.problems
    ]
    return CommandError(str(error), faults)

"""`archcast upload`: store a file of timings, in the database at hand or on a server."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, cast

import typer

from service.cli.failures import CommandError
from service.cli.options import AsJson, DataDir
from service.cli.output import print_json, say
from service.cli.remote import ApiKeyOption, Server, ServerOption, describe_fault

if TYPE_CHECKING:
    from service.uploads.errors import RejectedRowsError

_MEDIA_TYPES = {
    ".csv": "text/csv",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
}
_GZIP = ".gz"


def upload(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help=f"{', '.join(_MEDIA_TYPES)}, also with {_GZIP}")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, store nothing.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Store the good rows though others are bad.")] = False,
    check_units: Annotated[
        bool, typer.Option("--check-units/--no-check-units", help="Refuse latencies that look about 1000x off.")
    ] = True,
    server: ServerOption = None,
    api_key: ApiKeyOption = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Store timings (columns device, space, architecture, latency_ms) and adapt the devices' predictors."""
    media_type = _MEDIA_TYPES.get(Path(file.name.lower().removesuffix(_GZIP)).suffix)
    if media_type is None:
        raise typer.BadParameter(f"{file.name} is none of {', '.join(_MEDIA_TYPES)}, also with {_GZIP}")
    query = {
        "dry_run": str(dry_run).lower(),
        "on_error": "skip" if skip_bad else "abort",
        "check_units": str(check_units).lower(),
    }
    if server is not None:
        answer = _send(server, api_key, file, media_type, query)
    else:
        answer = _store(file, media_type, data_dir, dry_run=dry_run, skip_bad=skip_bad, check_units=check_units)
    if as_json:
        print_json(answer)
    else:
        _report(answer)


def _send(server: str, api_key: str | None, file: Path, media_type: str, query: dict[str, str]) -> dict[str, Any]:
    """Upload over HTTP: needs the base install only."""
    headers = {"Content-Type": media_type} | ({"Content-Encoding": "gzip"} if _is_gzip(file) else {})
    return Server(server, api_key).post_file("/admin/measurements", query, file, headers)


def _store(
    file: Path, media_type: str, data_dir: Path | None, *, dry_run: bool, skip_bad: bool, check_units: bool
) -> dict[str, Any]:
    """Upload into the database at hand."""
    from service.cli.workspace import open_workspace
    from service.schemas.uploads import UploadAnswer
    from service.uploads import FORMATS
    from service.uploads.errors import RejectedRowsError
    from service.use_cases.upload_measurements import UploadOptions, upload_measurements

    options = UploadOptions(dry_run, "skip" if skip_bad else "abort", check_units, "cli", file.name)
    with open_workspace(data_dir) as workspace, _open(file) as body:
        with workspace.read_sessions() as session:
            spaces = workspace.spaces(session)
        try:
            outcome = upload_measurements(workspace.engine, spaces, body, FORMATS[media_type], options)
        except RejectedRowsError as error:
            raise _rejection(error) from error
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise CommandError(f"{file.name} is no gzip file that can be read: {error}") from error
        return UploadAnswer.of(outcome, dry_run=dry_run).model_dump(mode="json")


def _is_gzip(file: Path) -> bool:
    return file.suffix.lower() == _GZIP


def _open(file: Path) -> BinaryIO:
    """The file, unpacked while it is read."""
    return cast(BinaryIO, gzip.open(file)) if _is_gzip(file) else file.open("rb")


def _rejection(error: RejectedRowsError) -> CommandError:
    faults = [
        describe_fault({"row": one.row, "line": one.line, "column": one.column, "reason": one.reason})
        for one in error.problems
    ]
    return CommandError(str(error), faults)


def _report(answer: dict[str, Any]) -> None:
    verb = "would be " if answer["dry_run"] else ""
    counts = ", ".join(f"{answer[name]:,} {name}" for name in ("inserted", "updated", "unchanged", "rejected"))
    say(f"rows {verb}stored: {counts}")
    for fault in answer["errors"]:
        say(f"  {describe_fault(fault)}")
    for predictor in answer["predictors"]:
        say("predictor of {device} in {space}: {name} version {version}, {samples} samples".format_map(predictor))
    if answer["batch"]:
        typer.echo(answer["batch"])

"""`archcast upload`: store a file of timings, in the database at hand or on a server."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.failures import CommandError
from service.cli.options import AsJson, DataDir
from service.cli.output import print_json, say
from service.cli.remote import ApiKeyOption, ServerOption, describe_fault
from service.cli.transfer import GZIP, MEDIA_TYPES, media_type_of, open_file, rejection, send_file


def upload(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help=f"{', '.join(MEDIA_TYPES)}, also with {GZIP}")
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
    media_type = media_type_of(file)
    query = {
        "dry_run": str(dry_run).lower(),
        "on_error": "skip" if skip_bad else "abort",
        "check_units": str(check_units).lower(),
    }
    if server is not None:
        answer = send_file(server, "/admin/measurements", api_key, file, media_type, query)
    else:
        answer = _store(file, media_type, data_dir, dry_run=dry_run, skip_bad=skip_bad, check_units=check_units)
    if as_json:
        print_json(answer)
    else:
        _report(answer)


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
    with open_workspace(data_dir) as workspace, open_file(file) as body:
        with workspace.read_sessions() as session:
            spaces = workspace.spaces(session)
        try:
            outcome = upload_measurements(
                workspace.engine, spaces, workspace.candidates, body, FORMATS[media_type], options
            )
        except RejectedRowsError as error:
            raise rejection(error) from error
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise CommandError(f"{file.name} is no gzip file that can be read: {error}") from error
        return UploadAnswer.of(outcome, dry_run=dry_run).model_dump(mode="json")


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

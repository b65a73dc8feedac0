"""`archcast accuracies`: list test accuracies, store a file of them."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.failures import CommandError
from service.cli.options import AsJson, DataDir
from service.cli.output import print_answer, print_json, print_table, say
from service.cli.remote import ApiKeyOption, ServerOption, describe_fault
from service.cli.transfer import GZIP, MEDIA_TYPES, media_type_of, open_file, rejection, send_file

app = typer.Typer(
    invoke_without_command=True, help="List the test accuracies by space and data set, or store some with `add`."
)


@app.callback()
def list_accuracies(context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """How many accuracies there are, by space, data set and source."""
    if context.invoked_subcommand is not None:
        return
    from device_db import Accuracies
    from service.cli.workspace import open_workspace
    from service.schemas.accuracies import AccuracyTable, AccuracyTables

    with open_workspace(data_dir) as workspace, workspace.read_sessions() as session:
        counts = Accuracies(session).counts()
    answer = AccuracyTables(tables=[AccuracyTable.model_validate(each, from_attributes=True) for each in counts])
    if as_json:
        print_answer(answer)
    else:
        rows = [(each.space, each.dataset, each.source, each.count) for each in answer.tables]
        print_table(("space", "dataset", "source", "count"), rows)


@app.command()
def add(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help=f"{', '.join(MEDIA_TYPES)}, also with {GZIP}")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, store nothing.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Store the good rows though others are bad.")] = False,
    check_units: Annotated[
        bool, typer.Option("--check-units/--no-check-units", help="Refuse accuracies that look like shares.")
    ] = True,
    server: ServerOption = None,
    api_key: ApiKeyOption = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Store test accuracies in % (columns space, dataset, architecture, accuracy) for searches to learn from."""
    media_type = media_type_of(file)
    on_error = "skip" if skip_bad else "abort"
    if server is not None:
        query = {"dry_run": str(dry_run).lower(), "on_error": on_error, "check_units": str(check_units).lower()}
        answer = send_file(server, "/admin/accuracies", api_key, file, media_type, query)
    else:
        answer = _store(file, media_type, data_dir, dry_run=dry_run, on_error=on_error, check_units=check_units)
    if as_json:
        print_json(answer)
    else:
        _report(answer)


def _store(
    file: Path, media_type: str, data_dir: Path | None, *, dry_run: bool, on_error: Any, check_units: bool
) -> dict[str, Any]:
    from service.cli.workspace import open_workspace
    from service.schemas.accuracies import AccuracyUploadAnswer
    from service.uploads import FORMATS
    from service.uploads.errors import RejectedRowsError
    from service.use_cases.upload_accuracies import upload_accuracies
    from service.use_cases.upload_measurements import UploadOptions

    options = UploadOptions(dry_run, on_error, check_units, "cli", file.name)
    with open_workspace(data_dir) as workspace, open_file(file) as body:
        with workspace.read_sessions() as session:
            spaces = workspace.spaces(session)
        try:
            outcome = upload_accuracies(workspace.engine, spaces, body, FORMATS[media_type], options)
        except RejectedRowsError as error:
            raise rejection(error) from error
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise CommandError(f"{file.name} is no gzip file that can be read: {error}") from error
    return AccuracyUploadAnswer.of(outcome, dry_run=dry_run).model_dump(mode="json")


def _report(answer: dict[str, Any]) -> None:
    verb = "would be " if answer["dry_run"] else ""
    counts = ", ".join(f"{answer[name]:,} {name}" for name in ("inserted", "updated", "unchanged", "rejected"))
    say(f"accuracies {verb}stored: {counts}")
    for fault in answer["errors"]:
        say(f"  {describe_fault(fault)}")

"""`archcast accuracies`: list test accuracies, store a file of them."""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli.options import AsJson, DataDir
from service.cli.output import print_answer, print_json, print_table
from service.cli.remote import ApiKeyOption, ServerOption
from service.cli.transfer import DryRun, RowsFile, SkipBad, say_counts, send_file, store_file

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
    file: RowsFile,
    dry_run: DryRun = False,
    skip_bad: SkipBad = False,
    check_units: Annotated[
        bool, typer.Option("--check-units/--no-check-units", help="Refuse accuracies that look like shares.")
    ] = True,
    server: ServerOption = None,
    api_key: ApiKeyOption = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Store test accuracies in % (columns space, dataset, architecture, accuracy) for searches to learn from."""
    options = {"dry_run": dry_run, "skip_bad": skip_bad, "check_units": check_units}
    if server is not None:
        answer = send_file(server, "/admin/accuracies", api_key, file, **options)
    else:
        from service.schemas.accuracies import AccuracyUploadAnswer
        from service.use_cases.upload_accuracies import upload_accuracies

        outcome = store_file(data_dir, file, lambda here, *rest: upload_accuracies(here.engine, *rest), **options)
        answer = AccuracyUploadAnswer.of(outcome, dry_run=dry_run).model_dump(mode="json")
    if as_json:
        print_json(answer)
    else:
        say_counts("accuracies", answer)

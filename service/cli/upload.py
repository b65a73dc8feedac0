"""`archcast upload`: store a file of timings, in the database at hand or on a server."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.options import AsJson, DataDir
from service.cli.output import print_json, say
from service.cli.remote import ApiKeyOption, ServerOption
from service.cli.transfer import DryRun, RowsFile, SkipBad, say_counts, send_file, store_file


def upload(
    file: RowsFile,
    dry_run: DryRun = False,
    skip_bad: SkipBad = False,
    check_units: Annotated[
        bool, typer.Option("--check-units/--no-check-units", help="Refuse latencies that look about 1000x off.")
    ] = True,
    server: ServerOption = None,
    api_key: ApiKeyOption = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Store timings (columns device, space, architecture, latency_ms) and adapt the devices' predictors."""
    options = {"dry_run": dry_run, "skip_bad": skip_bad, "check_units": check_units}
    if server is not None:
        answer = send_file(server, "/admin/measurements", api_key, file, **options)
    else:
        from service.schemas.uploads import UploadAnswer
        from service.use_cases.upload_measurements import upload_measurements

        outcome = store_file(
            data_dir,
            file,
            lambda here, spaces, *rest: upload_measurements(here.engine, spaces, here.candidates, *rest),
            **options,
        )
        answer = UploadAnswer.of(outcome, dry_run=dry_run).model_dump(mode="json")
    if as_json:
        print_json(answer)
    else:
        _report(answer)


def _report(answer: dict[str, Any]) -> None:
    say_counts("rows", answer)
    for predictor in answer["predictors"]:
        say("predictor of {device} in {space}: {name} version {version}, {samples} samples".format_map(predictor))
    if answer["batch"]:
        typer.echo(answer["batch"])

"""`archcast import`: public benchmark tables in their authors' formats, and the timings that come with archcast."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.options import AsJson, DataDir
from service.cli.output import print_json, say
from service.cli.progress import progress

if TYPE_CHECKING:
    from device_db.importers import Importer, ImportReport
    from service.cli.workspace import Workspace

# As `device_db.importers.IMPORTERS`, which needs the server's packages; a test holds the two together.
BENCHMARKS = {
    "help": "HELP: nb201 and fbnet on 27 devices each, ofa on 12. PATH is its `data` or one space's folder.",
    "eagle": "EAGLE / LatBench: latencies of nb201 on 13 devices. PATH is the table (.csv or .csv.gz) or its folder.",
    "hw-nas-bench": "HW-NAS-Bench: latency and energy of nb201 on 6 devices. PATH is the Parquet file or its folder.",
    "accuracy": "NAS-Bench-201: test accuracies, and the order that gives cells their index. PATH as for eagle.",
    "zero-cost": "Published proxies of nb201 and fbnet, used where asked for by name. PATH is a file or their folder.",
}

app = typer.Typer(
    no_args_is_help=True,
    help="Import public benchmark tables, or archcast's own timings, and fit the predictors of their devices. "
    "Importing twice changes nothing.",
)


def _command(benchmark: str) -> Callable[..., None]:
    def run(
        path: Annotated[Path, typer.Argument(help="Where the benchmark's files are.")],
        data_dir: DataDir = None,
        as_json: AsJson = False,
    ) -> None:
        from device_db.importers import IMPORTERS
        from service.cli.workspace import open_workspace

        with open_workspace(data_dir) as workspace:
            report = _store(workspace, IMPORTERS[benchmark], path)
            _finish(workspace, report, as_json=as_json)

    return run


for _name, _summary in BENCHMARKS.items():
    app.command(_name, help=_summary)(_command(_name))


@app.command("ort-cpu")
def import_ort_cpu(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Devices that archcast timed itself, ONNX Runtime in fp32 on one and two cores, and int8: they come with it."""
    from device_db.importers import shipped
    from service.cli.workspace import open_workspace
    from service.use_cases.add_timed_models import add_timed_models

    with open_workspace(data_dir) as workspace:
        add_timed_models(workspace.sessions, workspace.settings, shipped.model_names(shipped.FOLDER))
        report = _store(workspace, shipped.read, shipped.FOLDER)
        _finish(workspace, report, as_json=as_json)


def _finish(workspace: Workspace, report: ImportReport, *, as_json: bool) -> None:
    predictors = _fit(workspace) if report.upload_id is not None else 0
    if as_json:
        print_json(_as_json(report, predictors))
    else:
        _print_report(report, predictors)


def _store(workspace: Workspace, read: Importer, path: Path) -> ImportReport:
    from device_db.importers import import_benchmark

    with workspace.read_sessions() as session:
        spaces = workspace.spaces(session)
    data = read(path, lambda space, notation: spaces[space].parse(notation).key)
    with progress("rows") as on_progress, workspace.sessions.begin() as session:
        return import_benchmark(session, data, uploader="cli", on_progress=on_progress)


def _fit(workspace: Workspace) -> int:
    """Fit what has new samples; returns how many devices and spaces have a predictor."""
    from service.use_cases.adapt_predictor import adapt_all

    with workspace.read_sessions() as session:
        spaces = workspace.spaces(session)
    fitted = 0
    for name in spaces:
        with progress(f"predictors of {name}") as on_progress:
            fitted += len(adapt_all(workspace.engine, spaces, workspace.candidates, name, on_progress))
    return fitted


def _as_json(report: ImportReport, predictors: int) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(report), "predictors": predictors}


def _print_report(report: ImportReport, predictors: int) -> None:
    stored = (
        ("measurements", report.measurements),
        ("accuracies", report.accuracies),
        ("encoding values", report.encodings),
    )
    for what, counts in stored:
        if counts.total:
            typer.echo(
                f"{what}: {counts.inserted:,} inserted, {counts.updated:,} updated, {counts.unchanged:,} unchanged"
            )
    if report.devices:
        typer.echo(f"devices: {report.devices} new")
    if report.orders:
        typer.echo(f"index order: now known for {', '.join(report.orders)}")
    if predictors:
        typer.echo(f"predictors: {predictors} up to date")
    for note in report.notes:
        say(f"note: {note}")

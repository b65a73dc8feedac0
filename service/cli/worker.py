"""`archcast worker`: runs jobs that other processes put into the database."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

from service.cli.options import DataDir
from service.cli.output import say


def worker(
    threads: Annotated[
        int, typer.Option("--threads", min=1, max=64, help="Jobs of each kind run at the same time.")
    ] = 1,
    kinds: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="KIND", help="Jobs to run: search, synthesis; repeatable, all by default."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Run searches and syntheses until interrupted; several workers may share one database."""
    from service.cli.workspace import database_for_display, open_workspace
    from service.jobs.worker import HANDLERS, run_worker
    from service.logging import configure_logging

    for kind in kinds or ():
        if kind not in HANDLERS:
            raise typer.BadParameter(f"{kind!r} is none of {', '.join(HANDLERS)}", param_hint="--kind")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with open_workspace(data_dir) as workspace:
        settings = workspace.settings
    configure_logging(settings.log_level, settings.log_format)
    worked = list(dict.fromkeys(kinds or HANDLERS))
    say(f"archcast works on the jobs of {database_for_display(settings)} ({', '.join(worked)})")
    run_worker(settings, stop, dict.fromkeys(worked, threads))

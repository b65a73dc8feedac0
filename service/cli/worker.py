"""`archcast worker`: runs jobs that other processes put into the database."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

from service.cli.options import DataDir
from service.cli.output import say


def worker(
    threads: Annotated[int, typer.Option("--threads", min=1, max=64, help="Jobs run at the same time.")] = 1,
    data_dir: DataDir = None,
) -> None:
    """Run searches until interrupted; several workers may share one database."""
    from service.cli.workspace import database_for_display, open_workspace
    from service.jobs.worker import run_worker
    from service.logging import configure_logging

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with open_workspace(data_dir) as workspace:
        settings = workspace.settings
    configure_logging(settings.log_level, settings.log_format)
    say(f"archcast works on the jobs of {database_for_display(settings)}")
    run_worker(settings, stop, threads)

"""The command line `archcast`; importing it needs only the base install, each command imports what it uses."""

import os
from collections.abc import Sequence
from functools import cache
from typing import Any, NoReturn

from typer.main import get_command

from service.cli.app import app
from service.cli.failures import describe, fail


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit: 0 done, 1 failed, 2 wrong usage, 130 interrupted.

    Args:
        arguments: as after the program's name; None reads them from the process.
    """
    # torch reads it once. Threads that wait busily starve the requests, searches and processes beside them.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        _command()(arguments, prog_name="archcast")
    except Exception as error:
        lines = describe(error)
        if lines is None:
            raise
        fail(*lines)
    raise SystemExit(0)


@cache
def _command() -> Any:
    """The tree of commands, whose building takes longer than many a command of it."""
    return get_command(app)

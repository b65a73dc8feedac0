"""Tells errors that a user can act on from bugs: the former become lines on stderr and exit code 1."""

from collections.abc import Sequence
from typing import NoReturn

import typer

from service.errors import InvalidRequestError

_OUR_PACKAGES = frozenset(
    {"arch_encodings", "device_db", "migrations", "predictors", "search", "service", "spaces", "targets"}
)
_MAX_DETAILS = 20


class CommandError(Exception):
    """A command cannot do what it was asked; the message says why and what would help.

    Attributes:
        details: single faults, where there are several.
    """

    def __init__(self, message: str, details: Sequence[str] = ()):
        super().__init__(message)
        self.details = list(details)


def fail(*lines: str) -> NoReturn:
    """Write `lines` to stderr and exit with code 1."""
    typer.echo(f"archcast: {lines[0]}", err=True)
    for line in lines[1:]:
        typer.echo(f"  {line}", err=True)
    raise SystemExit(1)


def describe(error: Exception) -> list[str] | None:
    """What to tell the user, first line first; None for a bug, whose traceback should be seen.

    Every exception class of our own packages is raised on purpose, and so is its message written for users.
    """
    if isinstance(error, ModuleNotFoundError) and _root(error.name or "") not in _OUR_PACKAGES:
        return [f"this command needs the server ({error.name} is missing): pip install 'archcast[server]'"]
    if isinstance(error, OSError) and error.filename is not None:
        return [f"{error.filename}: {error.strerror}"]
    if any(_root(kind.__module__) in _OUR_PACKAGES for kind in type(error).__mro__):
        return [str(error), *_details(error)]
    return None


def _root(module: str) -> str:
    return module.partition(".")[0]


def _details(error: Exception) -> list[str]:
    """The single faults of an error that collects several, the first twenty of them."""
    if isinstance(error, CommandError):
        faults = error.details
    elif isinstance(error, InvalidRequestError) and len(error.errors) > 1:
        faults = [fault.reason for fault in error.errors]
    else:
        return []
    more = len(faults) - _MAX_DETAILS
    return [*faults[:_MAX_DETAILS], *([f"... and {more:,} more"] if more > 0 else [])]

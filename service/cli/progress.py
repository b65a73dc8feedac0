"""Progress of long commands on stderr: a bar on a terminal, now and then a line elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from service.cli.output import say

OnProgress = Callable[[int, int], None]
_LINES = 4


@contextmanager
def progress(description: str) -> Iterator[OnProgress]:
    """A function to call with (done, total) while the block runs; `total` may be an upper bound."""
    if not sys.stderr.isatty():
        yield _Lines(description)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(description, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


class _Lines:
    """Says how far it is at each quarter of the way."""

    def __init__(self, description: str):
        self._description = description
        self._said = 0

    def __call__(self, done: int, total: int) -> None:
        part = _LINES * done // total if total else _LINES
        if part > self._said:
            self._said = part
            say(f"{self._description}: {done:,} of {total:,}")

"""Bounded slots: a few expensive things at once, the rest is told to come back."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from service.errors import OverloadedError


class Slots:
    """Lets `count` threads in; another one waits `wait_seconds` and is then refused."""

    def __init__(self, what: str, count: int, wait_seconds: float):
        self.what = what
        self.wait_seconds = wait_seconds
        self._free = threading.BoundedSemaphore(count)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold one slot. Raises: OverloadedError when none became free in time."""
        if not self._free.acquire(timeout=self.wait_seconds):
            raise OverloadedError(self.what, retry_after_seconds=max(1, round(self.wait_seconds)))
        try:
            yield
        finally:
            self._free.release()

"""A running job's line to the database: progress out, the wish to cancel in."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from device_db import DatabaseUnavailableError, Jobs
from service.state import AppState

if TYPE_CHECKING:
    from search import Progress

_log = logging.getLogger(__name__)
_SECONDS_BETWEEN_REPORTS: Final = 0.3  # so that a cancelled search ends within a second
_MAX_SHARE_OF_TIME: Final = 0.1  # a large front is reported less often
_REPORTS_BEFORE_STALE: Final = 4  # however long one took: waiting for a lock may be most of it


class WorkerStoppedError(Exception):
    """The process is being stopped; the job goes back to the queue."""


class JobReporter:
    """Called by a search after each batch; writes no more often than needed."""

    def __init__(self, state: AppState, job_id: str, worker: str, stop: threading.Event):
        self._state = state
        self._job_id = job_id
        self._worker = worker
        self._stop = stop
        self._longest_pause = state.settings.job_stale_seconds / _REPORTS_BEFORE_STALE
        self._next = 0.0
        self._is_cancelled = False

    def __call__(self, progress: Progress) -> bool:
        """Report, and return whether to stop. Raises: WorkerStoppedError."""
        if self._stop.is_set():
            raise WorkerStoppedError
        started = time.monotonic()
        if started >= self._next and not self._is_cancelled:
            self._is_cancelled = self._report(_document(progress))
            took = time.monotonic() - started
            pause = max(_SECONDS_BETWEEN_REPORTS, took / _MAX_SHARE_OF_TIME)
            self._next = time.monotonic() + min(pause, self._longest_pause)
        return self._is_cancelled

    def _report(self, document: dict[str, Any]) -> bool:
        try:
            with self._state.sessions.begin() as session:
                return Jobs(session).heartbeat(self._job_id, document, worker=self._worker)
        except DatabaseUnavailableError as error:
            _log.warning("progress could not be stored", extra={"reason": str(error)})
            return False


def _document(progress: Progress) -> dict[str, Any]:
    return {
        "evaluations": progress.evaluations,
        "limit": progress.limit,
        "seconds": progress.seconds,
        "front": [{"architecture": entry.architecture.key, **entry.values} for entry in progress.front],
    }

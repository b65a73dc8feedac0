"""A running job's line to the database: progress out, the wish to cancel in."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from device_db import DatabaseUnavailableError, Jobs
from service.state import AppState

if TYPE_CHECKING:
    from search import Checkpoint, Progress

_log = logging.getLogger(__name__)
_SECONDS_BETWEEN_CHECKS: Final = 0.3  # so that a cancelled search ends within a second
_SECONDS_BETWEEN_REPORTS: Final = 0.3
_MAX_SHARE_OF_TIME: Final = 0.1  # a large front is reported less often
_REPORTS_BEFORE_STALE: Final = 4  # however long one took
_SECONDS_BETWEEN_CHECKPOINTS: Final = 5.0
# A checkpoint holds everything evaluated: this many take some megabytes, of more the last one that was stored stays.
_MOST_IN_CHECKPOINT: Final = 300_000


class WorkerStoppedError(Exception):
    """The process is being stopped; the job goes back to the queue."""


class JobReporter:
    """Called by a search after each batch; writes no more often than needed.

    Whether to stop is asked apart from the reports, which take long for a large front and wait for other writers.
    """

    def __init__(self, state: AppState, job_id: str, worker: str, stop: threading.Event):
        self._state = state
        self._job_id = job_id
        self._worker = worker
        self._stop = stop
        self._longest_pause = state.settings.job_stale_seconds / _REPORTS_BEFORE_STALE
        self._began = time.monotonic()
        self._steps_reported = -1
        self._next_check = 0.0
        self._next_report = 0.0
        self._next_checkpoint = time.monotonic() + _SECONDS_BETWEEN_CHECKPOINTS
        self._is_cancelled = False

    def __call__(self, progress: Progress) -> bool:
        """Report, and return whether to stop. Raises: WorkerStoppedError."""
        if self._stop.is_set():
            self._store_checkpoint(progress)
        self.is_to_stop()
        if not self._is_cancelled and time.monotonic() >= self._next_report:
            took = self._report(partial(_document, progress))
            pause = max(_SECONDS_BETWEEN_REPORTS, took / _MAX_SHARE_OF_TIME)
            self._next_report = time.monotonic() + min(pause, self._longest_pause)
        if not self._is_cancelled and time.monotonic() >= self._next_checkpoint:
            took = self._store_checkpoint(progress)
            self._next_checkpoint = time.monotonic() + max(_SECONDS_BETWEEN_CHECKPOINTS, took / _MAX_SHARE_OF_TIME)
        return self._is_cancelled

    def is_to_stop(self) -> bool:
        """Whether to stop, without a report. Raises: WorkerStoppedError."""
        if self._stop.is_set():
            raise WorkerStoppedError
        if not self._is_cancelled and time.monotonic() >= self._next_check:
            self._is_cancelled = self._ask()
            self._next_check = time.monotonic() + _SECONDS_BETWEEN_CHECKS
        return self._is_cancelled

    def steps(self, done: int, total: int, preparing: str | None = None) -> bool:
        """As a call, of a job that takes some steps and goes on from no checkpoint, or of what comes before a search.

        Raises: WorkerStoppedError.
        """
        self.is_to_stop()
        is_news = done != self._steps_reported  # the last step would else stay untold
        if not self._is_cancelled and (is_news or time.monotonic() >= self._next_report):
            self._steps_reported = done
            seconds = time.monotonic() - self._began
            document = {"evaluations": done, "limit": total, "seconds": seconds}
            self._report(lambda: document | ({"preparing": preparing} if preparing else {}))
            self._next_report = time.monotonic() + _SECONDS_BETWEEN_REPORTS
        return self._is_cancelled

    def last_checkpoint(self) -> Checkpoint | None:
        """From where the job's last worker was lost or stopped; None if it begins."""
        from search import Checkpoint, InvalidCheckpointError

        with self._state.read_sessions() as session:
            state = Jobs(session).checkpoint(self._job_id)
        try:
            return None if state is None else Checkpoint.from_bytes(state)
        except InvalidCheckpointError as error:  # of an older release
            _log.warning("the search begins anew", extra={"reason": error.reason})
            return None

    def _store_checkpoint(self, progress: Progress) -> float:
        """Store the checkpoint; returns the seconds that it took."""
        started = time.monotonic()
        if progress.evaluations <= _MOST_IN_CHECKPOINT:
            try:
                state = progress.checkpoint().to_bytes()
                with self._state.sessions.begin() as session:
                    Jobs(session).store_checkpoint(self._job_id, state, worker=self._worker)
            except DatabaseUnavailableError as error:
                _log.warning("checkpoint could not be stored", extra={"reason": str(error)})
        return time.monotonic() - started

    def _ask(self) -> bool:
        try:
            with self._state.read_sessions() as session:
                return Jobs(session).is_to_stop(self._job_id, worker=self._worker)
        except DatabaseUnavailableError as error:
            _log.warning("whether to stop is not known", extra={"reason": str(error)})
            return False

    def _report(self, document_of: Callable[[], dict[str, Any]]) -> float:
        """Store the progress; returns the seconds that it took, without waiting for SQLite's write lock."""
        started = time.monotonic()
        try:
            document = document_of()
            prepared = time.monotonic()
            with self._state.sessions.begin() as session:
                session.connection()  # takes the lock
                started += time.monotonic() - prepared
                self._is_cancelled = Jobs(session).heartbeat(self._job_id, document, worker=self._worker)
        except DatabaseUnavailableError as error:
            _log.warning("progress could not be stored", extra={"reason": str(error)})
        return time.monotonic() - started


def _document(progress: Progress) -> dict[str, Any]:
    return {
        "evaluations": progress.evaluations,
        "limit": progress.limit,
        "seconds": progress.seconds,
        "failed": progress.failed,
        "front_size": progress.front_size,
        "front": [{"architecture": entry.architecture.key, **entry.values} for entry in progress.front],
    }

"""Worker threads: claim a job, run it, report its progress, end it; never lose one.

Each kind of job has threads of its own, so that none waits for the others: a synthesis takes minutes, a search should
begin at once.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any, Final

import structlog

from device_db import DatabaseUnavailableError, Job, Jobs, JobState, JobStateError
from service.interruptible import StoppedWaitingError, wait_for_what_was_left
from service.jobs.identity import is_dead, worker_name
from service.jobs.reporter import JobReporter, WorkerStoppedError
from service.jobs.search_job import run_search_job
from service.jobs.synthesis_job import run_synthesis_job
from service.metrics import Metrics
from service.problems import problem_of, problem_type
from service.settings import JobSettings, Settings
from service.state import AppState, open_state

_log = logging.getLogger(__name__)
Handler = Callable[[AppState, Job, JobReporter], dict[str, Any]]
_SECONDS_FOR_WHAT_WAS_LEFT: Final = 2.0
HANDLERS: Final[dict[str, Handler]] = {"search": run_search_job, "synthesis": run_synthesis_job}


class Workers:
    """Worker threads of one process.

    Args:
        threads: of each kind of job, or of every kind that there is.
    """

    def __init__(self, state: AppState, threads: int | Mapping[str, int]):
        self._state = state
        self._stop = threading.Event()
        lanes = dict.fromkeys(HANDLERS, threads) if isinstance(threads, int) else threads
        kinds = [kind for kind, count in lanes.items() for _ in range(count)]
        self._threads = [
            threading.Thread(target=work, args=(state, worker_name(index), self._stop, (kind,)), daemon=True)
            for index, kind in enumerate(kinds)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let running jobs go back to the queue and wait for the threads to end."""
        self._stop.set()
        self._state.bell.ring()
        for thread in self._threads:
            thread.join(timeout=10)
        wait_for_what_was_left(_SECONDS_FOR_WHAT_WAS_LEFT)


def embedded_threads(settings: JobSettings) -> dict[str, int]:
    """Threads of each kind of job in the server."""
    searches = settings.embedded_workers
    return {"search": searches, "synthesis": min(searches, settings.embedded_synthesis_workers)}


def run_worker(settings: Settings, stop: threading.Event, threads: int | Mapping[str, int] = 1) -> None:
    """Work in a process of its own for servers on the same database, until `stop` is set; see `Workers`."""
    state = open_state(settings, Metrics())
    workers = Workers(state, threads)
    workers.start()
    try:
        stop.wait()
    finally:
        workers.stop()
        state.engine.dispose()


def work(state: AppState, name: str, stop: threading.Event, kinds: Collection[str]) -> None:
    """Run jobs of some kinds until `stop` is set; an unreachable database only makes it wait."""
    next_sweep = 0.0
    while not stop.is_set():
        seen = state.bell.rings
        try:
            if time.monotonic() >= next_sweep:
                _requeue_lost(state)
                next_sweep = time.monotonic() + state.settings.job_stale_seconds / 4
            found = _run_next(state, name, stop, kinds)
        except Exception:  # a worker outlives whatever the database does
            _log.exception("worker could not look for jobs")
            found = False
        if not found:
            state.bell.wait(seen, state.settings.job_poll_seconds)


def _requeue_lost(state: AppState) -> None:
    with state.sessions.begin() as session:
        jobs = Jobs(session)
        count = jobs.requeue_lost(filter(is_dead, jobs.workers()))
        count += jobs.requeue_stale(timedelta(seconds=state.settings.job_stale_seconds))
    if count:
        _log.warning("jobs lost their worker", extra={"count": count})


def _run_next(state: AppState, name: str, stop: threading.Event, kinds: Collection[str]) -> bool:
    with state.read_sessions() as session:
        if not Jobs(session).counts(kinds).get(JobState.queued):  # spares an idle worker the write lock
            return False
    with state.sessions.begin() as session:
        job = Jobs(session).claim(name, kinds)
    if job is None:
        return False
    with structlog.contextvars.bound_contextvars(job_id=job.id):
        _run(state, job, name, stop)
    state.bell.ring()
    return True


def _run(state: AppState, job: Job, name: str, stop: threading.Event) -> None:
    try:
        result = HANDLERS[job.kind](state, job, JobReporter(state, job.id, name, stop))
        with state.sessions.begin() as session:
            Jobs(session).finish(job.id, result, worker=name)
        _log.info("job ended", extra={"kind": job.kind})
    except (WorkerStoppedError, StoppedWaitingError):
        with state.sessions.begin() as session:
            Jobs(session).release(job.id, name)
    except JobStateError as error:
        _log.warning("job was taken from this worker", extra={"reason": str(error)})
    except DatabaseUnavailableError:
        raise  # the job goes stale and is queued again
    except Exception as error:
        if problem_type(error) is None:
            _log.exception("job failed")
        with state.sessions.begin() as session:
            Jobs(session).fail(job.id, problem_of(error), worker=name)

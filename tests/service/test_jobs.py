import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import QueuePool

from device_db import Job, Jobs, JobState, create_engine
from search import Checkpoint, Progress
from service.jobs import reporter
from service.jobs.bell import Bell
from service.jobs.identity import worker_name
from service.jobs.reporter import JobReporter
from service.jobs.search_job import run_search_job
from service.jobs.waiting import cancel_and_wait, wait_for
from service.jobs.worker import Workers, run_worker
from service.metrics import Metrics
from service.state import AppState, open_state
from service.use_cases import run_search
from targets import hardware_names

SIMULATED = hardware_names()[0]

LONG = {"space": "fbnet", "device": SIMULATED, "budget": {"seconds": 60}}
STATE = Checkpoint("nb201", ("a",), (), np.empty((0, 1)), (), 0.0)
PROGRESS = Progress(
    evaluations=1, limit=2, seconds=0.1, failed=0, read_front=tuple, read_front_size=int, checkpoint=lambda: STATE
)
SHORT = {"space": "nb201", "device": SIMULATED, "budget": {"evaluations": 50}, "algorithm": "random"}


@pytest.fixture
def state(deployment: Any) -> Iterator[AppState]:
    opened = open_state(deployment.settings, Metrics())
    yield opened
    opened.engine.dispose()


def submit(state: AppState, request: Mapping[str, object], kind: str = "search") -> str:
    with state.sessions.begin() as session:
        return Jobs(session).create(kind, request).id


def job(state: AppState, job_id: str) -> Job:
    with state.read_sessions() as session:
        return Jobs(session).get(job_id)


def test_workers_run_each_job_once(state: AppState):
    jobs = [submit(state, SHORT) for _ in range(6)]
    workers = Workers(state, 3)
    workers.start()
    ended = [wait_for(state, job_id, 30) for job_id in jobs]
    workers.stop()
    assert {one.state for one in ended} == {JobState.succeeded}
    assert {one.attempts for one in ended} == {1}


def test_worker_that_is_stopped_gives_its_job_back_and_another_takes_it(state: AppState):
    job_id = submit(state, LONG)
    workers = Workers(state, 1)
    workers.start()
    until(lambda: job(state, job_id).progress != {})
    started = time.monotonic()
    workers.stop()
    assert time.monotonic() - started < 5
    assert job(state, job_id).state is JobState.queued
    again = Workers(state, 1)
    again.start()
    until(lambda: job(state, job_id).state is JobState.running)
    again.stop()


def test_running_search_holds_no_connection(state: AppState):
    held: list[int] = []

    class Report:
        def __call__(self, _: Progress) -> bool:
            held.append(cast(QueuePool, state.engine.pool).checkedout())
            return False

        def last_checkpoint(self) -> None:
            return None

        def is_to_stop(self) -> bool:
            return False

    device = submit(state, SHORT | {"device": "bench-board", "objectives": ["accuracy", "latency_ms"]})
    run_search_job(state, job(state, device), cast(JobReporter, Report()))
    assert held
    assert set(held) == {0}


def test_job_of_a_dead_worker_is_taken_over(state: AppState):
    job_id = submit(state, SHORT)
    with state.sessions.begin() as session:
        claimed = Jobs(session).claim("dead")
        assert claimed is not None
        claimed.heartbeat_at = claimed.created_at - timedelta(hours=1)
    workers = Workers(state, 1)
    workers.start()
    assert wait_for(state, job_id, 30).state is JobState.succeeded
    workers.stop()


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("pid", [ended_process, os.getpid])
def test_job_of_a_process_that_ended_on_this_machine_goes_on_at_once(state: AppState, pid: Callable[[], int]):
    job_id = submit(state, SHORT)
    with state.sessions.begin() as session:
        Jobs(session).claim(f"{socket.gethostname()}:{pid()}:before:0")
    workers = Workers(state, 1)
    workers.start()
    ended = wait_for(state, job_id, 30)
    workers.stop()
    assert (ended.state, ended.attempts) == (JobState.succeeded, 2)


def test_job_of_a_process_that_ended_on_this_machine_is_cancelled_at_once(state: AppState):
    job_id = submit(state, SHORT)
    with state.sessions.begin() as session:
        Jobs(session).claim(f"{socket.gethostname()}:{ended_process()}:before:0")
    assert cancel_and_wait(state, job_id).state is JobState.cancelled


@pytest.mark.parametrize(
    "name",
    [worker_name(0), f"elsewhere:{2**22 + 1}:x:0", f"{socket.gethostname()}:{os.getppid()}:x:0", "old-1-0"],
    # Not of the names: pytest-xdist wants the same in every process.
    ids=["this process", "another machine", "a living process", "an older release"],
)
def test_worker_that_may_be_alive_keeps_its_job(state: AppState, name: str):
    job_id = submit(state, SHORT)
    with state.sessions.begin() as session:
        Jobs(session).claim(name)
    workers = Workers(state, 1)
    workers.start()
    until(lambda: wait_for(state, submit(state, SHORT), 30).state is JobState.succeeded)
    workers.stop()
    assert (job(state, job_id).state, job(state, job_id).worker) == (JobState.running, name)


def test_job_that_fails_unexpectedly_shows_no_internals(state: AppState):
    job_id = submit(state, {"space": "nb201", "device": SIMULATED, "objectives": ["secret"]})
    workers = Workers(state, 1)
    workers.start()
    failed = wait_for(state, job_id, 30)
    workers.stop()
    assert failed.state is JobState.failed
    assert failed.error is not None
    assert failed.error["status"] == 500
    assert "secret" not in str(failed.error)


def test_search_whose_worker_is_stopped_goes_on_from_where_it_was(state: AppState):
    job_id = submit(state, LONG | {"budget": {"evaluations": 60_000}})
    workers = Workers(state, 1)
    workers.start()
    until(lambda: job(state, job_id).progress.get("evaluations", 0) > 1_000)
    workers.stop()
    before = stored_checkpoint(state, job_id)
    assert before is not None
    assert len(before.keys) > 1_000
    claimed, _ = claim(state, job_id)
    seen: list[Progress] = []

    class Cancelling(JobReporter):
        def __call__(self, progress: Progress) -> bool:
            seen.append(progress)
            return True

    report = Cancelling(state, job_id, "second", threading.Event())
    result = run_search_job(state, claimed, report)
    again = seen[0].checkpoint()
    assert again.keys[: len(before.keys)] == before.keys
    assert len(before.keys) <= result["evaluations"] < len(before.keys) + 5_000
    assert result["seconds"] > before.seconds
    with state.sessions.begin() as session:
        Jobs(session).finish(job_id, result, worker="second")
    assert stored_checkpoint(state, job_id) is None


def test_search_of_a_killed_worker_goes_on_from_its_last_checkpoint(state: AppState, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reporter, "_SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    job_id = submit(state, SHORT | {"space": "fbnet", "budget": {"evaluations": 4_000}, "algorithm": "nsga2"})
    claimed, report = claim(state, job_id)

    class KilledError(Exception):
        pass

    def until_killed(progress: Progress) -> bool:
        report(progress)
        if progress.evaluations > 500:
            raise KilledError
        return False

    with pytest.raises(KilledError):
        run_search_job(state, claimed, cast(JobReporter, Calling(until_killed, report)))
    left = stored_checkpoint(state, job_id)
    assert left is not None
    with state.sessions.begin() as session:
        assert Jobs(session).requeue_lost(["second"]) == 1
    workers = Workers(state, 1)
    workers.start()
    ended = wait_for(state, job_id, 30)
    workers.stop()
    assert (ended.state, ended.attempts) == (JobState.succeeded, 2)
    assert ended.result is not None
    assert ended.result["evaluations"] == 4_000
    assert stored_checkpoint(state, job_id) is None
    whole, report = claim(state, submit(state, ended.request))
    assert ended.result["front"] == run_search_job(state, whole, report)["front"]


def test_checkpoint_that_no_release_wrote_starts_the_search_anew(state: AppState):
    job_id = submit(state, SHORT)
    claimed, report = claim(state, job_id)
    with state.sessions.begin() as session:
        Jobs(session).store_checkpoint(job_id, b"nonsense", worker="second")
    assert report.last_checkpoint() is None
    assert run_search_job(state, claimed, report)["evaluations"] == 50


def test_search_is_cancelled_while_its_accuracies_are_still_fitted(state: AppState, monkeypatch: pytest.MonkeyPatch):
    is_fitting, go_on = threading.Event(), threading.Event()

    def fit(*_: Any) -> None:
        is_fitting.set()
        go_on.wait(20)

    monkeypatch.setattr(run_search, "open_accuracy", fit)
    job_id = submit(state, SHORT)
    workers = Workers(state, 1)
    workers.start()
    try:
        assert is_fitting.wait(20)
        assert cancel_and_wait(state, job_id).state is JobState.cancelled
    finally:
        go_on.set()
        workers.stop()


class Calling:
    """A reporter that calls something else."""

    def __init__(self, call: Callable[[Progress], bool], report: JobReporter):
        self.call = call
        self.last_checkpoint = report.last_checkpoint
        self.is_to_stop = report.is_to_stop

    def __call__(self, progress: Progress) -> bool:
        return self.call(progress)


def claim(state: AppState, job_id: str) -> tuple[Job, JobReporter]:
    with state.sessions.begin() as session:
        claimed = Jobs(session).claim("second")
    assert claimed is not None
    assert claimed.id == job_id
    return claimed, JobReporter(state, job_id, "second", threading.Event())


def stored_checkpoint(state: AppState, job_id: str) -> Checkpoint | None:
    with state.read_sessions() as session:
        stored = Jobs(session).checkpoint(job_id)
    return None if stored is None else Checkpoint.from_bytes(stored)


def test_worker_process_works_for_a_server_without_workers(
    deployment: Any, serve: Callable[..., TestClient], state: AppState
):
    stop = threading.Event()
    worker = threading.Thread(target=run_worker, args=(deployment.settings, stop))
    worker.start()
    try:
        answer = serve(embedded_workers=0).post("/search", json=SHORT)
    finally:
        stop.set()
        worker.join(10)
    assert answer.status_code == 200
    assert not worker.is_alive()


@pytest.mark.parametrize(("took", "pause"), [(0.05, 0.9), (13, 31)])
def test_next_report_comes_in_time_however_long_the_last_one_took(
    took: float, pause: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    now = [1000.0]
    reported: list[float] = []

    def heartbeat(*_: Any, **__: Any) -> bool:
        now[0] += took
        reported.append(now[0])
        return False

    monkeypatch.setattr(reporter, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(Jobs, "heartbeat", heartbeat)
    monkeypatch.setattr(Jobs, "is_to_stop", lambda *_, **__: False)
    monkeypatch.setattr(Jobs, "store_checkpoint", lambda *_, **__: None)
    sessions = sessionmaker(create_engine(f"sqlite:///{tmp_path}/jobs.db"))
    state = SimpleNamespace(settings=SimpleNamespace(job_stale_seconds=120), sessions=sessions, read_sessions=sessions)
    report = JobReporter(cast(AppState, state), "job", "worker", threading.Event())
    report(PROGRESS)
    now[0] += pause
    report(PROGRESS)
    assert len(reported) == 2


def test_cancel_is_seen_soon_though_the_last_report_waited_for_another_writer(state: AppState):
    job_id = submit(state, SHORT)
    with state.sessions.begin() as session:
        Jobs(session).claim("worker")
    report = JobReporter(state, job_id, "worker", threading.Event())
    is_locked = threading.Event()

    def write_for_long() -> None:
        with state.sessions.begin() as session:
            Jobs(session).heartbeat(job_id, {})
            is_locked.set()
            time.sleep(1.5)

    writer = threading.Thread(target=write_for_long)
    writer.start()
    is_locked.wait(10)
    assert not report(PROGRESS)
    writer.join()
    with state.sessions.begin() as session:
        Jobs(session).cancel(job_id)
    cancelled = time.monotonic()
    until(lambda: report(PROGRESS))
    assert time.monotonic() - cancelled < 5  # the pause after the report would be 15


def test_search_sees_its_cancellation_while_another_writer_is_at_work(state: AppState):
    job_id = submit(state, SHORT)
    with state.sessions.begin() as session:
        Jobs(session).claim("worker")
        Jobs(session).cancel(job_id)
    with state.sessions.begin() as session:
        Jobs(session).counts()
        assert JobReporter(state, job_id, "worker", threading.Event())(PROGRESS)


def test_bell_wakes_a_waiter_at_once_and_forgets_no_ring():
    bell = Bell()
    seen = bell.rings
    threading.Timer(0.05, bell.ring).start()
    started = time.monotonic()
    assert bell.wait(seen, 10) == 1
    assert bell.wait(seen, 10) == 1
    assert time.monotonic() - started < 5


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)

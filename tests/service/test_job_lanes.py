"""Each kind of job has threads and a queue of its own."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from device_db import Job, Jobs, JobState
from service.cli.app import app as command
from service.errors import OverloadedError
from service.jobs import worker
from service.jobs.reporter import JobReporter
from service.jobs.submission import submit
from service.jobs.waiting import cancel_and_wait, wait_for
from service.jobs.worker import Workers, embedded_threads
from service.metrics import Metrics
from service.schemas.searches import SearchRequest
from service.schemas.synthesis import SynthesisRequest
from service.settings import JobSettings
from service.state import AppState, open_state
from targets import hardware_names

SEARCH = SearchRequest.model_validate(
    {"space": "nb201", "device": hardware_names()[0], "budget": {"evaluations": 20}, "algorithm": "random"}
)
SYNTHESIS = SynthesisRequest.model_validate({"primitive": "gemmt-fu", "rows": 1, "inner": 4, "columns": 1})


@pytest.fixture
def state(deployment: Any) -> Iterator[AppState]:
    opened = open_state(deployment.settings, Metrics())
    yield opened
    opened.engine.dispose()


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Makes syntheses go on until they are told to stop; set once one has begun."""
    begun = threading.Event()

    def synthesise(state: AppState, job: Job, report: JobReporter) -> dict[str, Any]:
        begun.set()
        while not report.steps(0, 1):
            threading.Event().wait(0.02)
        return {}

    monkeypatch.setitem(worker.HANDLERS, "synthesis", synthesise)
    return begun


def _state_of(state: AppState, job_id: str) -> JobState:
    with state.read_sessions() as session:
        return Jobs(session).get(job_id).state


def test_search_does_not_wait_for_a_synthesis(state: AppState, endless: threading.Event):
    workers = Workers(state, 1)
    workers.start()
    long = submit(state, "synthesis", SYNTHESIS).id
    waiting = submit(state, "synthesis", SYNTHESIS).id
    assert endless.wait(20)
    assert wait_for(state, submit(state, "search", SEARCH).id, 20).state is JobState.succeeded
    assert _state_of(state, long) is JobState.running
    assert _state_of(state, waiting) is JobState.queued
    endless.clear()
    assert cancel_and_wait(state, long).state is JobState.cancelled
    assert endless.wait(20)  # the thread takes the next one
    workers.stop()
    assert _state_of(state, waiting) is JobState.queued


def test_worker_of_one_kind_leaves_the_others_to_others(state: AppState):
    synthesis, search = submit(state, "synthesis", SYNTHESIS).id, submit(state, "search", SEARCH).id
    workers = Workers(state, {"search": 2})
    workers.start()
    assert wait_for(state, search, 20).state is JobState.succeeded
    workers.stop()
    assert _state_of(state, synthesis) is JobState.queued


def test_synthesis_of_a_lost_worker_is_taken_over_by_whoever_runs_syntheses(state: AppState, endless: threading.Event):
    lost = submit(state, "synthesis", SYNTHESIS).id
    with state.sessions.begin() as session:
        assert Jobs(session).claim("host:1:gone:0", ["synthesis"]) is not None
        assert Jobs(session).requeue_lost(["host:1:gone:0"]) == 1
    workers = Workers(state, {"synthesis": 1})
    workers.start()
    assert endless.wait(20)
    workers.stop()
    with state.read_sessions() as session:
        job = Jobs(session).get(lost)
    assert (job.state, job.attempts) == (JobState.queued, 1)


def test_full_queue_of_one_kind_keeps_no_other_out(deployment: Any):
    settings = deployment.settings.model_copy(update={"max_queued_jobs": 1})
    opened = open_state(settings, Metrics())
    submit(opened, "synthesis", SYNTHESIS)
    with pytest.raises(OverloadedError):
        submit(opened, "synthesis", SYNTHESIS)
    submit(opened, "search", SEARCH)
    with pytest.raises(OverloadedError):
        submit(opened, "search", SEARCH)
    opened.engine.dispose()


@pytest.mark.parametrize(
    ("settings", "threads"),
    [
        ({}, {"search": 1, "synthesis": 1}),
        ({"embedded_workers": 4}, {"search": 4, "synthesis": 1}),
        ({"embedded_workers": 4, "embedded_synthesis_workers": 2}, {"search": 4, "synthesis": 2}),
        ({"embedded_synthesis_workers": 0}, {"search": 1, "synthesis": 0}),
        ({"embedded_workers": 0}, {"search": 0, "synthesis": 0}),
    ],
)
def test_server_runs_as_many_of_each_kind_as_its_settings_say(settings: dict[str, int], threads: dict[str, int]):
    assert embedded_threads(JobSettings.model_validate(settings)) == threads


def test_worker_refuses_a_kind_that_there_is_not():
    result = CliRunner().invoke(command, ["worker", "--kind", "dreams"])
    assert result.exit_code == 2
    assert "search, synthesis" in result.output

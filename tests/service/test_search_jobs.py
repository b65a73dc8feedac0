"""Searches as jobs: waited for, left behind, cancelled, failed, too many."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from device_db import Job
from service.state import AppState
from tests.service.searching import RANDOM, SIMULATED, search


def test_search_that_the_client_prefers_not_to_wait_for_is_202_at_once(client: TestClient):
    answer = client.post("/search", json={"space": "nb201", "device": SIMULATED}, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "respond-async"
    job = answer.json()["job"]
    assert answer.headers["Location"] == f"/jobs/{job}"
    view = until_ended(client, job)
    assert view["state"] == "succeeded"
    assert view["result"]["job"] == job
    assert view["result"]["complete"]


def test_search_that_outlasts_the_wait_is_202(serve: Callable[..., TestClient]):
    client = serve(embedded_workers=0, search_wait_seconds=0.2)
    answer = client.post("/search", json={"space": "nb201", "device": SIMULATED})
    assert answer.status_code == 202
    assert answer.json()["state"] == "queued"


def test_search_when_too_many_wait_is_202_at_once(serve: Callable[..., TestClient]):
    client = serve(search_waiters=1, embedded_workers=0)
    started = time.perf_counter()
    with client.app.state.archcast.search_waits.slot():  # type: ignore[attr-defined]
        assert client.post("/search", json={"space": "nb201", "device": SIMULATED}).status_code == 202
    assert time.perf_counter() - started < 5


def test_partial_front_is_readable_and_a_running_search_cancels_within_a_second(client: TestClient):
    body = {"space": "fbnet", "device": SIMULATED, "budget": {"seconds": 60}}
    job = client.post("/search", json=body, headers={"Prefer": "respond-async"}).json()["job"]
    deadline = time.monotonic() + 20
    while not (view := client.get(f"/jobs/{job}").json())["front"]:
        assert time.monotonic() < deadline, view
        time.sleep(0.05)
    assert view["state"] == "running"
    assert view["progress"]["evaluations"] > 0
    started = time.monotonic()
    cancelled = client.delete(f"/jobs/{job}").json()
    assert time.monotonic() - started < 2
    assert cancelled["state"] == "cancelled"
    assert cancelled["result"]["stopped_by"] == "cancelled"
    assert cancelled["result"]["front"]


def test_search_cancelled_while_its_client_waits_is_its_front_so_far(client: TestClient):
    answers: list[Any] = []
    body = {"space": "fbnet", "device": SIMULATED, "budget": {"seconds": 60}}
    waiting = threading.Thread(target=lambda: answers.append(client.post("/search", json=body)))
    waiting.start()
    job = only_job(client)
    deadline = time.monotonic() + 20
    while not client.get(f"/jobs/{job}").json()["front"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    client.delete(f"/jobs/{job}")
    waiting.join(20)
    assert answers[0].status_code == 200
    assert answers[0].json()["stopped_by"] == "cancelled"
    assert answers[0].json()["front"]


def test_search_cancelled_before_it_began_is_409_to_its_waiting_client(serve: Callable[..., TestClient]):
    client = serve(embedded_workers=0)
    answers: list[Any] = []
    body = {"space": "nb201", "device": SIMULATED}
    waiting = threading.Thread(target=lambda: answers.append(client.post("/search", json=body)))
    waiting.start()
    job = only_job(client)
    client.delete(f"/jobs/{job}")
    waiting.join(20)
    assert answers[0].status_code == 409
    problem = answers[0].json()
    assert (problem["type"], problem["job"]) == ("urn:archcast:problem:search-cancelled", job)


def only_job(client: TestClient) -> str:
    state: AppState = client.app.state.archcast  # type: ignore[attr-defined]
    deadline = time.monotonic() + 20
    while True:
        with state.read_sessions() as session:
            ids = list(session.scalars(select(Job.id)))
        if ids:
            return ids[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_cancelling_twice_and_after_the_end_changes_nothing(client: TestClient):
    job = search(client, **RANDOM)["job"]
    view = client.delete(f"/jobs/{job}").json()
    assert view["state"] == "succeeded"
    assert client.get(f"/jobs/{job}").json() == view


def test_queued_search_cancels_at_once(serve: Callable[..., TestClient]):
    client = serve(embedded_workers=0)
    body = {"space": "nb201", "device": SIMULATED}
    job = client.post("/search", json=body, headers={"Prefer": "respond-async"}).json()["job"]
    assert client.delete(f"/jobs/{job}").json()["state"] == "cancelled"


def test_failed_search_keeps_its_problem(client: TestClient):
    body = {"space": "nb201", "device": SIMULATED, "constraints": {"latency_ms": {"max": 1e-9}}}
    job = client.post("/search", json=body, headers={"Prefer": "respond-async"}).json()["job"]
    view = until_ended(client, job)
    assert view["state"] == "failed"
    assert view["problem"]["status"] == 422
    assert view["problem"]["best_reachable"]["latency_ms"] > 0


@pytest.mark.parametrize("job", ["1", "00000000-0000-0000-0000-000000000000"])
def test_unknown_job_is_404(shared: TestClient, job: str):
    assert shared.get(f"/jobs/{job}").status_code == shared.delete(f"/jobs/{job}").status_code == 404


@pytest.mark.parametrize("path", ["/jobs/..%2f", "/jobs/", "/jobs/x%2fy"])
def test_path_of_no_job_is_a_problem_and_no_redirect(shared: TestClient, path: str):
    answer = shared.get(path, follow_redirects=False)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def until_ended(client: TestClient, job: str) -> Any:
    deadline = time.monotonic() + 30
    while (view := client.get(f"/jobs/{job}").json())["state"] in {"queued", "running"}:
        assert time.monotonic() < deadline, view
        time.sleep(0.05)
    return view


def test_search_beyond_the_longest_queue_is_503_with_retry_after(serve: Callable[..., TestClient]):
    client = serve(embedded_workers=0, max_queued_jobs=2)
    body = {"space": "nb201", "device": SIMULATED} | RANDOM
    later = {"Prefer": "respond-async"}
    jobs = [client.post("/search", json=body, headers=later) for _ in range(2)]
    assert [answer.status_code for answer in jobs] == [202, 202]
    refused = client.post("/search", json=body, headers=later)
    assert refused.status_code == 503
    assert refused.json()["type"] == "urn:archcast:problem:overloaded"
    assert int(refused.headers["Retry-After"]) >= 1
    client.delete(jobs[0].headers["Location"])
    assert client.post("/search", json=body, headers=later).status_code == 202

"""Searches whose accuracy is a zero-cost score: stored, computed before the search, predicted; never called %."""

import threading
import time
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from arch_encodings import has_path
from arch_encodings.zero_cost import ProxySettings
from device_db import EncodingValues
from device_db.importers import PUBLISHED_PROXIES
from predictors.zero_cost_score import ENOUGH, FEWEST, PROXY
from service.use_cases import compute_proxies
from service.zero_cost_source import compute_what_lacks, stored_proxies
from spaces import SPACES
from targets import hardware_names

NB201 = SPACES["nb201"]
CELLS = list(NB201.enumerate())
ALIVE = [cell for cell, works in zip(CELLS, has_path(NB201, CELLS), strict=True) if works]
BODY = {"space": "nb201", "device": hardware_names()[0], "accuracy_source": "zero_cost"}
SETTINGS = ProxySettings.of_space("nb201").configuration


def nwot(architectures: Any) -> np.ndarray:
    return NB201.decisions(architectures).sum(axis=1) + 700.0


def store(app: FastAPI, cells: Any, configuration: str = SETTINGS) -> None:
    values = dict(zip([cell.key for cell in cells], nwot(cells).tolist(), strict=True))
    with app.state.archcast.sessions.begin() as session:
        EncodingValues(session).store("nb201", PROXY, configuration, values)


def stored(app: FastAPI) -> int:
    with app.state.archcast.read_sessions() as session:
        return len(stored_proxies(session, NB201).values)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keys of what is computed, at once and by a simple rule."""
    keys: list[str] = []

    def compute(space: Any, architectures: Any, names: Any, **_: Any) -> np.ndarray:
        keys.extend(each.key for each in architectures)
        return np.repeat(nwot(architectures)[:, None], len(names), axis=1)

    monkeypatch.setattr("service.pretrained.has_torch", lambda: True)
    monkeypatch.setattr(compute_proxies, "compute", compute)
    return keys


def test_stored_proxies_make_a_score_that_says_what_it_is(app: FastAPI, client: TestClient):
    store(app, ALIVE[::20])
    answer = client.post("/search", json=BODY).json()
    known = len(ALIVE[::20])
    assert answer["accuracy"] == {
        "source": "zero_cost",
        "unit": "standard deviations",
        "dataset": None,
        "known": known,
        "predicted": len(CELLS) - known,
        "held_out": None,
        "proxies": {"members": ["nwot", "log10_live_macs"], "origin": "computed", "computed": 0},
    }
    assert (answer["complete"], answer["failed"]) == (True, len(CELLS) - len(ALIVE))
    of_known = {cell.key for cell in ALIVE[::20]}
    for entry in answer["front"]:
        assert entry["accuracy_origin"] == ("proxy" if entry["architecture"] in of_known else "predicted_proxy")
        assert not {"accuracy_lower", "accuracy_upper"} & entry.keys()
    assert {entry["accuracy_origin"] for entry in answer["front"]} == {"proxy", "predicted_proxy"}


@pytest.mark.one_database
def test_limit_on_a_score_is_in_its_own_unit(app: FastAPI, client: TestClient):
    store(app, ALIVE[::20])
    front = client.post("/search", json=BODY | {"constraints": {"accuracy": {"min": 1.5}}}).json()["front"]
    assert front
    assert all(1.5 <= entry["accuracy"] < 5 for entry in front)
    refused = client.post("/search", json=BODY | {"constraints": {"accuracy": {"min": 60}}})
    assert refused.status_code == 422
    assert 1.5 < refused.json()["best_reachable"]["accuracy"] < 5


@pytest.mark.one_database
def test_published_proxies_count_where_they_are_more_and_never_mixed(app: FastAPI, client: TestClient):
    store(app, ALIVE[:50])
    store(app, ALIVE[50:150], PUBLISHED_PROXIES["nb201"])
    accuracy = client.post("/search", json=BODY).json()["accuracy"]
    assert (accuracy["known"], accuracy["proxies"]["origin"]) == (100, "published")


def test_search_computes_what_lacks_once_and_tells_how_far_it_is(app: FastAPI, client: TestClient, computed: list[str]):
    store(app, ALIVE[::1000])
    before = len(ALIVE[::1000])
    answer = client.post("/search", json=BODY).json()
    assert answer["accuracy"]["proxies"]["computed"] == ENOUGH - before == len(set(computed))
    assert answer["accuracy"]["known"] == ENOUGH
    again = client.post("/search", json=BODY).json()
    assert again["accuracy"]["proxies"]["computed"] == 0
    assert len(computed) == ENOUGH - before
    assert again["front"] == answer["front"]


@pytest.mark.one_database
def test_nothing_is_computed_where_accuracy_has_no_part(client: TestClient, computed: list[str]):
    answer = client.post("/search", json=BODY | {"objectives": ["latency_ms", "macs"]}).json()
    assert (answer["accuracy"], computed) == (None, [])


def test_search_is_cancelled_while_it_computes_and_keeps_what_it_has(
    app: FastAPI, client: TestClient, computed: list[str], monkeypatch: pytest.MonkeyPatch
):
    quick, go_on = compute_proxies.compute, threading.Event()

    def slow(*arguments: Any, **more: Any) -> Any:
        if len(computed) == 3:
            go_on.wait(20)
        return quick(*arguments, **more)

    monkeypatch.setattr(compute_proxies, "compute", slow)
    job = client.post("/search", json=BODY, headers={"Prefer": "respond-async"}).json()["job"]
    progress = _until(client, job, lambda view: view["progress"]["evaluations"] == 3)["progress"]
    assert (progress["limit"], progress["preparing"]) == (ENOUGH, "zero-cost proxies")
    asked = time.monotonic()
    client.delete(f"/jobs/{job}")
    view = _until(client, job, lambda view: view["state"] == "cancelled")
    assert time.monotonic() - asked < 5
    assert (view["result"], stored(app)) == (None, 3)
    go_on.set()  # of what was under way
    time.sleep(0.3)
    assert len(computed) <= 4


def test_time_that_does_not_suffice_is_told_and_the_next_search_goes_on(
    app: FastAPI, client: TestClient, computed: list[str], monkeypatch: pytest.MonkeyPatch
):
    store(app, ALIVE[: FEWEST - 4])
    with monkeypatch.context() as patch:
        patch.setattr("service.zero_cost_source._SHARE_OF_TIME", 0.0)
        refused = client.post("/search", json=BODY | {"budget": {"seconds": 20}})
        assert refused.status_code == 422
        (fault,) = refused.json()["errors"]
        assert fault["pointer"] == "/budget/seconds"
        assert f"their number to {FEWEST - 4}" in fault["reason"]
    store(app, ALIVE[: FEWEST + 1])
    with monkeypatch.context() as patch:
        patch.setattr("service.zero_cost_source._SHARE_OF_TIME", 0.0)
        fewer = client.post("/search", json=BODY | {"budget": {"seconds": 20}}).json()
    assert (fewer["accuracy"]["known"], computed) == (FEWEST + 1, [])


@pytest.mark.one_database
def test_score_without_torch_and_with_too_few_proxies_is_refused_at_once(app: FastAPI, client: TestClient):
    store(app, ALIVE[: FEWEST - 1])
    (fault,) = client.post("/search", json=BODY).json()["errors"]
    assert fault["pointer"] == "/accuracy_source"
    assert f"{FEWEST - 1} architectures have a stored nwot, {FEWEST} are needed" in fault["reason"]


@pytest.mark.one_database
def test_auto_takes_the_score_where_it_needs_nothing_computed(app: FastAPI, client: TestClient):
    body = BODY | {"accuracy_source": "auto", "algorithm": "random", "budget": {"evaluations": 50}}
    assert client.post("/search", json=body).json()["accuracy"]["source"] == "log10_macs"
    store(app, ALIVE[:ENOUGH])
    assert client.post("/search", json=body).json()["accuracy"]["source"] == "zero_cost"


def test_sample_is_the_same_in_each_database(app: FastAPI, client: TestClient, computed: list[str]):
    del client  # it has opened the application's database
    compute_what_lacks(app.state.archcast.sessions, NB201, 60.0, lambda *_: False)
    drawn = NB201.sample(2 * ENOUGH, rng=np.random.default_rng(0))
    assert computed == [each.key for each in drawn if has_path(NB201, [each])[0]][:ENOUGH]


def _until(client: TestClient, job: str, holds: Any) -> Any:
    deadline = time.monotonic() + 20
    while not holds(view := client.get(f"/jobs/{job}").json()):
        assert time.monotonic() < deadline, view
        time.sleep(0.05)
    return view

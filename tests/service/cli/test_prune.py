"""`archcast prune` and `archcast refit` on the database that the server uses."""

from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient

from device_db import Artifacts

Cli = Callable[..., Any]


def versions(client: TestClient) -> list[int]:
    with client.app.state.archcast.read_sessions() as session:  # type: ignore[attr-defined]
        return Artifacts(session).versions("bench-board", "nb201")


def test_prune_keeps_the_newest_predictor_and_counts_first(deployed: Cli, client: TestClient):
    state = client.app.state.archcast  # type: ignore[attr-defined]
    with state.sessions.begin() as session:
        for _ in range(3):
            Artifacts(session).add("bench-board", "nb201", "cost_linear", 20, b"", {})
    assert deployed("prune", "--json").answer == {"predictors": 0, "jobs": 0, "dry_run": False}
    body = {"space": "nb201", "device": "roofline-phone-cpu", "objectives": ["macs"], "budget": {"evaluations": 10}}
    job = client.post("/search", json=body | {"algorithm": "random"}).json()["job"]
    everything = ("prune", "--keep-versions", "2", "--keep-days", "0")
    assert deployed(*everything, "--dry-run", "--json").answer == {"predictors": 2, "jobs": 1, "dry_run": True}
    assert versions(client) == [1, 2, 3, 4]
    assert "removed: 2 predictor versions, 1 jobs" in deployed(*everything).err
    assert versions(client) == [3, 4]
    assert client.get(f"/jobs/{job}").status_code == 404


def test_refit_brings_every_predictor_up_to_date(deployed: Cli, client: TestClient):
    (unchanged,) = deployed("refit", "--space", "nb201", "--json").answer["predictors"]
    assert (unchanged["device"], unchanged["version"]) == ("bench-board", 1)
    with client.app.state.archcast.sessions.begin() as session:  # type: ignore[attr-defined]
        Artifacts(session).add("bench-board", "nb201", "cost_linear", 20, b"of another time", {})
    (fitted,) = deployed("refit", "--space", "nb201", "--json").answer["predictors"]
    assert (fitted["version"], fitted["samples"]) == (3, 20)
    assert deployed("refit", "--space", "nb999").code == 1


def test_predictor_json_is_the_http_answer_and_the_table_names_the_errors(deployed: Cli, client: TestClient):
    shown = deployed("predictor", "bench-board", "--space", "nb201", "--next", "2", "--limit", "3", "--json")
    query = {"space": "nb201", "next": 2, "limit": 3}
    assert shown.answer == client.get("/devices/bench-board/predictor", params=query).json()
    table = deployed("predictor", "bench-board", "--space", "nb201", "--next", "2", "--limit", "3")
    assert "cost_linear version 1 of bench-board in nb201, 20 samples" in table.err
    for word in ("mape_percent", "coverage_of_90_percent", "left_out_ms", "measure next"):
        assert word in table.out
    assert deployed("predictor", "nobody", "--space", "nb201").err == "archcast: unknown device 'nobody'\n"

"""POST /synthesis and the job behind it."""

import threading
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.jobs.waiting import wait_for
from service.metrics import Metrics
from service.schemas.synthesis import SynthesisRequest
from service.state import open_state
from service.use_cases import synthesise as use_case
from service.use_cases.synthesise import synthesise
from targets.fpga import yosys
from targets.fpga.errors import SynthesisCancelledError

SMALL = {"primitive": "gemmt-fu", "rows": 1, "inner": 4, "columns": 1, "weight_bits": 2, "activation_bits": 2}


def test_synthesis_is_a_job_whose_result_has_each_flow(client: TestClient, app: FastAPI):
    pytest.importorskip("pyosys")
    accepted = client.post("/synthesis", json={**SMALL, "weights": [1, 0, -2, 1], "flows": ["lut4", "lut6"]})
    assert accepted.status_code == 202, accepted.text
    job_id = accepted.json()["job"]
    assert accepted.headers["Location"] == f"/jobs/{job_id}"
    wait_for(app.state.archcast, job_id, 30)
    job = client.get(f"/jobs/{job_id}").json()
    assert (job["kind"], job["state"], job["problem"]) == ("synthesis", "succeeded", None)
    assert (job["progress"]["evaluations"], job["progress"]["limit"]) == (2, 2)
    result = job["result"]
    assert (result["nonzero_weights"], result["latency_cycles"], result["initiation_interval"]) == (3, 4, 1)
    assert [row["flow"] for row in result["results"]] == ["lut4", "lut6"]
    for row in result["results"]:
        assert row["luts"] > 0
        assert row["flip_flops"] >= 3 * 2 * 2  # the inputs and the products alone
        assert row["tool"] == "yosys"


def test_equal_circuit_is_synthesised_once_and_another_anew(deployment: Any, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("pyosys")
    state = open_state(deployment.settings, Metrics())
    runs = []

    def counted(*arguments: Any, **options: Any) -> Any:
        runs.append(arguments[1])
        return count(*arguments, **options)

    count = use_case.count_cells
    monkeypatch.setattr(use_case, "count_cells", counted)

    def run(**changes: Any) -> Any:
        return synthesise(state.sessions, deployment.settings, SynthesisRequest.model_validate(SMALL | changes))

    first, second = run(seed=3), run(seed=3, flows=["lut6", "lut4"])
    assert first.circuit_hash == second.circuit_hash
    assert [row.is_stored for row in second.results] == [True, False]
    assert second.results[0].luts == first.results[0].luts
    assert runs == ["lut6", "lut4"]
    run(seed=4)
    assert runs == ["lut6", "lut4", "lut6"]
    state.engine.dispose()


def test_synthesis_that_is_stopped_leaves_no_process(deployment: Any, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("pyosys")
    state = open_state(deployment.settings, Metrics())
    monkeypatch.setattr(yosys, "_CHILD", "import time; time.sleep(60)")
    request = SynthesisRequest.model_validate(SMALL)
    with pytest.raises(SynthesisCancelledError):
        synthesise(state.sessions, deployment.settings, request, on_progress=lambda done, total: True)
    state.engine.dispose()


def test_cancelled_synthesis_ends_at_once(client: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("pyosys")
    monkeypatch.setattr(yosys, "_CHILD", "import time; time.sleep(60)")
    job_id = client.post("/synthesis", json=SMALL).json()["job"]
    while client.get(f"/jobs/{job_id}").json()["state"] == "queued":
        threading.Event().wait(0.02)
    client.delete(f"/jobs/{job_id}")
    wait_for(app.state.archcast, job_id, 20)
    job = client.get(f"/jobs/{job_id}").json()
    assert (job["state"], job["result"]) == ("cancelled", None)


def test_failed_synthesis_is_a_problem_of_the_job(client: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("pyosys")
    monkeypatch.setattr(yosys, "_CHILD", "raise SystemExit('ERROR: no such fabric')")
    job_id = client.post("/synthesis", json=SMALL).json()["job"]
    wait_for(app.state.archcast, job_id, 20)
    job = client.get(f"/jobs/{job_id}").json()
    assert job["state"] == "failed"
    assert job["problem"]["type"] == "urn:archcast:problem:synthesis-failed"
    assert "no such fabric" in job["problem"]["detail"]


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"inner": None}, ["/inner"]),
        ({"width": 3, "stride": 2}, ["/width", "/stride"]),
        ({"rows": 4096, "inner": 4096}, [""]),
        ({"weights": [1, 2]}, ["/weights"]),
        ({"weights": [1, 2, -3, 0]}, ["/weights/1", "/weights/2"]),
        ({"sparsity": 1.5}, ["/sparsity"]),
        ({"flows": ["lut9"]}, ["/flows/0"]),
        ({"flows": ["ice40_route"], "pipelined": False}, ["/flows"]),
        ({"primitive": "gemms-rp", "pipelined": False}, ["/pipelined"]),
    ],
)
def test_synthesis_that_cannot_be_points_at_its_faults(
    shared: TestClient, changes: dict[str, Any], pointers: list[str]
):
    answer = shared.post("/synthesis", json=SMALL | changes)
    assert answer.status_code == 422
    found = [error["pointer"] for error in answer.json()["errors"]]
    assert sorted(set(found)) == sorted(pointers)


def test_convolution_wider_than_its_image_is_refused(shared: TestClient):
    body = {"primitive": "conv1d-pw", "width": 2, "channels": 1, "filter": 3, "out_channels": 1}
    answer = shared.post("/synthesis", json=body)
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/filter"]


def test_synthesis_without_the_tool_names_what_to_install(shared: TestClient, monkeypatch: pytest.MonkeyPatch):
    def missing(name: str) -> str:
        raise yosys.PackageNotFoundError(name)

    monkeypatch.setattr(yosys, "version", missing)
    answer = shared.post("/synthesis", json=SMALL)
    assert answer.status_code == 501
    assert "archcast[fpga]" in answer.json()["detail"]

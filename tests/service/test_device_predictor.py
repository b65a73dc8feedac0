from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from device_db import MeasurementRow
from spaces import SPACES
from targets import hardware_names, load_hardware, load_target, segment_costs

MEASURED = "bench-board"
SIMULATED = hardware_names()[0]
NB201 = SPACES["nb201"]


def ask(client: TestClient, device: str = MEASURED, **query: Any) -> Any:
    answer = client.get(f"/devices/{device}/predictor", params={"space": "nb201"} | query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refuse(client: TestClient, status: int, device: str = MEASURED, **query: Any) -> Any:
    answer = client.get(f"/devices/{device}/predictor", params={"space": "nb201"} | query)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    return answer.json()


def upload(client: TestClient, deployment: Any, rows: list[tuple[str, float]], **columns: str) -> dict[str, Any]:
    header = ["device", "space", "architecture", "latency_ms", *columns]
    lines = [[MEASURED, "nb201", key, str(value), *columns.values()] for key, value in rows]
    answer = client.post(
        "/admin/measurements",
        content="\n".join(",".join(line) for line in [header, *lines]).encode(),
        headers=deployment.bearer("upload") | {"Content-Type": "text/csv"},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_predictor_tells_its_samples_with_what_the_others_predict(shared: TestClient, samples: list[MeasurementRow]):
    answer = ask(shared)
    assert (answer["predictor"]["name"], answer["predictor"]["version"], answer["is_in_use"]) == (
        "cost_linear",
        1,
        True,
    )
    assert (answer["versions"], answer["sources"], answer["retired_at"]) == ([1], [], None)
    measured = {row.architecture: row.value for row in samples}
    items = answer["samples"]["items"]
    assert {item["architecture"]: item["latency_ms"] for item in items} == pytest.approx(measured)
    assert answer["samples"]["total"] == 20
    assert all(item["lower_ms"] <= item["left_out_ms"] <= item["upper_ms"] for item in items)
    # Three per cent of noise: a prediction that had seen its sample would be nearer than the noise.
    errors = [abs(item["left_out_ms"] / item["latency_ms"] - 1) for item in items]
    told = answer["errors"]
    assert told["mape_percent"] == pytest.approx(100 * np.mean(errors))
    assert told["median_ape_percent"] == pytest.approx(100 * np.median(errors))
    assert told["within_5_percent"] == pytest.approx(100 * np.mean(np.array(errors) <= 0.05))
    inside = np.mean([item["lower_ms"] <= item["latency_ms"] <= item["upper_ms"] for item in items])
    assert told["coverage_percent"]["90"] == pytest.approx(100 * inside)
    assert told["coverage_percent"]["50"] < told["coverage_percent"]["90"]


def test_samples_are_paged(shared: TestClient):
    whole = ask(shared)["samples"]["items"]
    page = ask(shared, offset=18, limit=5)["samples"]
    assert (page["total"], page["offset"], page["items"]) == (20, 18, whole[18:])
    assert ask(shared, limit=0, next=0)["samples"]["items"] == []


def test_suggestions_are_those_of_the_device_with_their_predictions(shared: TestClient):
    answer = ask(shared, next=3, interval=0.8)
    suggested = shared.get(f"/devices/{MEASURED}/suggestions?space=nb201&count=3").json()["architectures"]
    assert [one["architecture"] for one in answer["next"]] == suggested
    body = {"space": "nb201", "device": MEASURED, "architectures": suggested, "interval": 0.8}
    assert answer["next"] == shared.post("/predict_latency", json=body).json()["results"]
    assert ask(shared, next=0)["next"] == []


def test_upload_makes_a_version_and_the_old_one_stays_readable(client: TestClient, deployment: Any):
    before = ask(client)
    keys = [item["architecture"] for item in before["samples"]["items"]]
    batch = upload(client, deployment, [(key, 0.7) for key in keys[:2]], batch_size="1", precision="fp32")["batch"]
    newest = ask(client)
    assert (newest["predictor"]["version"], newest["versions"]) == (2, [1, 2])
    assert newest["condition"] == {"batch_size": [1], "precision": ["fp32"], "input_shape": []}
    assert [item["latency_ms"] for item in newest["samples"]["items"][:2]] == [0.7, 0.7]
    old = ask(client, version=1)
    assert not old["is_in_use"]
    assert (old["samples"], old["errors"]) == (before["samples"], before["errors"])
    undone = client.delete(f"/admin/measurements/{batch}", headers=deployment.bearer("upload"))
    assert undone.json()["predictors"][0]["version"] == 3
    again = ask(client, version=2)
    assert [item["latency_ms"] for item in again["samples"]["items"][:2]] == [0.7, 0.7]


def test_retired_version_is_readable_and_a_device_without_samples_is_not_ready(client: TestClient, app: FastAPI):
    from device_db import Artifacts

    with app.state.archcast.sessions.begin() as session:
        Artifacts(session).retire(MEASURED, "nb201")
    assert refuse(client, 409)["type"] == "urn:archcast:problem:device-not-ready"
    old = ask(client, version=1)
    assert old["retired_at"] is not None
    assert not old["is_in_use"]


def test_many_samples_are_told_while_they_are_stored_and_no_longer_when_they_change(
    client: TestClient, deployment: Any
):
    rng = np.random.default_rng(0)
    cells = NB201.sample(260, rng=rng)
    latency_ms = segment_costs(load_target(SIMULATED), NB201, cells).latency_ms * rng.lognormal(0, 0.02, len(cells))
    rows = list(zip([cell.key for cell in cells], latency_ms.tolist(), strict=True))
    upload(client, deployment, rows)
    many = ask(client, limit=1000, next=0)
    assert many["samples"]["total"] == len(many["samples"]["items"]) >= 260
    assert all(item["left_out_ms"] > 0 for item in many["samples"]["items"])
    assert 60 < many["errors"]["coverage_percent"]["80"] < 95
    upload(client, deployment, [(rows[0][0], 1.1 * rows[0][1])])
    old = ask(client, version=2, next=0)
    assert old["samples"]["items"] == []
    assert "have changed" in old["samples"]["missing"]
    assert old["errors"] == many["errors"]


def test_simulated_device_answers_with_its_cost_model(shared: TestClient):
    answer = ask(shared, SIMULATED)
    assert answer["predictor"]["name"] == load_hardware(SIMULATED).target
    assert (answer["kind"], answer["versions"], answer["errors"]) == ("simulated", [1], None)
    assert (answer["samples"]["items"], answer["next"]) == ([], [])


def test_open_space_answers_with_what_is_fitted_to_all_timings(shared: TestClient):
    answer = shared.get(f"/devices/{MEASURED}/predictor", params={"space": "onnx"})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["predictor"]["name"] == "workload"
    assert told["samples"]["total"] == told["predictor"]["samples"] > 0
    assert "every space" in told["samples"]["missing"]
    assert (told["next"], told["versions"]) == ([], [told["predictor"]["version"]])
    gone = shared.get(
        "/devices/" + MEASURED + "/predictor", params={"space": "onnx", "version": told["predictor"]["version"] + 1}
    )
    assert gone.status_code == 404


@pytest.mark.parametrize(
    ("device", "query", "status", "slug"),
    [
        ("nobody", {}, 404, "device-not-found"),
        (MEASURED, {"space": "nb999"}, 404, "space-not-found"),
        (MEASURED, {"version": 7}, 404, "predictor-not-found"),
        (SIMULATED, {"version": 2}, 404, "predictor-not-found"),
        ("unmeasured", {}, 409, "device-not-ready"),
        (MEASURED, {"space": "fbnet"}, 409, "device-not-ready"),
        (MEASURED, {"version": 0}, 422, "invalid-request"),
        (MEASURED, {"next": 51}, 422, "invalid-request"),
        (MEASURED, {"limit": 1001}, 422, "invalid-request"),
        (MEASURED, {"interval": 1}, 422, "invalid-request"),
    ],
)
def test_what_cannot_be_told_is_a_problem(
    shared: TestClient, device: str, query: dict[str, Any], status: int, slug: str
):
    assert refuse(shared, status, device, **query)["type"] == f"urn:archcast:problem:{slug}"


def test_predictor_of_another_version_of_archcast_is_refused_and_replaced_by_the_next_upload(
    client: TestClient, app: FastAPI, deployment: Any, samples: list[MeasurementRow]
):
    from device_db import Artifacts

    with app.state.archcast.sessions.begin() as session:
        Artifacts(session).add(MEASURED, "nb201", "cost_linear", 20, b"of another time", {"median_ms": 5.0})
    problem = refuse(client, 503)
    assert (problem["type"], problem["version"]) == ("urn:archcast:problem:predictor-unusable", 2)
    body = {"space": "nb201", "device": MEASURED, "architecture": "0-0-0-0-0-0"}
    assert client.post("/predict_latency", json=body).status_code == 503
    upload(client, deployment, [(row.architecture, row.value) for row in samples])
    assert client.post("/predict_latency", json=body).json()["predictor"]["version"] == 3

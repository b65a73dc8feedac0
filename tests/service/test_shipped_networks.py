"""The service on the networks that come with archcast."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from device_db import MeasurementRow
from service.pretrained import ShippedAccuracies, ShippedTrunks
from spaces import SPACES

MEASURED = "bench-board"
NB201 = SPACES["nb201"]


@pytest.fixture(autouse=True)
def with_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.pretrained.has_torch", lambda: True)


def timings(device: str, samples: list[MeasurementRow]) -> str:
    rows = [f"{device},nb201,{row.architecture},{row.value}" for row in samples]
    return "\n".join(["device,space,architecture,latency_ms", *rows])


def test_upload_weighs_the_network_and_tells_where_it_has_seen_the_device(
    serve: Callable[..., TestClient], deployment: Any, samples: list[MeasurementRow]
):
    client = serve(predictor="auto")
    key = deployment.bearer("admin")
    seen = ShippedTrunks().load(NB201).devices[0]
    client.post("/devices", json={"name": seen}, headers=key)
    for device in (MEASURED, seen):
        headers = key | {"Content-Type": "text/csv"}
        answer = client.post("/admin/measurements", content=timings(device, samples), headers=headers).json()
        body = {"space": "nb201", "device": device, "architecture": "4-3-2-1-3-3"}
        told = client.post("/predict_latency", json=body).json()["predictor"]
        density = {each["name"]: each["log_density"] for each in told["candidates"]}
        assert told["name"] == answer["predictors"][0]["name"] == max(density, key=lambda name: density[name])
        assert told["pretrained_on_this_device"] == (device == seen and told["name"] == "graph_linear")


def test_network_alone_predicts_after_a_restart(
    serve: Callable[..., TestClient], deployment: Any, samples: list[MeasurementRow]
):
    headers = deployment.bearer("upload") | {"Content-Type": "text/csv"}
    body = {"space": "nb201", "device": MEASURED, "architectures": ["4-3-2-1-3-3", "0-0-0-0-0-0"]}
    client = serve(predictor="graph_linear")
    assert client.post("/predict_latency", json=body).json()["predictor"]["name"] == "cost_linear"
    client.post("/admin/measurements", content=timings(MEASURED, samples), headers=headers)
    first = client.post("/predict_latency", json=body).json()
    assert (first["predictor"]["name"], first["predictor"]["version"]) == ("graph_linear", 2)
    assert serve(predictor="graph_linear").post("/predict_latency", json=body).json() == first
    assert client.get(f"/devices/{MEASURED}/predictor?space=nb201").json()["errors"]["samples"] == 20


def test_search_needs_no_import_for_accuracies(serve: Callable[..., TestClient], deployment: Any):
    client = serve()
    body = {
        "space": "nb201",
        "device": "roofline-phone-cpu",
        "objectives": ["accuracy", "latency_ms"],
        "algorithm": "random",
        "budget": {"evaluations": 60},
    }
    answer = client.post("/search", json=body).json()
    assert (answer["accuracy"]["source"], answer["accuracy"]["dataset"]) == ("pretrained", "cifar10")
    assert answer["accuracy"]["held_out"]["kendall"] > 0.8
    for entry in answer["front"]:
        assert entry["accuracy_origin"] == "predicted"
        assert 0 < entry["accuracy_lower"] <= entry["accuracy"] <= entry["accuracy_upper"] <= 100
    assert max(entry["accuracy"] for entry in answer["front"]) > 90
    key = answer["front"][0]["architecture"]
    rows = f"space,dataset,architecture,accuracy\nnb201,cifar10,{key},12.5\n"
    headers = deployment.bearer("upload") | {"Content-Type": "text/csv"}
    client.post("/admin/accuracies", content=rows, headers=headers)
    again = client.post("/search", json=body).json()
    assert (again["accuracy"]["source"], again["accuracy"]["known"]) == ("pretrained", 1)
    assert all(entry["accuracy"] == 12.5 for entry in again["front"] if entry["accuracy_origin"] == "table")
    other = client.post("/search", json=body | {"dataset": "cifar100"}).json()
    assert other["accuracy"]["dataset"] == "cifar100"
    (fault,) = client.post("/search", json=body | {"dataset": "mine"}).json()["errors"]
    assert all(name in fault["reason"] for name in ShippedAccuracies().datasets("nb201"))

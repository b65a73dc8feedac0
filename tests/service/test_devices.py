import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from onnx import TensorProto, helper
from sqlalchemy import update

from arch_encodings import has_path
from device_db import DeviceKind, Devices, MeasurementRow, create_engine, session_factory
from device_db.models import UploadedModel
from service import onnx_bundle
from service.device_costs import SimulatedCosts
from service.search_metrics import hardware_metrics
from service.use_cases import suggest_architectures
from service.use_cases.seed_catalogue import seed_catalogue
from spaces import SPACES, Architecture, SearchSpace
from spaces.onnx_model import import_here
from targets import NotFittingError, hardware_names, load_hardware, load_target

MEASURED = "bench-board"
SIMULATED = hardware_names()[0]


def test_devices_are_listed_with_kind_and_samples(client: TestClient):
    devices = {device["name"]: device for device in client.get("/devices").json()["devices"]}
    assert devices.keys() == {MEASURED, "unmeasured", *hardware_names()}
    assert devices[MEASURED] == {
        "name": MEASURED,
        "kind": "measured",
        "description": "a board on the bench",
        "samples": {"nb201": 20},
        "metrics": ["accuracy", "latency_ms", "macs", "params", "peak_memory_bytes"],
    }
    simulated = [
        "accuracy",
        "area_mm2",
        "energy_mj",
        "latency_ms",
        "macs",
        "params",
        "peak_memory_bytes",
        "quantisation_mse",
        "quantisation_sqnr_db",
    ]
    assert devices["bitmod-lossy"]["metrics"] == simulated
    assert client.get("/devices/m4bram").json()["metrics"] == [
        each for each in simulated if each not in ("area_mm2", "energy_mj")
    ]
    assert devices[SIMULATED]["kind"] == "simulated"
    assert devices["unmeasured"]["samples"] == {}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("kind=simulated", set(hardware_names())),
        ("space=nb201", {MEASURED}),
        ("space=fbnet", set()),
        ("kind=simulated&space=nb201", set()),
    ],
)
def test_devices_are_filtered_by_kind_and_by_space(client: TestClient, query: str, names: set[str]):
    assert {device["name"] for device in client.get(f"/devices?{query}").json()["devices"]} == names


@pytest.mark.parametrize("name", hardware_names())
def test_device_metrics_are_those_that_its_costs_evaluate(name: str):
    hardware = load_hardware(name)
    costs = SimulatedCosts(load_target(name), SPACES["nb201"], hardware.number_format)
    cells = SPACES["nb201"].sample(2, rng=np.random.default_rng(0))
    values = {metric: evaluate(cells) for metric, evaluate in costs.evaluators.items()}
    if name in ("fpga-ice40-hx8k", "fpga-xc7z020"):  # too small for some networks or all
        with pytest.raises(NotFittingError):
            costs.latencies(cells, 0.9)
    else:
        assert all(np.isfinite(each).all() for each in values.values())
    assert set(hardware_metrics(hardware)) == {*values, "accuracy", "macs", "params", "peak_memory_bytes"}


@pytest.mark.parametrize(("query", "status"), [("kind=toaster", 422), ("space=nb999", 404), ("space=%00", 422)])
def test_devices_with_a_bad_filter_are_refused(shared: TestClient, query: str, status: int):
    assert shared.get(f"/devices?{query}").status_code == status


def test_device_tells_its_predictors_and_a_simulated_one_its_hardware(client: TestClient):
    measured = client.get(f"/devices/{MEASURED}").json()
    (predictor,) = measured["predictors"]
    assert (predictor["space"], predictor["name"], predictor["version"]) == ("nb201", "cost_linear", 1)
    assert (measured["target"], measured["hardware"]) == (None, None)
    simulated = client.get(f"/devices/{SIMULATED}").json()
    assert (simulated["target"], simulated["hardware"]) == (load_hardware(SIMULATED).target, SIMULATED)


@pytest.mark.parametrize(("name", "status"), [("nobody", 404), ("%00", 422), ("a%20b", 422), ("x" * 101, 422)])
def test_device_that_is_not_there_is_refused(shared: TestClient, name: str, status: int):
    assert shared.get(f"/devices/{name}").status_code == status


def test_new_device_is_created_once(client: TestClient, deployment: Any):
    answer = client.post("/devices", json={"name": "pi-5", "description": "a Pi"}, headers=deployment.bearer("upload"))
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/devices/pi-5"
    assert client.get("/devices/pi-5").json() == answer.json()
    again = client.post("/devices", json={"name": "pi-5"}, headers=deployment.bearer("upload"))
    assert again.status_code == 409
    assert again.json()["type"] == "urn:archcast:problem:device-exists"


def test_new_device_timed_with_onnx_files_says_so_and_is_a_measured_one_otherwise(
    client: TestClient, deployment: Any, samples: list[MeasurementRow]
):
    bearer = deployment.bearer("upload")
    assert client.post("/devices", json={"name": "desk", "kind": "onnx"}, headers=bearer).json()["kind"] == "onnx"
    assert [one["name"] for one in client.get("/devices?kind=onnx").json()["devices"]] == ["desk"]
    assert client.post("/devices", json={"name": "board"}, headers=bearer).json()["kind"] == "measured"
    rows = [{"device": "desk", **_row(sample)} for sample in samples]
    body = "\n".join(json.dumps(row) for row in rows)
    headers = {"Content-Type": "application/x-ndjson", **bearer}
    answer = client.post("/admin/measurements", content=body, headers=headers).json()
    assert [(one["device"], one["samples"]) for one in answer["predictors"]] == [("desk", len(rows))]
    asked = {"space": "nb201", "device": "desk", "architectures": [rows[0]["architecture"], "4-3-2-1-3-3"]}
    results = client.post("/predict_latency", json=asked).json()["results"]
    assert [one["origin"] for one in results] == ["measured", "predicted"]


def _row(sample: MeasurementRow) -> dict[str, Any]:
    return {"space": sample.space, "architecture": sample.architecture, "latency_ms": sample.value}


def test_device_timed_with_onnx_files_is_a_peer_of_new_ones(client: TestClient, deployment: Any):
    """Timings in microseconds are noticed from what the only known device takes."""
    engine = create_engine(deployment.settings.sqlalchemy_url)
    with session_factory(engine).begin() as session:
        Devices(session).get(MEASURED).kind = DeviceKind.onnx
    engine.dispose()
    cells = [cell.key for cell in SPACES["nb201"].sample(8, rng=np.random.default_rng(3))]
    body = "\n".join(["device,space,architecture,latency_ms", *(f"unmeasured,nb201,{cell},90000000" for cell in cells)])
    headers = {"Content-Type": "text/csv", **deployment.bearer("upload")}
    answer = client.post("/admin/measurements", content=body, headers=headers)
    assert answer.status_code == 422
    assert {fault["column"] for fault in answer.json()["errors"]} == {"latency_ms"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "a/b"},
        {"name": "-leading"},
        {"name": "x" * 101},
        {"name": "\x00"},
        {"name": 5},
        {"name": "ok", "description": "\x00"},
        {"name": "ok", "description": "x" * 2001},
        {"name": "ok", "kind": "simulated"},
    ],
)
def test_new_device_with_a_bad_field_is_422(shared: TestClient, shared_deployment: Any, body: dict[str, Any]):
    answer = shared.post("/devices", json=body, headers=shared_deployment.bearer("admin"))
    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_suggestions_are_new_and_distinct_and_stay_the_same(client: TestClient, samples: list[MeasurementRow]):
    answer = client.get(f"/devices/{MEASURED}/suggestions?space=nb201").json()
    assert answer["measured"] == 20
    assert len(set(answer["architectures"])) == 20
    assert not {row.architecture for row in samples} & set(answer["architectures"])
    assert client.get(f"/devices/{MEASURED}/suggestions?space=nb201").json() == answer


def test_suggestions_as_archive_are_their_onnx_files_and_say_which_is_which(shared: TestClient):
    query = "/devices/unmeasured/suggestions?space=nb201&count=2"
    suggested = shared.get(query).json()
    answer = shared.get(f"{query}&format=zip")
    assert answer.headers["Content-Type"] == "application/zip"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    manifest = json.loads(archive.read("manifest.json"))
    assert (manifest["device"], manifest["space"]) == ("unmeasured", "nb201")
    assert [one["architecture"] for one in manifest["networks"]] == suggested["architectures"]
    assert manifest["upload"]["columns"] == ["device", "space", "architecture", "latency_ms"]
    assert archive.namelist() == [*(one["file"] for one in manifest["networks"]), "manifest.json"]
    for one in manifest["networks"]:
        workload = import_here(archive.read(one["file"])).workload
        assert workload.macs == SPACES["nb201"].workload(Architecture("nb201", one["architecture"])).macs


def test_archive_of_too_much_is_refused_and_leaves_nothing_open(shared: TestClient, monkeypatch: pytest.MonkeyPatch):
    query = "/devices/unmeasured/suggestions?space=nb201&format=zip"
    answer = shared.get(f"{query}&count=51")
    assert answer.status_code == 422
    assert "50 networks at most" in answer.json()["errors"][0]["reason"]
    monkeypatch.setattr(onnx_bundle, "_LARGEST", 1000)
    answer = shared.get(f"{query}&count=1")
    assert answer.status_code == 422
    assert "ask for fewer" in answer.json()["errors"][0]["reason"]


def test_archive_leaves_out_uploaded_networks_without_a_file(client: TestClient, deployment: Any):
    content = {}
    for name, width in (("kept", 8), ("dropped", 9)):
        shape = [1, width, 4, 4]
        graph = helper.make_graph(
            [helper.make_node("Relu", ["x"], ["y"])],
            name,
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        headers = {"Content-Type": "application/octet-stream", **deployment.bearer("admin")}
        key = client.post("/models", content=model.SerializeToString(), headers=headers).json()["architecture"]
        content[name] = (key, model.SerializeToString())
    engine = create_engine(deployment.settings.sqlalchemy_url)
    with session_factory(engine).begin() as session:
        session.execute(update(UploadedModel).where(UploadedModel.name == "dropped").values(content=None))
    engine.dispose()
    answer = client.get("/devices/unmeasured/suggestions?space=onnx&format=zip")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    manifest = json.loads(archive.read("manifest.json"))
    (network,) = manifest["networks"]
    assert (network["architecture"], archive.read(network["file"])) == content["kept"]
    assert manifest["without_file"] == [content["dropped"][0]]


def test_suggestions_wait_for_each_other_and_not_for_predictions(serve: Callable[..., TestClient]):
    client = serve(inference_slots=1, inference_wait_seconds=0)
    state = client.app.state.archcast  # type: ignore[attr-defined]
    with state.inference.slot():
        assert client.get(f"/devices/{MEASURED}/suggestions?space=nb201").status_code == 200
    with state.suggestions.slot():
        answer = client.get(f"/devices/{MEASURED}/suggestions?space=nb201")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1


def test_suggestions_look_through_a_space_once(shared: TestClient, monkeypatch: pytest.MonkeyPatch):
    looked: list[int] = []

    def counting(space: SearchSpace, architectures: list[Architecture]) -> Any:
        looked.append(len(architectures))
        return has_path(space, architectures)

    monkeypatch.setattr(suggest_architectures, "has_path", counting)
    suggest_architectures._working.cache_clear()
    for device in ("unmeasured", MEASURED, "unmeasured"):
        assert shared.get(f"/devices/{device}/suggestions?space=fbnet&count=3").status_code == 200
    assert len(looked) == 1


def test_suggestions_of_a_large_space_for_a_device_without_samples(shared: TestClient):
    answer = shared.get("/devices/unmeasured/suggestions?space=fbnet&count=7").json()
    assert len(answer["architectures"]) == 7
    assert all(SPACES["fbnet"].parse(key).key == key for key in answer["architectures"])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{SIMULATED}/suggestions?space=nb201", 409),
        (f"{MEASURED}/suggestions", 422),
        (f"{MEASURED}/suggestions?space=nb999", 404),
        (f"{MEASURED}/suggestions?space=nb201&count=0", 422),
        (f"{MEASURED}/suggestions?space=nb201&count=many", 422),
        (f"{MEASURED}/suggestions?space=nb201&count=100000", 422),
        ("nobody/suggestions?space=nb201", 404),
    ],
)
def test_suggestions_that_cannot_be_given_are_refused(shared: TestClient, path: str, status: int):
    answer = shared.get(f"/devices/{path}")
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_spaces_tell_their_choices(shared: TestClient):
    spaces = {space["name"]: space for space in shared.get("/spaces").json()["spaces"]}
    assert spaces.keys() == {*SPACES, "onnx"}
    assert spaces["nb201"]["size"] == 15_625
    assert spaces["nb201"]["is_enumerable"]
    assert not spaces["nb201"]["accepts_index"]
    assert spaces["fbnet"]["positions"] == 22


def test_seeding_the_catalogue_again_changes_nothing(database_url: str):
    engine = create_engine(database_url)
    with session_factory(engine).begin() as session:
        assert seed_catalogue(session) == len(hardware_names())
        assert seed_catalogue(session) == 0
        assert len(Devices(session).list()) == len(hardware_names())
    engine.dispose()


def test_seeding_brings_simulated_devices_up_to_date_and_leaves_others(database_url: str):
    first, second = hardware_names()[:2]
    engine = create_engine(database_url)
    sessions = session_factory(engine)
    with sessions.begin() as session:
        Devices(session).add(second, DeviceKind.measured, "somebody's own")
        seed_catalogue(session)
        device = Devices(session).get(first)
        current = (device.description, device.target, device.config)
        device.description, device.target, device.config = "old", "older", {"peak": 1}
    with sessions.begin() as session:
        assert seed_catalogue(session) == 1
    with sessions() as session:
        device = Devices(session).get(first)
        assert (device.description, device.target, device.config) == current
        assert Devices(session).get(second).description == "somebody's own"
    engine.dispose()

"""POST /models, GET /models and the space `onnx` that they fill."""

import gzip
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from fastapi.testclient import TestClient
from onnx import TensorProto, helper, numpy_helper

from spaces import SPACES
from spaces.networks import export_onnx
from targets import hardware_names, load_target

SIMULATED = hardware_names()[0]
CELL = SPACES["nb201"].parse("4-3-2-1-3-3")
BINARY = {"Content-Type": "application/octet-stream"}


def small_model(width: int = 8, batch: int | str = 1, name: str = "small", **node: Any) -> bytes:
    conv = helper.make_node("Conv", ["x", "w"], ["a"], **node)
    weight = numpy_helper.from_array(np.zeros((width, 3, 3, 3), dtype=np.float32), "w")
    graph = helper.make_graph(
        [conv, helper.make_node("Relu", ["a"], ["y"])],
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, 16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, width, 14, 14])],
        [weight],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


@cache
def exported(cell: str) -> bytes:
    """The ONNX file of a cell of nb201."""
    return export_onnx(SPACES["nb201"].parse(cell))


@pytest.fixture
def post(client: TestClient, deployment: Any) -> Any:
    def send(content: bytes, scope: str = "upload", headers: dict[str, str] = BINARY, **query: Any) -> Any:
        return client.post("/models", content=content, params=query, headers=headers | deployment.bearer(scope))

    return send


@pytest.fixture
def ask(shared: TestClient, shared_deployment: Any) -> Any:
    """The same on a server that several tests share."""

    def send(content: bytes, scope: str = "upload", headers: dict[str, str] = BINARY, **query: Any) -> Any:
        return shared.post("/models", content=content, params=query, headers=headers | shared_deployment.bearer(scope))

    return send


def test_model_is_stored_once_with_its_layers(post: Any, client: TestClient):
    first = post(small_model())
    assert first.status_code == 201, first.text
    answer = first.json()
    assert (answer["name"], answer["macs"], answer["params"]) == ("small", 8 * 14 * 14 * 27, 8 * 27)
    assert [layer["kind"] for layer in answer["layers"]] == ["conv", "activation"]
    assert answer["layers"][0]["kernel"] == [3, 3]
    assert (answer["unsupported"], answer["input_shapes"]) == ([], [[1, 3, 16, 16]])
    assert first.headers["Location"] == f"/models/{answer['architecture']}"
    again = post(small_model(name="renamed"))
    assert (again.status_code, again.json()) == (200, answer)
    assert client.get(first.headers["Location"]).json() == answer
    assert client.get(f"{first.headers['Location']}/onnx").content == small_model()


def test_models_are_listed_a_page_at_a_time(post: Any, client: TestClient):
    hashes = [post(small_model(width)).json()["architecture"] for width in (4, 5, 6)]
    page = client.get("/models", params={"limit": 2}).json()
    assert [model["architecture"] for model in page["models"]] == hashes[:2]
    rest = client.get("/models", params={"limit": 2, "after": page["next"]}).json()
    assert [model["architecture"] for model in rest["models"]] == hashes[2:]
    assert rest["next"] is None


def test_uploaded_network_is_predicted_and_searched_like_any_other(post: Any, client: TestClient):
    architecture = post(exported(CELL.key)).json()["architecture"]
    post(small_model())
    body = {"device": SIMULATED, "architectures": [architecture]}
    answer = client.post("/predict_latency", json={"space": "onnx", **body})
    assert answer.status_code == 200, answer.text
    own = client.post("/predict_latency", json={"space": "nb201", **body, "architectures": [CELL.key]}).json()
    result = answer.json()["results"][0]
    assert result["architecture"] == architecture
    assert result["latency_ms"] == pytest.approx(own["results"][0]["latency_ms"])
    assert result["origin"] == "simulated"
    search = {"space": "onnx", "device": SIMULATED, "objectives": ["macs", "latency_ms"]}
    found = client.post("/search", json=search).json()
    assert (found["evaluations"], found["complete"], found["algorithm"]) == (2, True, "exhaustive")
    simulated = client.post("/simulate", json={"target": SIMULATED, "space": "onnx", "architecture": architecture})
    expected = load_target(SIMULATED).cost(SPACES["nb201"].workload(CELL)).latency_ms
    assert simulated.json()["latency_ms"] == pytest.approx(expected)


def test_search_and_prediction_without_any_model_say_so(client: TestClient):
    search = client.post("/search", json={"space": "onnx", "device": SIMULATED, "objectives": ["macs", "latency_ms"]})
    assert (search.status_code, search.json()["errors"][0]["pointer"]) == (422, "/space")
    unknown = {"space": "onnx", "device": SIMULATED, "architecture": "0" * 64}
    assert client.post("/predict_latency", json=unknown).json()["errors"][0]["pointer"] == "/architecture"


@pytest.mark.one_database
def test_spaces_list_the_models_and_encodings_leave_them_out(post: Any, client: TestClient):
    architecture = post(small_model()).json()["architecture"]
    (space,) = [one for one in client.get("/spaces").json()["spaces"] if one["name"] == "onnx"]
    assert (space["size"], space["choices"]) == (1, [[architecture]])
    assert all("onnx" not in one["dimensions"] for one in client.get("/encodings").json()["encodings"])
    body = {"space": "onnx", "architectures": [architecture], "encodings": ["adjacency"]}
    refused = client.post("/encode", json=body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/space")


def test_dynamic_dimensions_are_bound_or_named(ask: Any):
    refused = ask(small_model(batch="batch"))
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:archcast:problem:dynamic-dimensions")
    assert refused.json()["names"] == ["batch"]
    bound = ask(small_model(batch="batch"), bind="batch=1")
    assert bound.json()["architecture"] == ask(small_model()).json()["architecture"]
    assert ask(small_model(), bind=["other=3"]).json()["type"] == "urn:archcast:problem:unknown-dimension"
    for binding in ("batch", "batch=x", "=1", "batch=-1", "batch=1.5"):
        assert ask(small_model(batch="batch"), bind=binding).status_code == 422


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\0" * 1000, small_model()[:-20]])
def test_file_that_is_no_model_is_a_problem(ask: Any, content: bytes):
    answer = ask(content)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:archcast:problem:model-refused")
    assert answer.headers["content-type"] == "application/problem+json"


def test_external_data_is_refused_and_no_file_left(ask: Any, tmp_path: Path):
    model = onnx.load_from_string(small_model())
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")
    before = sorted(tmp_path.rglob("*"))
    answer = ask(model.SerializeToString())
    assert (answer.status_code, "another file" in answer.json()["detail"]) == (422, True)
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in before] == []


def test_upload_needs_the_scope_and_the_media_type(ask: Any, shared: TestClient):
    assert shared.post("/models", content=small_model(), headers=BINARY).status_code == 401
    assert ask(small_model(), scope="predict").status_code == 403
    assert ask(small_model(), headers={"Content-Type": "text/plain"}).status_code == 415


@pytest.mark.one_database
def test_gzipped_model_is_unpacked_up_to_the_limit(post: Any, serve: Any, deployment: Any):
    packed = {**BINARY, "Content-Encoding": "gzip"}
    assert post(gzip.compress(small_model()), headers=packed).status_code == 201
    small = serve(max_model_size=1000)
    headers = packed | deployment.bearer("upload")
    for content in (gzip.compress(b"\0" * 10**6), small_model(64)):
        answer = small.post("/models", content=content, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")


@pytest.mark.one_database
def test_large_file_is_read_but_not_kept(serve: Any, deployment: Any):
    stingy = serve(max_kept_model_size=100)
    answer = stingy.post("/models", content=small_model(), headers=BINARY | deployment.bearer("admin"))
    assert answer.status_code == 201
    kept = stingy.get(f"/models/{answer.json()['architecture']}/onnx")
    assert (kept.status_code, kept.json()["type"]) == (404, "urn:archcast:problem:model-not-found")


@pytest.mark.parametrize("path", ["/models/" + "0" * 64, "/models/" + "0" * 64 + "/onnx"])
def test_unknown_model_is_not_found(shared: TestClient, path: str):
    assert shared.get(path).status_code == 404


def test_timings_of_an_uploaded_network_are_stored_and_answered(post: Any, client: TestClient, deployment: Any):
    rows = ["device,space,architecture,latency_ms,input_shape"]
    hashes = [post(small_model(width)).json()["architecture"] for width in (4, 5)]
    rows += [
        f"unmeasured,onnx,{key},{value},{shape}"
        for key, value, shape in zip(hashes, (1, 900), ("3x4x4", "3x5x5"), strict=True)
    ]
    headers = {"Content-Type": "text/csv"} | deployment.bearer("upload")
    stored = client.post("/admin/measurements", content="\n".join(rows), headers=headers)
    assert (stored.status_code, stored.json()["inserted"]) == (200, 2), stored.text
    assert client.get("/devices/unmeasured").json()["samples"] == {"onnx": 2}


@pytest.mark.one_database
def test_uploaded_network_is_predicted_on_a_device_that_was_timed_with_cells(post: Any, client: TestClient):
    """`bench-board` has twenty cells, whose latencies a simulated device's are in truth."""
    alike = post(exported(CELL.key)).json()["architecture"]
    unlike = post(small_model(512)).json()["architecture"]
    body = {"space": "onnx", "device": "bench-board", "architectures": [alike, unlike]}
    answer = client.post("/predict_latency", json=body)
    assert answer.status_code == 200, answer.text
    first, second = answer.json()["results"]
    truth = load_target(SIMULATED).cost(SPACES["nb201"].workload(CELL)).latency_ms
    assert first["latency_ms"] == pytest.approx(truth, rel=0.25)
    assert first["lower_ms"] <= truth <= first["upper_ms"]
    assert (first["origin"], first["unlike_samples"]) == ("predicted", False)
    relative = [(one["upper_ms"] - one["latency_ms"]) / one["latency_ms"] for one in (first, second)]
    assert relative[1] > relative[0]
    info = answer.json()["predictor"]
    assert (info["name"], info["samples"]) == ("workload", 20)


def test_timing_of_an_uploaded_network_is_answered_and_changes_the_others(
    post: Any, client: TestClient, deployment: Any
):
    first, second = (post(exported(cell)).json()["architecture"] for cell in ("3-3-3-3-3-3", "2-3-2-3-2-3"))
    body = {"space": "onnx", "device": "bench-board", "architectures": [first, second]}
    before = client.post("/predict_latency", json=body).json()["results"]
    content = f"device,space,architecture,latency_ms\nbench-board,onnx,{first},77"
    headers = {"Content-Type": "text/csv"} | deployment.bearer("upload")
    assert client.post("/admin/measurements", content=content, headers=headers).status_code == 200
    after = client.post("/predict_latency", json=body).json()
    assert (after["results"][0]["latency_ms"], after["results"][0]["origin"]) == (77, "measured")
    assert after["results"][1]["latency_ms"] != before[1]["latency_ms"]
    assert after["predictor"]["samples"] == 21


@pytest.mark.one_database
def test_device_without_samples_cannot_predict_an_uploaded_network(post: Any, client: TestClient):
    architecture = post(small_model()).json()["architecture"]
    body = {"space": "onnx", "device": "unmeasured", "architecture": architecture}
    answer = client.post("/predict_latency", json=body)
    assert (answer.status_code, answer.json()["samples"]) == (409, 0)


@pytest.mark.one_database
@pytest.mark.parametrize(("device", "source"), [(SIMULATED, "simulated"), ("bench-board", "estimated")])
@pytest.mark.parametrize("space", ["nb201", "onnx"])
def test_breakdown_divides_a_latency_among_the_layers(
    post: Any, client: TestClient, device: str, source: str, space: str
):
    architecture = post(exported(CELL.key)).json()["architecture"] if space == "onnx" else CELL.key
    body = {"space": space, "device": device, "architecture": architecture, "breakdown": True}
    answer = client.post("/predict_latency", json=body).json()
    (result,) = answer["results"]
    layers = SPACES["nb201"].workload(CELL).layers
    assert answer["breakdown"] == source
    assert [layer["kind"] for layer in result["layers"]] == [layer.kind for layer in layers]
    assert sum(layer["share"] for layer in result["layers"]) == pytest.approx(1)
    assert sum(layer["latency_ms"] for layer in result["layers"]) == pytest.approx(result["latency_ms"])
    assert all(layer["share"] >= 0 for layer in result["layers"])
    if source == "simulated":
        costs = load_target(SIMULATED).cost(SPACES["nb201"].workload(CELL)).layers
        assert [layer["latency_ms"] for layer in result["layers"]] == pytest.approx([one.latency_ms for one in costs])


def test_breakdown_of_too_many_and_without_samples_is_refused(shared: TestClient):
    body = {"space": "nb201", "device": SIMULATED, "architectures": [[0] * 6] * 101, "breakdown": True}
    refused = shared.post("/predict_latency", json=body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/breakdown")
    plain = shared.post("/predict_latency", json={**body, "breakdown": False}).json()
    assert "breakdown" not in plain
    assert plain["results"][0].keys() == {"architecture", "latency_ms", "lower_ms", "upper_ms", "origin"}

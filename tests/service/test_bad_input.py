"""What users get wrong, at every endpoint: each case is a 4xx problem with a reason, none a 500."""

import gzip
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from targets import hardware_names

CELL = "|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|nor_conv_3x3~2|"
SIMULATED = hardware_names()[0]
BOARD = {"space": "nb201", "device": "bench-board"}
HEADER = "device,space,architecture,latency_ms"
GOOD = f"bench-board,nb201,{CELL},5.2"
JSON = "application/json"
NDJSON = "application/x-ndjson"
PARQUET = "application/vnd.apache.parquet"


def parquet(**columns: list[Any]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def row(**changes: Any) -> bytes:
    return json.dumps(BOARD | {"architecture": CELL, "latency_ms": 5.2} | changes).encode()


# name: (body, status, a part of the reason)
PREDICTIONS: dict[str, tuple[Any, int, str]] = {
    "no body": ({}, 422, "required"),
    "list as body": ([], 422, "dictionary"),
    "unknown space": (BOARD | {"space": "nb999", "architecture": CELL}, 422, "nb999"),
    "unknown device": (BOARD | {"device": "toaster", "architecture": CELL}, 422, "toaster"),
    "device that is no name": (BOARD | {"device": "a b\u0000", "architecture": CELL}, 422, "pattern"),
    "no architecture": (BOARD, 422, "either"),
    "both spellings": (BOARD | {"architecture": CELL, "architectures": [CELL]}, 422, "either"),
    "empty list": (BOARD | {"architectures": []}, 422, "at least 1"),
    "bad cell": (BOARD | {"architecture": "|conv~0|"}, 422, "|conv~0|"),
    "bad cell among good ones": (BOARD | {"architectures": [CELL, "x", CELL]}, 422, "x"),
    "index without its order": (BOARD | {"architecture": 17}, 422, "imported"),
    "negative index": (BOARD | {"architecture": -1}, 422, "within"),
    "huge index": (BOARD | {"architecture": 10**40}, 422, ""),
    "too few operations": (BOARD | {"architecture": [1, 2]}, 422, ""),
    "operation out of range": (BOARD | {"architecture": [0, 0, 0, 0, 0, 9]}, 422, ""),
    "other space's notation": (BOARD | {"space": "fbnet", "architecture": CELL}, 422, "fbnet"),
    "null in the list": (BOARD | {"architectures": [None]}, 422, "architecture"),
    "interval of one": (BOARD | {"architecture": CELL, "interval": 1}, 422, "less than or equal to 0.9999"),
    "interval in words": (BOARD | {"architecture": CELL, "interval": "wide"}, 422, "number"),
    "misspelt member": (BOARD | {"architecture": CELL, "intervall": 0.9}, 422, "Extra"),
    "too few samples": (BOARD | {"device": "unmeasured", "architecture": CELL}, 409, "predictions need"),
    "no samples in the space": (
        BOARD | {"space": "fbnet", "architecture": "_".join("0" * 22)},
        409,
        "predictions need",
    ),
}
SEARCHES: dict[str, tuple[Any, int, str]] = {
    "unknown space": (BOARD | {"space": ""}, 422, "space"),
    "unknown device": (BOARD | {"device": "toaster"}, 422, "toaster"),
    "unknown objective": (BOARD | {"objectives": ["beauty"]}, 422, "beauty"),
    "objective twice": (BOARD | {"objectives": ["latency_ms", "latency_ms"]}, 422, "latency_ms"),
    "no objective": (BOARD | {"objectives": []}, 422, "at least 1"),
    "energy of a measured device": (BOARD | {"objectives": ["energy_mj"]}, 422, "energy_mj"),
    "unknown limit": (BOARD | {"constraints": {"beauty": {"max": 1}}}, 422, "beauty"),
    "limit without bound": (BOARD | {"constraints": {"latency_ms": {}}}, 422, "max or min"),
    "negative limit": (BOARD | {"constraints": {"latency_ms": {"max": -1}}}, 422, "below 0"),
    "crossed limits": (BOARD | {"constraints": {"latency_ms": {"min": 9, "max": 8}}}, 422, "above"),
    "impossible limit": (BOARD | {"constraints": {"latency_ms": {"max": 1e-9}}}, 422, "best reachable"),
    "no evaluations": (BOARD | {"budget": {"evaluations": 0}}, 422, "greater"),
    "negative time": (BOARD | {"budget": {"seconds": -5}}, 422, "greater"),
    "negative seed": (BOARD | {"seed": -1}, 422, "greater"),
    "unknown algorithm": (BOARD | {"algorithm": "magic"}, 422, "magic"),
    "listing a space too large": (
        BOARD | {"space": "fbnet", "device": SIMULATED, "algorithm": "exhaustive"},
        422,
        "fbnet",
    ),
    "unknown data set": (BOARD | {"dataset": "mnist"}, 422, "mnist"),
    "too few samples": (BOARD | {"device": "unmeasured"}, 409, "predictions need"),
}
DEVICES: dict[str, tuple[Any, int, str]] = {
    "no name": ({}, 422, "required"),
    "empty name": ({"name": ""}, 422, "pattern"),
    "name with a slash": ({"name": "a/b"}, 422, "pattern"),
    "long name": ({"name": "a" * 101}, 422, "100"),
    "name that is no text": ({"name": 5}, 422, "string"),
    "name taken": ({"name": "bench-board"}, 409, "exists"),
    "zero byte": ({"name": "a", "description": "\u0000"}, 422, "pattern"),
    "misspelt member": ({"name": "a", "knd": "onnx"}, 422, "Extra"),
    "kind that comes with archcast": ({"name": "a", "kind": "simulated"}, 422, "Input should be 'measured' or 'onnx'"),
}
# name: (content type, body, status, a part of the reason)
UPLOADS: dict[str, tuple[str, bytes, int, str]] = {
    "no content type": ("", b"", 415, "text/csv"),
    "json": (JSON, b"[]", 415, "application/x-ndjson"),
    "form": ("multipart/form-data; boundary=x", b"--x--", 415, "text/csv"),
    "latin-1": ("text/csv; charset=iso-8859-1", b"", 415, "utf-8"),
    "empty csv": ("text/csv", b"", 422, "no rows"),
    "header only": ("text/csv", HEADER.encode(), 422, "no rows"),
    "empty ndjson": (NDJSON, b"\n\n", 422, "no rows"),
    "no header": ("text/csv", GOOD.encode(), 422, "required column 'device' is missing"),
    "unknown column": ("text/csv", f"{HEADER},ms\n{GOOD},1".encode(), 422, "unknown column 'ms'"),
    "semicolons": ("text/csv", f"{HEADER}\n{GOOD}".replace(",", ";").encode(), 422, "not separated by commas"),
    "utf-16": ("text/csv", f"{HEADER}\n{GOOD}".encode("utf-16"), 422, "not UTF-8"),
    "gzip unannounced": ("text/csv", gzip.compress(HEADER.encode()), 422, "not UTF-8"),
    "open quote": ("text/csv", f'{HEADER}\n"{GOOD}'.encode(), 422, "line 2"),
    "cell missing": ("text/csv", f"{HEADER}\nbench-board,nb201,5.2".encode(), 422, "has 3 cells"),
    "unknown device": (NDJSON, row(device="toaster"), 422, "POST /devices"),
    "simulated device": (NDJSON, row(device=SIMULATED), 422, "simulated"),
    "unknown space": (NDJSON, row(space="nb999"), 422, "nb999"),
    "bad cell": (NDJSON, row(architecture="|conv~0|"), 422, "|conv~0|"),
    "zero": (NDJSON, row(latency_ms=0), 422, "not positive"),
    "infinity": (NDJSON, row(latency_ms=float("inf")), 422, "not finite"),
    "text for a number": (NDJSON, row(latency_ms="fast"), 422, "'fast' is no number"),
    "seconds": (NDJSON, row(latency_ms=0.0005), 422, "is it in seconds?"),
    "other unit": (NDJSON, row(unit="s"), 422, "latency_ms is in ms"),
    "duplicate": (NDJSON, row() + b"\n" + row(latency_ms=5.3), 422, "row 1, line 1"),
    "broken json": (NDJSON, b'{"device": ', 422, "no JSON"),
    "time without zone": (NDJSON, row(measured_at="2026-01-31 12:00"), 422, "zone"),
    "no parquet": (PARQUET, b"PAR1", 422, "broken Parquet"),
    "parquet without columns": (PARQUET, parquet(device=["a"]), 422, "'latency_ms' is missing"),
}
# name: (method, path, status, a part of the reason)
PATHS: dict[str, tuple[str, str, int, str]] = {
    "no such path": ("GET", "/nowhere", 404, "/nowhere"),
    "no such method": ("PUT", "/devices", 405, "PUT"),
    "unknown device": ("GET", "/devices/toaster", 404, "toaster"),
    "device that is no name": ("GET", "/devices/%00", 422, "pattern"),
    "unknown kind": ("GET", "/devices?kind=magic", 422, "simulated"),
    "unknown space of devices": ("GET", "/devices?space=nb999", 404, "nb999"),
    "suggestions without space": ("GET", "/devices/bench-board/suggestions", 422, "required"),
    "suggestions in an unknown space": ("GET", "/devices/bench-board/suggestions?space=nb999", 404, "nb999"),
    "no suggestions": ("GET", "/devices/bench-board/suggestions?space=nb201&count=0", 422, "greater"),
    "too many suggestions": ("GET", "/devices/bench-board/suggestions?space=nb201&count=1000", 422, "less"),
    "suggestions for a simulation": ("GET", f"/devices/{SIMULATED}/suggestions?space=nb201", 409, "simulated"),
    "unknown job": ("GET", "/jobs/0", 404, "0"),
    "job that is no id": ("GET", "/jobs/%00", 422, "pattern"),
    "cancelling an unknown job": ("DELETE", "/jobs/0", 404, "0"),
    "undoing an unknown upload": ("DELETE", "/admin/measurements/0", 404, "0"),
    "undoing what is no upload": ("DELETE", "/admin/measurements/%00", 422, "pattern"),
    "bad flag": ("POST", "/admin/measurements?dry_run=perhaps", 422, "boolean"),
    "bad treatment of errors": ("POST", "/admin/measurements?on_error=ignore", 422, "abort"),
}


@pytest.fixture
def admin(shared: TestClient, shared_deployment: Any) -> TestClient:
    shared.headers["Authorization"] = shared_deployment.bearer("admin")["Authorization"]
    return shared


def expect_problem(response: Any, status: int, reason: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    reasons = [document["detail"], *(error["reason"] for error in document.get("errors", []))]
    assert all(reasons)
    assert any(reason in text for text in reasons), reasons


@pytest.mark.parametrize("name", PREDICTIONS)
def test_bad_prediction(admin: TestClient, name: str) -> None:
    body, status, reason = PREDICTIONS[name]
    expect_problem(admin.post("/predict_latency", json=body), status, reason)


@pytest.mark.parametrize("name", SEARCHES)
def test_bad_search(admin: TestClient, name: str) -> None:
    body, status, reason = SEARCHES[name]
    expect_problem(admin.post("/search", json=body), status, reason)


@pytest.mark.parametrize("name", DEVICES)
def test_bad_device(admin: TestClient, name: str) -> None:
    body, status, reason = DEVICES[name]
    expect_problem(admin.post("/devices", json=body), status, reason)


@pytest.mark.parametrize("name", UPLOADS)
def test_bad_upload(admin: TestClient, name: str) -> None:
    content_type, body, status, reason = UPLOADS[name]
    response = admin.post("/admin/measurements", content=body, headers={"Content-Type": content_type})
    expect_problem(response, status, reason)


@pytest.mark.parametrize("name", PATHS)
def test_bad_path_or_query(admin: TestClient, name: str) -> None:
    method, path, status, reason = PATHS[name]
    response = admin.request(method, path, content=GOOD.encode(), headers={"Content-Type": "text/csv"})
    expect_problem(response, status, reason)


@pytest.mark.parametrize("path", ["/predict_latency", "/search", "/devices"])
@pytest.mark.parametrize(
    ("content_type", "body", "status", "reason"),
    [
        (JSON, b"", 422, "required"),
        (JSON, b"{", 400, "no JSON"),
        (JSON, b"\xff\xfe", 400, "JSON"),
        (JSON, b"[" * 100_000, 400, "nested too deeply"),
        (JSON, b'{"name": "\\ud800", "space": "\\ud800", "device": "\\ud800", "architecture": "\\ud800"}', 422, ""),
        ("text/plain", b"{}", 415, "application/json"),
        ("", b"{}", 415, "application/json"),
    ],
)
def test_body_that_is_no_json(
    admin: TestClient, path: str, content_type: str, body: bytes, status: int, reason: str
) -> None:
    expect_problem(admin.post(path, content=body, headers={"Content-Type": content_type}), status, reason)


@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic YTpi", "Bearer ac_wrong", "Bearer \xff"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/admin/measurements"),
        ("GET", "/admin/measurements"),
        ("DELETE", "/admin/measurements/0"),
        ("POST", "/devices"),
        ("POST", "/search"),
        ("POST", "/predict_latency"),
        ("GET", "/spaces"),
    ],
)
def test_key_that_is_none_is_refused_even_where_none_is_needed(
    admin: TestClient, method: str, path: str, authorization: str
) -> None:
    headers = {"Authorization": authorization.encode("latin-1"), "Content-Type": JSON}
    expect_problem(admin.request(method, path, headers=headers), 401, "key")

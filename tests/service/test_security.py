from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from device_db import ApiKeys, create_engine, session_factory
from targets import hardware_names

MEASURED = "bench-board"
SIMULATED = hardware_names()[0]

PREDICTION = {"space": "nb201", "device": SIMULATED, "architecture": "0-0-0-0-0-0"}
SEARCH = {"space": "nb201", "device": SIMULATED, "budget": {"evaluations": 10}, "algorithm": "random"}


def elsewhere(local: TestClient) -> TestClient:
    """A client on another machine, of the same server."""
    return TestClient(local.app, client=("192.0.2.7", 50000))


def test_reading_from_the_machine_itself_needs_no_key(shared: TestClient):
    assert shared.get("/devices").status_code == 200
    assert shared.post("/predict_latency", json=PREDICTION).status_code == 200
    assert shared.post("/search", json=SEARCH).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/devices", None),
        ("GET", f"/devices/{MEASURED}/suggestions?space=nb201", None),
        ("GET", "/spaces", None),
        ("GET", "/metrics", None),
        ("GET", "/jobs/1", None),
        ("DELETE", "/jobs/1", None),
        ("POST", "/predict_latency", PREDICTION),
        ("POST", "/search", SEARCH),
    ],
)
def test_reading_from_elsewhere_without_a_key_is_401(shared: TestClient, method: str, path: str, body: dict | None):
    answer = elsewhere(shared).request(method, path, json=body)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["type"] == "urn:archcast:problem:unauthorized"


def test_health_is_open_to_everybody(shared: TestClient):
    assert elsewhere(shared).get("/healthz").status_code == elsewhere(shared).get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("scope", "prediction", "search", "devices"),
    [("predict", 200, 403, 403), ("search", 403, 200, 403), ("upload", 403, 403, 201), ("admin", 200, 200, 201)],
)
def test_key_opens_what_its_scope_says(
    shared: TestClient, shared_deployment: Any, scope: str, prediction: int, search: int, devices: int
):
    headers = shared_deployment.bearer(scope)
    assert elsewhere(shared).post("/predict_latency", json=PREDICTION, headers=headers).status_code == prediction
    assert elsewhere(shared).post("/search", json=SEARCH, headers=headers).status_code == search
    assert elsewhere(shared).post("/devices", json={"name": f"new-{scope}"}, headers=headers).status_code == devices
    assert elsewhere(shared).get("/devices", headers=headers).status_code == 200
    assert elsewhere(shared).get("/metrics", headers=headers).status_code == 200


def test_scope_that_is_missing_is_named(shared: TestClient, shared_deployment: Any):
    answer = elsewhere(shared).post("/devices", json={"name": "new"}, headers=shared_deployment.bearer("predict"))
    assert answer.json()["scopes"] == ["upload"]


def test_registering_a_device_without_a_key_is_401_also_on_the_machine_itself(shared: TestClient):
    assert shared.post("/devices", json={"name": "new"}).status_code == 401


@pytest.mark.parametrize("header", ["Bearer ac_wrong", "Bearer ", "Basic dXNlcjpwYXNz", "ac_key", "Bearer \xe9"])
def test_credentials_that_are_no_key_are_401_also_on_the_machine_itself(shared: TestClient, header: str):
    answer = shared.get("/devices", headers={"Authorization": header.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.status_code == 401


def test_revoked_key_is_401(client: TestClient, deployment: Any):
    engine = create_engine(deployment.settings.sqlalchemy_url)
    with session_factory(engine).begin() as session:
        for key in ApiKeys(session).list():
            ApiKeys(session).revoke(key.id)
    engine.dispose()
    assert client.get("/devices", headers=deployment.bearer("admin")).status_code == 401


def test_key_on_the_machine_itself_has_no_fewer_rights_than_none(shared: TestClient, shared_deployment: Any):
    assert (
        shared.post("/predict_latency", json=PREDICTION, headers=shared_deployment.bearer("upload")).status_code == 200
    )


@pytest.mark.parametrize("header", ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP"])
def test_request_that_a_proxy_forwards_does_not_count_as_local(shared: TestClient, header: str):
    assert shared.get("/devices", headers={header: "198.51.100.3"}).status_code == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8000", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]", 200),
        ("[::1]:8000", 200),
        ("rebound.example", 401),
        ("rebound.example:8000", 401),
        ("localhost.rebound.example", 401),
        ("", 401),
    ],
)
def test_local_request_counts_as_local_only_under_a_local_name(shared: TestClient, host: str, status: int):
    assert shared.get("/devices", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(("configured", "host"), [("board.lan", "board.lan:8000"), ("fd00::7", "[fd00::7]:8000")])
def test_local_request_under_the_configured_name_counts_as_local(
    serve: Callable[..., TestClient], configured: str, host: str
):
    assert serve(host=configured).get("/devices", headers={"Host": host}).status_code == 200


def test_anonymous_reading_can_be_forbidden_and_opened(serve: Callable[..., TestClient]):
    assert serve(anonymous_read="never").get("/devices").status_code == 401
    assert elsewhere(serve(anonymous_read="always")).get("/devices").status_code == 200

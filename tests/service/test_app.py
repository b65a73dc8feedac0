import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from service.app import create_app
from service.settings import Settings


def test_healthz_answers_whatever_the_database_does(shared: TestClient):
    assert shared.get("/healthz").json() == {"status": "ok"}


def test_readyz_with_the_schema_at_head_is_ok(client: TestClient):
    assert client.get("/readyz").status_code == 200


def test_readyz_before_a_migration_says_what_to_run(empty_database_url: str, tmp_path: Path):
    settings = Settings(data_dir=tmp_path, database_url=SecretStr(empty_database_url), embedded_workers=0)
    with TestClient(create_app(settings)) as client:
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "archcast migrate" in answer.json()["detail"]
    assert answer.headers["Retry-After"]


def test_readyz_without_a_database_is_503_and_requests_too(tmp_path: Path):
    url = SecretStr("postgresql://nobody@127.0.0.1:9/none")
    settings = Settings(data_dir=tmp_path, database_url=url, anonymous_read="always", embedded_workers=0)
    with TestClient(create_app(settings)) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
        answer = client.get("/devices")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:archcast:problem:database-unavailable"


def test_start_with_migration_on_brings_the_schema_to_head(empty_database_url: str, tmp_path: Path):
    settings = Settings(data_dir=tmp_path, database_url=SecretStr(empty_database_url), migrate_on_start=True)
    with TestClient(create_app(settings)) as client:
        assert client.get("/readyz").status_code == 200


def test_start_imports_nothing_that_takes_seconds():
    code = (
        "import sys; import service.app;"
        "heavy = {'torch', 'torch_geometric', 'pymoo', 'sklearn', 'pandas', 'matplotlib', 'onnx', 'alembic',"
        "         'scipy.stats'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_docs_page_loads_nothing_from_elsewhere(shared: TestClient):
    page = shared.get("/docs")
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) == 3
    assert "://" not in re.sub(r"window\.location\.[^ ,]+", "", page.text)
    for link in links:
        assert shared.get(link).status_code == 200, link


def test_request_id_of_the_client_is_kept_and_an_odd_one_replaced(shared: TestClient):
    assert shared.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["X-Request-ID"] == "abc-1"
    assert re.fullmatch("[0-9a-f]{32}", shared.get("/healthz", headers={"X-Request-ID": "a b"}).headers["X-Request-ID"])


def test_unknown_route_is_a_404_problem(shared: TestClient):
    answer = shared.get("/nothing", headers={"X-Request-ID": "r1"})
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["instance"] == "/nothing"
    assert answer.json()["request_id"] == "r1"


def test_wrong_method_is_a_405_problem_that_names_the_right_one(shared: TestClient):
    answer = shared.get("/search")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_body_above_the_limit_is_413_declared_or_not(serve: Callable[..., TestClient]):
    client = serve(max_body_size=1000)
    whole = {"space": "nb201", "device": "x", "architecture": "y" * 2000}
    assert client.post("/predict_latency", json=whole).status_code == 413
    chunks = (b" " * 400 for _ in range(4))
    answer = client.post("/predict_latency", content=chunks, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_unexpected_error_is_a_500_without_internals(
    app: FastAPI, client: TestClient, capsys: pytest.CaptureFixture[str]
):
    def fail() -> None:
        raise RuntimeError("the secret of the house")

    app.add_api_route("/fail", fail)
    answer = client.get("/fail", headers={"X-Request-ID": "r2"})
    assert answer.status_code == 500
    assert answer.headers["X-Request-ID"] == answer.json()["request_id"] == "r2"
    assert "secret" not in answer.text


def test_metrics_count_requests_by_route_predictions_and_jobs(client: TestClient):
    client.get("/devices/nobody")
    client.get("/nothing/at/all")
    text = client.get("/metrics").text
    assert 'archcast_requests_total{method="GET",route="/devices/{name}",status="404"} 1.0' in text
    assert 'archcast_requests_total{method="GET",route="unmatched",status="404"} 1.0' in text
    assert 'archcast_request_seconds_count{method="GET",route="/devices/{name}"} 1.0' in text
    assert 'archcast_jobs{state="queued"} 0.0' in text

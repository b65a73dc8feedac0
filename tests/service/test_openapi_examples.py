"""Every body that the documentation pages offer is answered by a server as it is after its first start."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from device_db import ApiKeys, create_engine, session_factory
from service.app import create_app
from service.settings import Settings
from service.use_cases.seed_catalogue import seed_catalogue

DOCUMENT = create_app(Settings()).openapi()
JSON = "application/json"


def examples(content: dict[str, Any]) -> dict[str, list[Any]]:
    """By media type of a request body."""
    found = {}
    for media_type, described in content.items():
        schema = described["schema"]
        if "$ref" in schema:
            schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        found[media_type] = [*schema.get("examples", []), *([described["example"]] if "example" in described else [])]
    return found


BODIES = {
    path: examples(methods["post"]["requestBody"]["content"])
    for path, methods in DOCUMENT["paths"].items()
    if "post" in methods
}
# Timings are uploaded for a device that is registered.
ORDER = sorted(BODIES, key=lambda path: path != "/devices")
CASES = [
    pytest.param(path, media_type, body, id=f"{path}-{number}")
    for path in ORDER
    for media_type, bodies in BODIES[path].items()
    for number, body in enumerate(bodies)
]


def test_every_post_has_an_example_but_for_files():
    without = {path for path, bodies in BODIES.items() if not any(bodies.values())}
    assert without == {"/models"}
    assert len(BODIES["/simulate"][JSON]) == 4


@pytest.fixture(scope="module")
def fresh(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client that sends a key of every scope to a server with no device but the simulated ones."""
    file = tmp_path_factory.mktemp("fresh") / "archcast.db"
    shutil.copy(migrated_sqlite, file)
    url = f"sqlite:///{file}"
    engine = create_engine(url)
    with session_factory(engine).begin() as session:
        seed_catalogue(session)
        _, key = ApiKeys(session).create("tests", ["admin"])
    engine.dispose()
    settings = Settings(data_dir=file.parent, database_url=SecretStr(url), job_poll_seconds=0.1, search_wait_seconds=20)
    with TestClient(create_app(settings), headers={"Authorization": f"Bearer {key}"}) as client:
        yield client


@pytest.mark.parametrize(("path", "media_type", "body"), CASES)
def test_example_is_answered(fresh: TestClient, path: str, media_type: str, body: Any):
    if path == "/synthesis":
        pytest.importorskip("pyosys")
    if media_type == JSON:
        answer = fresh.post(path, json=body)
    else:
        answer = fresh.post(path, content=body, headers={"Content-Type": media_type})
    assert answer.is_success, answer.text
    if answer.status_code == 202:
        assert fresh.delete(answer.headers["Location"]).is_success

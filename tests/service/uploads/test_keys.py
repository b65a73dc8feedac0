"""Who may upload, and undo whose uploads."""

import json

import pytest
from fastapi.testclient import TestClient

from device_db import ApiKeys, Measurements
from tests.service.uploads.uploading import (
    CSV,
    MEBIBYTE,
    URL,
    as_csv,
    chunks,
    problem,
    sample,
    state_of,
    stored,
)


def test_without_the_scope_nothing_is_read(sqlite_client: TestClient) -> None:
    with state_of(sqlite_client).sessions.begin() as session:
        _, secret = ApiKeys(session).create("reader", ["predict", "search"])
    for headers, status in (({"Authorization": ""}, 401), ({"Authorization": f"Bearer {secret}"}, 403)):
        problem(sqlite_client.post(URL, content=chunks(4 * MEBIBYTE), headers=CSV | headers), status)
        problem(sqlite_client.get(URL, headers=headers), status)
        problem(sqlite_client.delete(f"{URL}/x", headers=headers), status)


def uploading_keys(client: TestClient, *names: str) -> list[dict[str, str]]:
    """The headers of new keys with the scope upload."""
    with state_of(client).sessions.begin() as session:
        secrets = [ApiKeys(session).create(name, ["upload"])[1] for name in names]
    return [{"Authorization": f"Bearer {secret}"} for secret in secrets]


@pytest.mark.parametrize("names", [("first", "second"), ("same", "same")])
def test_undo_of_another_keys_upload_needs_admin(sqlite_client: TestClient, names: tuple[str, str]) -> None:
    first, second = uploading_keys(sqlite_client, *names)

    def upload_as_first() -> str:
        body = "\n".join(json.dumps(row) for row in sample(6)).encode()
        media_type = {"Content-Type": "application/jsonl"}
        return sqlite_client.post(URL, content=body, headers=media_type | first).json()["batch"]

    batch = upload_as_first()
    document = problem(sqlite_client.delete(f"{URL}/{batch}", headers=second), 403)
    assert "another API key" in document["detail"]
    assert len(stored(sqlite_client)) == 6
    assert sqlite_client.delete(f"{URL}/{batch}", headers=first).status_code == 200
    assert sqlite_client.delete(f"{URL}/{upload_as_first()}").status_code == 200


def test_undo_of_an_upload_without_a_key_needs_admin_whatever_the_keys_name(sqlite_client: TestClient) -> None:
    (namesake,) = uploading_keys(sqlite_client, "cli")
    with state_of(sqlite_client).sessions.begin() as session:
        batch = Measurements(session).begin_upload("cli", "timings.csv").id
    problem(sqlite_client.delete(f"{URL}/{batch}", headers=namesake), 403)
    assert sqlite_client.delete(f"{URL}/{batch}").status_code == 200


def test_key_named_anonymous_is_a_key(sqlite_client: TestClient) -> None:
    (key,) = uploading_keys(sqlite_client, "anonymous")
    response = sqlite_client.post(URL, content=as_csv(sample(6)), headers=CSV | key)
    assert response.status_code == 200, response.text
    assert sqlite_client.delete(f"{URL}/{response.json()['batch']}", headers=key).status_code == 200

"""Uploads at the same time."""

import threading
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.use_cases import upload_measurements
from tests.service.uploads.uploading import URL, Response, post, problem, sample, stored


def test_uploads_at_the_same_time_serialise(client: TestClient) -> None:
    def send(seed: int) -> None:
        answers.append(post(client, [row | {"latency_ms": row["latency_ms"] * (1 + seed / 100)} for row in rows]))

    answers: list[Response] = []
    rows = sample(40) + sample(20, "tablet")
    threads = [threading.Thread(target=send, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 4
    results = [answer.json() for answer in answers]
    assert sorted(result["inserted"] for result in results) == [0] * 3 + [60]
    assert sorted(result["updated"] for result in results) == [0] + [60] * 3
    versions = sorted(result["predictors"][0]["version"] for result in results)
    assert versions[0] >= 1  # one fit may be of several uploads
    assert versions[-1] <= 4
    again = post(client, [row | {"latency_ms": stored(client)[row["architecture"]]} for row in rows[:40]]).json()
    assert (again["unchanged"], again["predictors"][0]["version"]) == (40, versions[-1])
    for result in results:
        assert client.delete(f"{URL}/{result['batch']}").status_code == 200
    assert stored(client) == stored(client, "tablet") == {}


def test_contradictory_uploads_at_the_same_time_do_not_both_get_in(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = sample(12)
    reviewed = upload_measurements._reviewed
    between: list[Response] = []

    def with_another_upload(*arguments: Any) -> Any:
        found = reviewed(*arguments)
        if not between:
            between.append(None)
            between[0] = post(client, [row | {"batch_size": 32} for row in rows[6:]])
        return found

    monkeypatch.setattr(upload_measurements, "_reviewed", with_another_upload)
    document = problem(post(client, [row | {"batch_size": 1} for row in rows[:6]]), 422)
    assert between[0].status_code == 200
    assert document["rejected"] == 6
    assert "batch_size 1 contradicts 32 (stored)" in document["errors"][0]["reason"]
    assert sorted(stored(client)) == sorted(row["architecture"] for row in rows[6:])


def test_upload_beside_others_of_its_condition_gets_in(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row | {"batch_size": 1} for row in sample(12)]
    reviewed = upload_measurements._reviewed
    between: list[Response] = []

    def with_another_upload(*arguments: Any) -> Any:
        found = reviewed(*arguments)
        if not between:
            between.append(None)
            between[0] = post(client, rows[6:])
        return found

    monkeypatch.setattr(upload_measurements, "_reviewed", with_another_upload)
    assert post(client, rows[:6]).json()["inserted"] == 6
    assert between[0].json()["inserted"] == 6
    assert len(stored(client)) == 12

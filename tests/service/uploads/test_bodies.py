"""Bodies of uploads: formats, compression, limits, and whatever else is sent."""

import gzip
import json
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.uploads.uploading import (
    CSV,
    MEBIBYTE,
    URL,
    Row,
    as_csv,
    as_ndjson,
    as_parquet,
    chunks,
    post,
    problem,
    sample,
)

names = st.sampled_from(["device", "space", "architecture", "latency_ms", "runs", "measured_at", "statistic", "unit"])


@pytest.mark.parametrize(
    ("media_type", "encode"),
    [
        ("text/csv; charset=UTF-8", as_csv),
        ("application/x-ndjson", as_ndjson),
        ("application/jsonl", as_ndjson),
        ("application/vnd.apache.parquet", as_parquet),
    ],
)
def test_every_format_stores_the_same(
    client: TestClient, media_type: str, encode: Callable[[list[Row]], bytes]
) -> None:
    facts = {
        "statistic": "median",
        "runs": 50,
        "batch_size": 1,
        "precision": "fp32",
        "measured_at": "2026-01-31T12:00:00Z",
    }
    rows = [row | facts for row in sample(20)]
    assert post(client, rows).json()["inserted"] == 20
    answer = client.post(URL, content=encode(rows), headers={"Content-Type": media_type}).json()
    assert (answer["inserted"], answer["updated"], answer["unchanged"]) == (0, 0, 20)


def test_gzip_is_unpacked(client: TestClient) -> None:
    parts = as_csv(sample(20)).splitlines(keepends=True)
    body = gzip.compress(b"".join(parts[:7])) + gzip.compress(b"".join(parts[7:]))
    response = client.post(URL, content=body, headers=CSV | {"Content-Encoding": "gzip"})
    assert response.json()["inserted"] == 20


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (gzip.compress(b"a,b\n" * MEBIBYTE), 413, "2,097,152 bytes"),
        (gzip.compress(b"\n" * 100)[:-5], 422, "cut off"),
        (b"device,space", 422, "broken gzip"),
        (gzip.compress(b"") * 1001, 422, "more than 1,000 members"),
        (b"", 422, "cut off"),
    ],
    # Not of the bytes: gzip writes the time into them, and pytest-xdist wants the same names in every process.
    ids=["too large", "cut off", "no gzip", "too many members", "empty"],
)
def test_bad_gzip_is_refused(sqlite_client: TestClient, body: bytes, status: int, reason: str) -> None:
    response = sqlite_client.post(URL, content=body, headers=CSV | {"Content-Encoding": "gzip"})
    assert reason in problem(response, status)["detail"]


@pytest.mark.parametrize("is_declared", [True, False])
def test_body_above_the_limit_is_refused_with_the_limit(sqlite_client: TestClient, is_declared: bool) -> None:
    size = 4 * MEBIBYTE
    body = b"x" * size if is_declared else chunks(size)
    assert "2097152" in problem(sqlite_client.post(URL, content=body, headers=CSV), 413)["detail"].replace(",", "")


def test_content_length_that_lies_does_not_pass_the_limit(sqlite_client: TestClient) -> None:
    response = sqlite_client.post(URL, content=chunks(4 * MEBIBYTE), headers=CSV | {"Content-Length": "100"})
    problem(response, 413)


@given(body=st.binary(max_size=200), media_type=st.sampled_from(["text/csv", "application/x-ndjson"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_bytes_never_break_the_server(sqlite_client: TestClient, body: bytes, media_type: str) -> None:
    problem(sqlite_client.post(URL, content=body, headers={"Content-Type": media_type}), 422)


cell = st.one_of(
    st.text(max_size=20), st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.integers(0, 9), max_size=30)
)


@given(rows=st.lists(st.dictionaries(names, cell), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_rows_never_break_the_server(sqlite_client: TestClient, rows: list[Row]) -> None:
    base = sample(1)[0]
    body = "\n".join(json.dumps(base | row) for row in rows).encode()
    response = sqlite_client.post(
        URL, content=body, params={"dry_run": True}, headers={"Content-Type": "application/jsonl"}
    )
    assert response.status_code in (200, 422), response.text

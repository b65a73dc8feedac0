"""Timings to upload, and what the server makes of them."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from fastapi.testclient import TestClient

from device_db import Measurements
from service.state import AppState
from spaces import SPACES

URL = "/admin/measurements"
CSV = {"Content-Type": "text/csv"}
Row = dict[str, Any]
Response = Any  # of whichever client library the test client brings

NB201 = SPACES["nb201"]

MEBIBYTE = 1 << 20


def sample(count: int, device: str = "phone", seed: int = 0, scale: float = 1.0) -> list[Row]:
    """Rows of distinct cells whose latency follows their work, as a device's would."""
    rng = np.random.default_rng(seed)
    rows = []
    for architecture in NB201.sample(count, rng=rng):
        macs = NB201.workload(architecture).macs
        latency = scale * (3 + macs / 2e7) * rng.lognormal(0, 0.05)
        rows.append({"device": device, "space": "nb201", "architecture": architecture.key, "latency_ms": latency})
    return rows


def as_csv(rows: list[Row]) -> bytes:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def as_ndjson(rows: list[Row]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def as_parquet(rows: list[Row]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()


def post(client: TestClient, rows: list[Row], **query: Any) -> Response:
    return client.post(URL, content=as_csv(rows), headers=CSV, params=query)


def state_of(client: TestClient) -> AppState:
    return cast(Any, client.app).state.archcast


def stored(client: TestClient, device: str = "phone") -> dict[str, float]:
    with state_of(client).read_sessions() as session:
        keys, values = Measurements(session).latencies(device, "nb201")
    return dict(zip(keys, values.tolist(), strict=True))


def problem(response: Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return response.json()


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 65536):
        yield b"x" * 65536

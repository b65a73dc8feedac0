import gzip
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

URL = "/admin/accuracies"
CELLS = ["0-0-0-0-0-3", "0-0-0-0-0-2", "4-3-2-1-3-3"]
ROWS = [
    {"space": "nb201", "dataset": "cifar10", "architecture": cell, "accuracy": 80.0 + place}
    for place, cell in enumerate(CELLS)
]
CANONICAL = "|none~0|+|none~0|none~1|+|none~0|none~1|nor_conv_3x3~2|"


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    return "\n".join(lines).encode()


def post(client: TestClient, headers: dict[str, str], rows: list[dict[str, Any]], **query: Any) -> Any:
    return client.post(URL, content=as_csv(rows), params=query, headers=headers | {"Content-Type": "text/csv"})


def reasons(answer: Any) -> list[tuple[int, str, str]]:
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), answer.text
    return [(error["row"], error.get("column"), error["reason"]) for error in answer.json()["errors"]]


def test_accuracies_are_stored_listed_replaced_and_removed(client: TestClient, deployment: Any):
    key, admin = deployment.bearer("upload"), deployment.bearer("admin")
    first = post(client, key, ROWS).json()
    assert (first["inserted"], first["updated"], first["unchanged"], first["rejected"]) == (3, 0, 0, 0)
    table = {"space": "nb201", "dataset": "cifar10", "source": "upload", "count": 3}
    assert first["tables"] == client.get(URL, headers=key).json()["tables"] == [table]
    again = post(client, key, [ROWS[0], ROWS[1] | {"accuracy": 70}]).json()
    assert (again["inserted"], again["updated"], again["unchanged"]) == (0, 1, 1)
    gone = client.delete(URL, params={"space": "nb201", "dataset": "cifar10"}, headers=admin)
    assert gone.json() == {"space": "nb201", "dataset": "cifar10", "removed": 3}
    missing = client.delete(URL, params={"space": "nb201", "dataset": "cifar10"}, headers=admin)
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:archcast:problem:accuracies-not-found")


def test_uploaded_accuracies_count_in_a_search(client: TestClient, deployment: Any):
    known = {f"{first}-{last}-0-0-0-3": 70.0 + first + last for first in range(5) for last in range(5)}
    rows = [ROWS[0] | {"dataset": "mine", "architecture": cell, "accuracy": value} for cell, value in known.items()]
    rows[0]["accuracy"] = 99.5
    post(client, deployment.bearer("upload"), rows)
    body = {"space": "nb201", "device": "roofline-phone-cpu", "objectives": ["accuracy"], "algorithm": "random"}
    answer = client.post("/search", json=body | {"budget": {"evaluations": 50}}).json()
    assert answer["accuracy"].items() >= {"source": "fitted", "dataset": "mine", "known": 25}.items()
    assert answer["front"][0]["accuracy_origin"] in {"table", "predicted"}


@pytest.mark.parametrize("packed", [False, True])
def test_every_format_is_read(client: TestClient, deployment: Any, packed: bool):
    parquet = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), parquet)
    lines = "\n".join(json.dumps(row | {"source": "mine"}) for row in ROWS).encode()
    for media_type, content in (
        ("text/csv", as_csv(ROWS)),
        ("application/vnd.apache.parquet", parquet.getvalue()),
        ("application/x-ndjson", lines),
    ):
        headers = deployment.bearer("upload") | {"Content-Type": media_type}
        if packed:
            headers["Content-Encoding"] = "gzip"
        answer = client.post(
            URL, content=gzip.compress(content) if packed else content, headers=headers, params={"dry_run": True}
        )
        assert answer.json()["inserted"] == 3, answer.text
        assert answer.json()["dry_run"]
    assert {table["source"] for table in answer.json()["tables"]} == {"mine"}
    assert client.get(URL, headers=deployment.bearer("upload")).json()["tables"] == []


def test_every_bad_row_is_named_and_nothing_stored(client: TestClient, deployment: Any):
    bad = [
        ROWS[0],
        ROWS[1] | {"accuracy": 101},
        ROWS[1] | {"accuracy": "nan"},
        ROWS[1] | {"space": "nb999"},
        ROWS[1] | {"architecture": "0-0"},
        ROWS[1] | {"dataset": " "},
        ROWS[0] | {"architecture": CANONICAL},
    ]
    found = reasons(post(client, deployment.bearer("upload"), bad))
    assert [(row, column) for row, column, _ in found] == [
        (2, "accuracy"),
        (3, "accuracy"),
        (4, "space"),
        (5, "architecture"),
        (6, "dataset"),
        (7, "architecture"),
    ]
    assert "there already on 'cifar10': row 1, line 2" in found[-1][2]
    assert client.get(URL, headers=deployment.bearer("upload")).json()["tables"] == []
    skipped = post(client, deployment.bearer("upload"), bad, on_error="skip").json()
    assert (skipped["inserted"], skipped["rejected"], len(skipped["errors"])) == (1, 6, 6)


def test_shares_are_not_taken_for_per_cent(shared: TestClient, shared_deployment: Any):
    shares = [row | {"accuracy": row["accuracy"] / 100} for row in ROWS]
    found = reasons(post(shared, shared_deployment.bearer("upload"), shares, dry_run=True))
    assert len(found) == 3
    assert "give them in %" in found[0][2]
    as_they_are = post(shared, shared_deployment.bearer("upload"), shares, dry_run=True, check_units=False)
    assert as_they_are.json()["inserted"] == 3


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"", "text/csv", 422),
        (b"space,dataset,architecture\n", "text/csv", 422),
        (b"device,space,architecture,latency_ms\n", "text/csv", 422),
        (b"PAR1", "application/vnd.apache.parquet", 422),
        (b"{}", "application/json", 415),
    ],
)
def test_unreadable_accuracies_are_refused(
    shared: TestClient, shared_deployment: Any, content: bytes, media_type: str, status: int
):
    headers = shared_deployment.bearer("upload") | {"Content-Type": media_type}
    answer = shared.post(URL, content=content, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_scopes_are_needed(shared: TestClient, shared_deployment: Any):
    assert post(shared, {}, ROWS).status_code == 401
    assert post(shared, shared_deployment.bearer("predict"), ROWS).status_code == 403
    assert shared.get(URL, headers=shared_deployment.bearer("search")).status_code == 403
    table = {"space": "nb201", "dataset": "cifar10"}
    assert shared.delete(URL, params=table, headers=shared_deployment.bearer("upload")).status_code == 403

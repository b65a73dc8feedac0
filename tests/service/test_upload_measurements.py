import csv
import gzip
import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from device_db import ApiKeys, DeviceKind, Devices, Measurements, create_engine, session_factory
from service import workload_costs
from service.app import create_app
from service.settings import Settings
from service.state import AppState
from service.use_cases import upload_measurements
from service.workload_costs import WorkloadPredictors
from spaces import SPACES

URL = "/admin/measurements"
CSV = {"Content-Type": "text/csv"}
PARQUET = {"Content-Type": "application/vnd.apache.parquet"}
Row = dict[str, Any]
Response = Any  # of whichever client library the test client brings
NB201 = SPACES["nb201"]
MEBIBYTE = 1 << 20


@pytest.fixture
def client(database_url: str, tmp_path: Path) -> Iterator[TestClient]:
    yield from serve(database_url, tmp_path)


@pytest.fixture
def sqlite_client(migrated_sqlite: Path, tmp_path: Path) -> Iterator[TestClient]:
    (tmp_path / "one.db").write_bytes(migrated_sqlite.read_bytes())
    yield from serve(f"sqlite:///{tmp_path / 'one.db'}", tmp_path)


def serve(database_url: str, folder: Path) -> Iterator[TestClient]:
    settings = Settings(
        data_dir=folder,
        database_url=SecretStr(database_url),
        embedded_workers=0,
        max_upload_size=2 * MEBIBYTE,
        max_body_size=MEBIBYTE,
    )
    engine = create_engine(database_url)
    with session_factory(engine).begin() as session:
        for name in ("phone", "tablet"):
            Devices(session).add(name, DeviceKind.measured)
        Devices(session).add("model", DeviceKind.simulated, target="roofline")
        _, secret = ApiKeys(session).create("tester", ["admin"])
    engine.dispose()
    with TestClient(create_app(settings), headers={"Authorization": f"Bearer {secret}"}) as client:
        yield client


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


def profiled(client: TestClient) -> dict[str, float]:
    """What the first layer took, by architecture."""
    with state_of(client).read_sessions() as session:
        keys, _ = Measurements(session).latencies("phone", "nb201")
        profiles = Measurements(session).profiles("phone", "nb201", keys)
    return {key: profile.layer_ms[0] for key, profile in profiles.items()}


def predicted(client: TestClient, architecture: str, device: str = "phone") -> Response:
    return client.post("/predict_latency", json={"space": "nb201", "device": device, "architecture": architecture})


def problem(response: Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return response.json()


def test_upload_is_stored_and_the_device_answers_predictions(client: TestClient) -> None:
    rows = sample(20)
    other = NB201.sample(1, rng=np.random.default_rng(99))[0].key
    assert problem(predicted(client, other), 409)["detail"]
    answer = post(client, rows).json()
    assert {name: answer[name] for name in ("inserted", "updated", "unchanged", "rejected", "dry_run")} == {
        "inserted": 20,
        "updated": 0,
        "unchanged": 0,
        "rejected": 0,
        "dry_run": False,
    }
    assert answer["batch"]
    version = {"device": "phone", "space": "nb201", "name": "cost_linear", "version": 1, "samples": 20}
    assert answer["predictors"] == [version]
    assert (
        predicted(client, other).json()["predictor"].items()
        >= {"name": "cost_linear", "version": 1, "samples": 20}.items()
    )
    assert stored(client) == {row["architecture"]: row["latency_ms"] for row in rows}


def test_uploading_twice_changes_nothing(client: TestClient) -> None:
    rows = sample(20)
    first = post(client, rows).json()
    before = stored(client)
    second = post(client, rows).json()
    assert (second["inserted"], second["updated"], second["unchanged"]) == (0, 0, 20)
    assert second["predictors"] == first["predictors"]
    assert stored(client) == before


def test_changed_value_is_an_update_and_a_new_predictor_version(client: TestClient) -> None:
    rows = sample(20)
    post(client, rows)
    answer = post(client, [rows[0] | {"latency_ms": rows[0]["latency_ms"] * 1.1}]).json()
    assert (answer["inserted"], answer["updated"], answer["unchanged"]) == (0, 1, 0)
    assert answer["predictors"][0]["version"] == 2


def test_below_the_needed_samples_nothing_is_fitted(client: TestClient) -> None:
    assert post(client, sample(3)).json()["predictors"] == []


def test_upload_again_adapts_what_a_crash_after_storing_left_out(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any) -> None:
        raise RuntimeError

    rows = sample(20)
    with monkeypatch.context() as patch:
        patch.setattr(upload_measurements, "adapt_each", crash)
        problem(post(client, rows), 500)
    assert len(stored(client)) == 20
    assert "yet to be fitted" in problem(predicted(client, sample(1, seed=9)[0]["architecture"]), 409)["detail"]
    answer = post(client, rows).json()
    assert answer["unchanged"] == 20
    assert [(one["version"], one["samples"]) for one in answer["predictors"]] == [(1, 20)]


def test_undo_restores_what_was_there(client: TestClient) -> None:
    rows = sample(30)
    post(client, rows[:20])
    before = stored(client)
    changed = [row | {"latency_ms": row["latency_ms"] * 2} for row in rows[10:]]
    batch = post(client, changed).json()["batch"]
    assert stored(client) != before
    answer = client.delete(f"{URL}/{batch}").json()
    assert (answer["batch"], answer["removed"], answer["restored"]) == (batch, 20, 10)
    assert answer["predictors"] == [
        {"device": "phone", "space": "nb201", "name": "cost_linear", "version": 3, "samples": 20}
    ]
    assert stored(client) == before
    problem(client.delete(f"{URL}/{batch}"), 404)


def test_profiles_come_and_go_with_their_upload(client: TestClient) -> None:
    rows = sample(6)
    for row in rows[:3]:
        count = len(NB201.workload(NB201.parse(row["architecture"])).layers)
        row["layer_ms"] = [row["latency_ms"] / 2, *[0] * (count - 1)]
    headers = {"Content-Type": "application/x-ndjson"}
    bad = [*rows[:5], rows[5] | {"layer_ms": [1, 2]}]
    answer = problem(client.post(URL, content=as_ndjson(bad), headers=headers), 422)
    assert [(error["row"], error["column"]) for error in answer["errors"]] == [(6, "layer_ms")]
    assert profiled(client) == {}
    batch = client.post(URL, content=as_ndjson(rows), headers=headers).json()["batch"]
    assert profiled(client) == {row["architecture"]: row["latency_ms"] / 2 for row in rows[:3]}
    again = [row | {"layer_ms": json.dumps(row["layer_ms"])} if "layer_ms" in row else row for row in rows]
    assert client.post(URL, content=as_parquet(again), headers=PARQUET).json()["unchanged"] == 6
    client.delete(f"{URL}/{batch}")
    assert profiled(client) == {}


def test_profiles_of_the_layers_that_networks_have_are_fitted(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = sample(12)
    for row in rows[2:]:
        count = len(NB201.workload(NB201.parse(row["architecture"])).layers)
        row["layer_ms"] = [row["latency_ms"] / count] * count
    headers = {"Content-Type": "application/x-ndjson"}
    assert client.post(URL, content=as_ndjson(rows), headers=headers).json()["inserted"] == 12
    other = NB201.sample(1, rng=np.random.default_rng(99))[0]
    body = {"space": "nb201", "device": "phone", "architecture": other.key, "breakdown": True}

    def shares() -> list[float]:
        (result,) = client.post("/predict_latency", json=body).json()["results"]
        return [layer["share"] for layer in result["layers"]]

    fitted = shares()
    with state_of(client).read_sessions() as session:
        assert WorkloadPredictors().of(session, "phone", NB201).predictor.profile_costs is not None
        monkeypatch.setattr(workload_costs, "layer_digest", lambda layers: "another version ")
        stale = WorkloadPredictors().of(session, "phone", NB201).predictor
    assert stale.profile_costs is None
    assert fitted != pytest.approx((stale.layer_ms(other) / stale.layer_ms(other).sum()).tolist(), rel=0.1)


def test_upload_under_another_condition_than_the_devices_is_refused(client: TestClient) -> None:
    rows = sample(40)
    at_one = [row | {"batch_size": 1, "precision": "fp32"} for row in rows[:20]]
    assert post(client, at_one).status_code == 200
    at_many = [row | {"batch_size": 256, "precision": "fp16"} for row in rows[20:]]
    document = problem(post(client, at_many), 422)
    assert document["rejected"] == 20
    assert [(fault["row"], fault["column"]) for fault in document["errors"][:2]] == [
        (1, "batch_size"),
        (1, "precision"),
    ]
    assert "1 (stored)" in document["errors"][0]["reason"]
    assert post(client, rows[20:]).status_code == 200


def test_undoing_the_only_upload_leaves_no_predictor(client: TestClient) -> None:
    rows = sample(20)
    batch = post(client, rows).json()["batch"]
    assert client.delete(f"{URL}/{batch}").json()["predictors"] == []
    assert problem(predicted(client, rows[0]["architecture"]), 409)["samples"] == 0
    assert post(client, rows).json()["predictors"][0]["version"] == 2


def test_any_sequence_of_uploads_undone_backwards_ends_where_it_began(sqlite_client: TestClient) -> None:
    rng = np.random.default_rng(5)
    rows = sample(60)
    states, batches = [], []
    for _ in range(6):
        states.append(stored(sqlite_client))
        chosen = rng.choice(60, size=rng.integers(1, 40), replace=False)
        part = [rows[i] | {"latency_ms": rows[i]["latency_ms"] * rng.choice([1, 1.25])} for i in chosen]
        batches.append(post(sqlite_client, part).json()["batch"])
    for state, batch in zip(reversed(states), reversed(batches), strict=True):
        sqlite_client.delete(f"{URL}/{batch}")
        assert stored(sqlite_client) == state


def test_dry_run_counts_and_adapts_but_stores_nothing(client: TestClient) -> None:
    rows = sample(25)
    post(client, rows[:20])
    before, uploads = stored(client), client.get(URL).json()
    answer = post(client, rows, dry_run=True).json()
    assert (answer["batch"], answer["dry_run"], answer["inserted"], answer["unchanged"]) == (None, True, 5, 20)
    assert (answer["predictors"][0]["version"], answer["predictors"][0]["samples"]) == (2, 25)
    assert (stored(client), client.get(URL).json()) == (before, uploads)
    assert predicted(client, rows[0]["architecture"]).json()["predictor"]["version"] == 1
    # The version of the dry run is given again, to another predictor.
    assert post(client, sample(30, seed=3)).json()["predictors"][0]["version"] == 2


def bad_rows() -> list[Row]:
    rows = sample(24)
    rows[3]["latency_ms"] = "fast"
    rows[7]["device"] = "unknown"
    rows[11]["architecture"] = rows[10]["architecture"]
    rows[20]["latency_ms"] = rows[20]["latency_ms"] / 1000
    return rows


def test_any_bad_row_refuses_the_upload_and_every_bad_row_is_named(client: TestClient) -> None:
    document = problem(post(client, bad_rows()), 422)
    assert (document["rejected"], document["rows"]) == (4, 24)
    assert [(error["row"], error["line"], error["column"]) for error in document["errors"]] == [
        (4, 5, "latency_ms"),
        (8, 9, "device"),
        (12, 13, "architecture"),
        (21, 22, "latency_ms"),
    ]
    assert "row 11, line 12" in document["errors"][2]["reason"]
    assert "is it in seconds?" in document["errors"][3]["reason"]
    assert stored(client) == {}
    assert client.get(URL).json() == {"uploads": []}


def test_skip_stores_the_good_rows_and_names_the_bad_ones(client: TestClient) -> None:
    response = post(client, bad_rows(), on_error="skip")
    assert response.status_code == 200
    answer = response.json()
    assert (answer["inserted"], answer["rejected"]) == (20, 4)
    assert [error["row"] for error in answer["errors"]] == [4, 8, 12, 21]
    assert len(stored(client)) == 20
    client.delete(f"{URL}/{answer['batch']}")
    assert stored(client) == {}


def test_skip_with_only_bad_rows_stores_no_upload(client: TestClient) -> None:
    answer = post(client, [row | {"latency_ms": 0} for row in sample(3)], on_error="skip").json()
    assert (answer["batch"], answer["inserted"], answer["rejected"]) == (None, 0, 3)
    assert client.get(URL).json() == {"uploads": []}


def test_problems_listed_are_bounded_and_the_total_is_told(sqlite_client: TestClient) -> None:
    document = problem(post(sqlite_client, [row | {"latency_ms": 0} for row in sample(1200)]), 422)
    assert (len(document["errors"]), document["rejected"]) == (1000, 1200)


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


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 65536):
        yield b"x" * 65536


@pytest.mark.parametrize("is_declared", [True, False])
def test_body_above_the_limit_is_refused_with_the_limit(sqlite_client: TestClient, is_declared: bool) -> None:
    size = 4 * MEBIBYTE
    body = b"x" * size if is_declared else chunks(size)
    assert "2097152" in problem(sqlite_client.post(URL, content=body, headers=CSV), 413)["detail"].replace(",", "")


def test_content_length_that_lies_does_not_pass_the_limit(sqlite_client: TestClient) -> None:
    response = sqlite_client.post(URL, content=chunks(4 * MEBIBYTE), headers=CSV | {"Content-Length": "100"})
    problem(response, 413)


def test_uploads_are_listed_newest_first(client: TestClient) -> None:
    first = post(client, sample(20)).json()["batch"]
    second = post(client, sample(5, "tablet")).json()["batch"]
    uploads = client.get(URL).json()["uploads"]
    assert [(upload["batch"], upload["inserted"]) for upload in uploads] == [(second, 5), (first, 20)]
    assert {(upload["uploader"], upload["source"]) for upload in uploads} == {("tester", "text/csv")}


@pytest.mark.parametrize(("factor", "unit"), [(1e-3, "seconds"), (1e3, "microseconds")])
def test_device_that_is_known_refuses_another_unit_unless_told_so(client: TestClient, factor: float, unit: str) -> None:
    post(client, sample(20))
    wrong = [row | {"latency_ms": row["latency_ms"] * factor} for row in sample(10, seed=4)]
    document = problem(post(client, wrong), 422)
    assert document["rejected"] == 10
    assert f"is it in {unit}?" in document["errors"][0]["reason"]
    assert "check_units=false" in document["errors"][0]["reason"]
    assert post(client, wrong, check_units=False).status_code == 200


def test_new_device_is_compared_with_its_peers(client: TestClient) -> None:
    post(client, sample(20, "phone"))
    assert post(client, sample(20, "tablet", scale=8), dry_run=True).status_code == 200
    document = problem(post(client, sample(20, "tablet", scale=1e-3)), 422)
    assert "the medians of the 1 other devices in nb201" in document["errors"][0]["reason"]


def test_uploads_at_the_same_time_serialise(client: TestClient) -> None:
    def send(seed: int) -> None:
        answers.append(post(client, [row | {"latency_ms": row["latency_ms"] * (1 + seed / 100)} for row in rows]))

    answers: list[Response] = []
    rows = sample(40) + sample(20, "tablet")
    threads = [threading.Thread(target=send, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 6
    results = [answer.json() for answer in answers]
    assert sorted(result["inserted"] for result in results) == [0] * 5 + [60]
    assert sorted(result["updated"] for result in results) == [0] + [60] * 5
    versions = sorted(result["predictors"][0]["version"] for result in results)
    assert versions[0] >= 1  # one fit may be of several uploads
    assert versions[-1] <= 6
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


@given(body=st.binary(max_size=200), media_type=st.sampled_from(["text/csv", "application/x-ndjson"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_bytes_never_break_the_server(sqlite_client: TestClient, body: bytes, media_type: str) -> None:
    problem(sqlite_client.post(URL, content=body, headers={"Content-Type": media_type}), 422)


cell = st.one_of(
    st.text(max_size=20), st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.integers(0, 9), max_size=30)
)
names = st.sampled_from(["device", "space", "architecture", "latency_ms", "runs", "measured_at", "statistic", "unit"])


@given(rows=st.lists(st.dictionaries(names, cell), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_rows_never_break_the_server(sqlite_client: TestClient, rows: list[Row]) -> None:
    base = sample(1)[0]
    body = "\n".join(json.dumps(base | row) for row in rows).encode()
    response = sqlite_client.post(
        URL, content=body, params={"dry_run": True}, headers={"Content-Type": "application/jsonl"}
    )
    assert response.status_code in (200, 422), response.text


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

"""POST /admin/measurements: storing, fitting, undoing."""

import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from device_db import Measurements
from service import workload_costs
from service.use_cases import upload_measurements
from service.workload_costs import WorkloadPredictors
from tests.service.uploads.uploading import (
    NB201,
    URL,
    Response,
    Row,
    as_ndjson,
    as_parquet,
    post,
    problem,
    sample,
    state_of,
    stored,
)

PARQUET = {"Content-Type": "application/vnd.apache.parquet"}


def profiled(client: TestClient) -> dict[str, float]:
    """What the first layer took, by architecture."""
    with state_of(client).read_sessions() as session:
        keys, _ = Measurements(session).latencies("phone", "nb201")
        profiles = Measurements(session).profiles("phone", "nb201", keys)
    return {key: profile.layer_ms[0] for key, profile in profiles.items()}


def predicted(client: TestClient, architecture: str, device: str = "phone") -> Response:
    return client.post("/predict_latency", json={"space": "nb201", "device": device, "architecture": architecture})


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

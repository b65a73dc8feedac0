"""`archcast upload` into the database at hand."""

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

Cli = Callable[..., Any]
Timings = Callable[..., list[Any]]
CELL = "4-3-2-1-3-3"


def csv_file(directory: Path, rows: Sequence[Sequence[object]], name: str = "timings.csv") -> Path:
    path = directory / name
    lines = [("device", "space", "architecture", "latency_ms"), *rows]
    path.write_text("".join(",".join(map(str, line)) + "\n" for line in lines))
    return path


def test_upload_stores_adapts_and_repeats_without_change(
    deployed: Cli, client: TestClient, timings: Timings, tmp_path: Path
):
    path = csv_file(tmp_path, timings("unmeasured"))
    first = deployed("upload", str(path), "--json").answer
    assert (first["inserted"], first["rejected"], first["dry_run"]) == (20, 0, False)
    assert [(one["device"], one["version"], one["samples"]) for one in first["predictors"]] == [("unmeasured", 1, 20)]
    body = {"space": "nb201", "device": "unmeasured", "architecture": CELL}
    assert client.post("/predict_latency", json=body).json()["predictor"]["samples"] == 20
    again = deployed("upload", str(path))
    assert "0 inserted, 0 updated, 20 unchanged, 0 rejected" in again.err


def test_upload_of_a_gzipped_file_is_unpacked(deployed: Cli, client: TestClient, timings: Timings, tmp_path: Path):
    plain = csv_file(tmp_path, timings("unmeasured"))
    packed = tmp_path / "timings.CSV.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert deployed("upload", str(packed), "--json").answer["inserted"] == 20
    assert client.get("/devices/unmeasured").json()["samples"] == {"nb201": 20}


@pytest.mark.parametrize("keep", [0, 40, -30])
def test_upload_of_a_broken_gzip_file_is_an_error(deployed: Cli, timings: Timings, tmp_path: Path, keep: int):
    packed = tmp_path / "timings.csv.gz"
    packed.write_bytes(
        b"no gzip" if keep == 0 else gzip.compress(csv_file(tmp_path, timings("unmeasured")).read_bytes())[:keep]
    )
    outcome = deployed("upload", str(packed))
    assert outcome.code == 1
    assert "timings.csv.gz is no gzip file" in outcome.err


def test_upload_dry_run_stores_nothing(deployed: Cli, client: TestClient, timings: Timings, tmp_path: Path):
    outcome = deployed("upload", "--dry-run", str(csv_file(tmp_path, timings("unmeasured"))))
    assert (outcome.code, outcome.out) == (0, "")
    assert "would be stored: 20 inserted" in outcome.err
    assert client.get("/devices/unmeasured").json()["samples"] == {}


def test_upload_with_bad_rows_names_each_and_stores_nothing(
    deployed: Cli, client: TestClient, timings: Timings, tmp_path: Path
):
    rows = [*timings("unmeasured"), ("unmeasured", "nb201", CELL, -1), ("nobody", "nb201", CELL, 1)]
    outcome = deployed("upload", str(csv_file(tmp_path, rows)))
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("archcast: 2 of 22 rows are bad")
    assert "line 22, latency_ms: " in outcome.err
    assert "line 23, device: unknown device" in outcome.err
    assert client.get("/devices/unmeasured").json()["samples"] == {}


def test_upload_skip_bad_stores_the_good_rows(deployed: Cli, timings: Timings, tmp_path: Path):
    rows = [*timings("unmeasured"), ("nobody", "nb201", CELL, 1)]
    answer = deployed("upload", "--skip-bad", "--json", str(csv_file(tmp_path, rows))).answer
    assert (answer["inserted"], answer["rejected"]) == (20, 1)
    assert answer["errors"][0]["line"] == 22


def test_upload_of_unknown_format_is_wrong_usage(cli: Cli, tmp_path: Path):
    outcome = cli("upload", str(csv_file(tmp_path, [], "timings.xls")))
    assert outcome.code == 2
    assert ".parquet" in outcome.err

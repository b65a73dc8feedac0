"""What commands print with --json is what HTTP answers, on both databases."""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from device_db import Devices, create_engine, session_factory
from targets import hardware_names

Cli = Callable[..., Any]
SIMULATED = hardware_names()[0]
MEASURED = "bench-board"
CELLS = ["0-0-0-0-0-0", "4-3-2-1-3-3", "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|skip_connect~2|"]


def test_devices_json_is_the_http_answer(deployed: Cli, client: TestClient):
    assert deployed("devices", "--json").answer == client.get("/devices").json()


@pytest.mark.one_database
def test_devices_table_names_every_device(deployed: Cli):
    outcome = deployed("devices")
    assert re.search(rf"^{MEASURED} +measured +nb201 20$", outcome.out, flags=re.MULTILINE)
    assert all(name in outcome.out for name in hardware_names())


def test_devices_add_registers_once(deployed: Cli, client: TestClient):
    added = deployed("devices", "add", "new-board", "--description", "fresh", "--json")
    assert added.answer == client.get("/devices/new-board").json()
    again = deployed("devices", "add", "new-board")
    assert (again.code, again.err) == (1, "archcast: device 'new-board' exists already\n")


@pytest.mark.one_database
def test_devices_add_with_bad_name_says_why(deployed: Cli):
    outcome = deployed("devices", "add", "no spaces")
    assert outcome.code == 1
    assert "name: String should match pattern" in outcome.err


@pytest.mark.parametrize("device", [SIMULATED, MEASURED])
def test_predict_json_is_the_http_answer(device: str, deployed: Cli, client: TestClient):
    outcome = deployed("predict", "--space", "nb201", "--device", device, "--interval", "0.8", "--json", *CELLS)
    body = {"space": "nb201", "device": device, "architectures": CELLS, "interval": 0.8}
    assert outcome.answer == client.post("/predict_latency", json=body).json()


@pytest.mark.one_database
def test_predict_reads_architectures_from_stdin(deployed: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "cells").write_text("\n".join(CELLS) + "\n\n")
    with (tmp_path / "cells").open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        piped = deployed("predict", "--space", "nb201", "--device", SIMULATED, "--json", "-")
    assert piped.answer == deployed("predict", "--space", "nb201", "--device", SIMULATED, "--json", *CELLS).answer


@pytest.mark.one_database
def test_predict_table_has_a_line_per_architecture(deployed: Cli):
    lines = deployed("predict", "--space", "nb201", "--device", SIMULATED, *CELLS).out.splitlines()
    assert lines[0].split() == ["architecture", "latency_ms", "lower_ms", "upper_ms", "origin"]
    assert [line.split()[-1] for line in lines[1:]] == ["simulated"] * len(CELLS)


@pytest.mark.one_database
def test_suggest_bundle_is_the_archive_of_http_and_a_refused_one_leaves_no_file(
    deployed: Cli, client: TestClient, tmp_path: Path
):
    arguments = ("suggest", "--device", MEASURED, "--space", "nb201")
    outcome = deployed(*arguments, "--count", "1", "--bundle", "todo.zip")
    assert outcome.code == 0, outcome.err
    over_http = client.get(f"/devices/{MEASURED}/suggestions?space=nb201&count=1&format=zip").content
    archives = [zipfile.ZipFile(tmp_path / "todo.zip"), zipfile.ZipFile(io.BytesIO(over_http))]
    assert archives[0].namelist() == archives[1].namelist()
    assert archives[0].read("manifest.json") == archives[1].read("manifest.json")
    before = sorted(tmp_path.rglob("*.zip*"))
    assert deployed(*arguments, "--count", "51", "--bundle", "more.zip").code == 1
    assert sorted(tmp_path.rglob("*.zip*")) == before


def test_suggest_json_is_the_http_answer_and_plain_output_is_one_a_line(deployed: Cli, client: TestClient):
    arguments = ("suggest", "--device", MEASURED, "--space", "nb201", "--count", "5")
    answer = deployed(*arguments, "--json").answer
    assert answer == client.get(f"/devices/{MEASURED}/suggestions", params={"space": "nb201", "count": 5}).json()
    assert deployed(*arguments).out.splitlines() == answer["architectures"]


def test_search_json_is_the_http_answer(deployed: Cli, client: TestClient):
    best = client.post("/search", json={"space": "nb201", "device": MEASURED, "objectives": ["latency_ms"]}).json()
    limit = 1.5 * best["front"][0]["latency_ms"]
    body = {
        "space": "nb201",
        "device": MEASURED,
        "objectives": ["accuracy", "latency_ms"],
        "constraints": {"latency_ms": {"max": limit}, "params": {"min": 1000}},
        "seed": 3,
    }
    over_http = client.post("/search", json=body).json()
    options = ("--max", f"latency_ms={limit}", "--min", "params=1000", "--seed", "3", "--json")
    outcome = deployed("search", "--space", "nb201", "--device", MEASURED, *options)
    own = ("job", "seconds")
    assert {k: v for k, v in outcome.answer.items() if k not in own} == {
        k: v for k, v in over_http.items() if k not in own
    }


def test_search_over_two_devices_with_a_probability_is_the_http_answer(deployed: Cli, client: TestClient):
    limit = {"latency_ms": {"max": 1e3, "probability": 0.9}, "params": {"min": 1000}}
    body = {"space": "nb201", "device": MEASURED, "devices": [SIMULATED], "constraints": limit, "algorithm": "random"}
    over_http = client.post("/search", json=body | {"budget": {"evaluations": 60}}).json()
    options = ("--max", "latency_ms=1e3", "--probability", "0.9", "--min", "params=1000", "--evaluations", "60")
    devices = ("--device", MEASURED, "--also", SIMULATED)
    outcome = deployed("search", "--space", "nb201", *devices, *options, "--algorithm", "random", "--json")
    assert outcome.answer["front"] == over_http["front"]
    table = deployed("search", "--space", "nb201", *devices, *options, "--algorithm", "random").out
    assert f"latency_ms@{SIMULATED}" in table.splitlines()[0]


@pytest.mark.one_database
def test_search_table_shows_the_front_and_names_the_proxy(deployed: Cli):
    outcome = deployed("search", "--space", "nb201", "--device", SIMULATED)
    assert outcome.out.splitlines()[0].split()[:3] == ["architecture", "accuracy", "latency_ms"]
    assert "on the front of the whole space (exhaustive" in outcome.err
    assert "accuracy is a proxy" in outcome.err


@pytest.mark.one_database
def test_search_with_unreachable_limit_says_the_best(deployed: Cli):
    outcome = deployed("search", "--space", "nb201", "--device", SIMULATED, "--max", "latency_ms=0.000001")
    assert (outcome.code, outcome.out) == (1, "")
    assert re.fullmatch(r"archcast: no architecture .* best reachable value is [\d.e-]+.*\n", outcome.err)


@pytest.mark.one_database
def test_search_with_two_unknown_metrics_names_both(deployed: Cli):
    outcome = deployed("search", "--space", "nb201", "--device", SIMULATED, "--objective", "beauty", "--max", "noise=1")
    assert outcome.code == 1
    assert len(outcome.err.splitlines()) == 3
    assert "'beauty'" in outcome.err
    assert "'noise'" in outcome.err


@pytest.mark.parametrize("limit", ["latency_ms", "=3", "latency_ms=fast"])
def test_search_with_malformed_limit_is_wrong_usage(limit: str, cli: Cli):
    assert cli("search", "--space", "nb201", "--device", SIMULATED, "--max", limit).code == 2


def test_devices_repository_is_untouched_by_reading(deployed: Cli, deployment: Any):
    engine = create_engine(deployment.settings.sqlalchemy_url)
    with session_factory(engine)() as session:
        before = [device.name for device in Devices(session).list()]
    deployed("search", "--space", "nb201", "--device", MEASURED)
    with session_factory(engine)() as session:
        assert [device.name for device in Devices(session).list()] == before
    engine.dispose()

"""`archcast import`."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from device_db.importers import IMPORTERS
from service.cli import imports
from service.use_cases import add_timed_models

README = (Path(__file__).resolve().parents[3] / "README.md").read_text()
Cli = Callable[..., Any]
Timings = Callable[..., list[Any]]


def eagle_table(directory: Path, timings: Timings, bad: str | None = None) -> Path:
    """Two devices, one of them with a cell that was not measured."""
    lines = ["arch_str,fast_board,slow_board"]
    lines += [f"{key},{latency_ms},{4 * latency_ms}" for _, _, key, latency_ms in timings("-", 30)]
    lines[1] = lines[1].rpartition(",")[0] + ","
    if bad is not None:
        lines[2] = lines[2].rpartition(",")[0] + f",{bad}"
    path = directory / "eagle.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_import_offers_every_importer():
    assert set(imports.BENCHMARKS) == set(IMPORTERS)


def test_import_stores_fits_and_repeats_without_change(cli: Cli, timings: Timings, tmp_path: Path):
    path = str(eagle_table(tmp_path, timings))
    first = cli("import", "eagle", path, "--json").answer
    assert first["measurements"] == {"inserted": 59, "updated": 0, "unchanged": 0}
    assert (first["devices"], first["predictors"]) == (2, 2)
    again = cli("import", "eagle", path)
    assert again.out.splitlines() == [
        "measurements: 0 inserted, 0 updated, 59 unchanged",
        "predictors: 2 up to date",
    ]
    predicted = cli("predict", "--space", "nb201", "--device", "slow_board", "--json", "4-3-2-1-3-3").answer
    assert predicted["predictor"].items() >= {"name": "cost_linear", "version": 1, "samples": 29}.items()
    assert predicted["results"][0]["origin"] == "predicted"


def test_import_without_terminal_reports_progress_as_lines(cli: Cli, timings: Timings, tmp_path: Path):
    outcome = cli("import", "eagle", str(eagle_table(tmp_path, timings)))
    assert "rows: 59 of 60" in outcome.err or "rows: 60 of 60" in outcome.err
    assert "predictors of nb201: 2 of 2" in outcome.err


def test_import_of_accuracies_brings_the_index_order(cli: Cli, timings: Timings, tmp_path: Path):
    keys = [key for _, _, key, _ in timings("-", 5)]
    lines = ["arch,nb201_index,cifar10_test_acc,cifar100_test_acc,imagenet16_120_test_acc"]
    lines += [f"{key},{index},90.5,70.5,40.5" for index, key in enumerate(keys)]
    (tmp_path / "nb201_accuracy.csv").write_text("\n".join(lines) + "\n")
    outcome = cli("import", "accuracy", str(tmp_path))
    assert "accuracies: 15 inserted" in outcome.out
    assert "index order: now known for nb201" in outcome.out


def test_import_of_own_timings_needs_no_file_and_repeats_without_change(cli: Cli):
    first = cli("import", "ort-cpu", "--json").answer
    assert first["measurements"] == {"inserted": 1227, "updated": 0, "unchanged": 0}
    assert (first["devices"], first["predictors"], first["notes"]) == (3, 6, [])
    again = cli("import", "ort-cpu", "--json").answer
    assert again["measurements"] == {"inserted": 0, "updated": 0, "unchanged": 1227}
    devices = {device["name"]: device for device in cli("devices", "--json").answer["devices"]}
    for name in ("ort-cpu-fp32-t1", "ort-cpu-fp32-t2", "ort-cpu-int8"):
        assert devices[name]["kind"] == "onnx"
        assert devices[name]["samples"] == {"fbnet": 200, "nb201": 200, "onnx": 9}
    (resnet,) = [one for one in cli("models", "--json").answer["models"] if one["name"] == "resnet50"]
    asked = ("--device", "ort-cpu-fp32-t1", "--json")
    assert (
        cli("predict", "--space", "onnx", *asked, resnet["architecture"]).answer["results"][0]["origin"] == "measured"
    )
    results = cli("predict", "--space", "nb201", *asked, "4-3-2-1-3-3", "3-3-1-3-1-0").answer["results"]
    shown = re.search(r"^archcast import ort-cpu.*?^```\n```\n.*?\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    assert shown is not None
    for result, line in zip(results, shown[1].splitlines(), strict=True):
        architecture, *numbers, origin = line.split()
        assert (result["architecture"], result["origin"]) == (architecture, origin)
        values = [result[name] for name in ("latency_ms", "lower_ms", "upper_ms")]
        assert values == pytest.approx([float(number) for number in numbers], rel=0.01)


def test_own_timings_without_the_networks_files_are_those_of_the_spaces(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(add_timed_models, "_FOLDER", ("nowhere",))
    answer = cli("import", "ort-cpu", "--json").answer
    assert answer["measurements"]["inserted"] == 1200
    assert answer["notes"] == ["27 timings left out: their networks were not uploaded"]


@pytest.mark.parametrize("benchmark", imports.BENCHMARKS)
def test_import_of_a_missing_file_fails_in_one_line(benchmark: str, cli: Cli, tmp_path: Path):
    outcome = cli("import", benchmark, str(tmp_path / "nowhere"))
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(f"archcast: cannot import {tmp_path / 'nowhere'}: no such")
    assert len(outcome.err.splitlines()) == 1


def test_import_of_a_bad_value_stores_nothing(cli: Cli, timings: Timings, tmp_path: Path):
    outcome = cli("import", "eagle", str(eagle_table(tmp_path, timings, bad="-3")))
    assert outcome.code == 1
    assert "line 3, slow_board: -3.0 is not a positive finite number" in outcome.err
    assert {device["kind"] for device in cli("devices", "--json").answer["devices"]} == {"simulated"}

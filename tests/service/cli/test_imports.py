"""`archcast import`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from device_db.importers import IMPORTERS
from service.cli import imports

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

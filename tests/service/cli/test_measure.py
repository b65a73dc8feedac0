"""What `archcast measure` decides around the timings; tests/service/test_onboarding.py times for real."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from service import onnx_timing
from service.onnx_timing import (
    Network,
    Timed,
    changes,
    drift,
    least_disturbed,
    measurement_row,
    read_journal,
    relative_errors,
    time_networks,
)
from spaces import SPACES
from spaces.networks import export_onnx

Cli = Callable[..., Any]
SETTINGS = {"threads": 1, "precision": "fp32"}


def timing(median_ms: float = 2.0, kernels: Sequence[Any] = (), **changes: Any) -> dict[str, Any]:
    return {
        **({"kernels": list(kernels)} if kernels else {}),
        "median_ms": median_ms,
        "runs": 30,
        "settings": {**SETTINGS, "max_s": 5.0, "dimensions": {}, **changes},
        "machine": {"runtime": "onnxruntime-cpu", "runtime_version": "1.2.3"},
        "input_shapes": {"x": [4, 3, 32, 32]},
        "measured_at": "2026-01-31T12:00:00Z",
    }


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What was really timed, each of which takes as many ms as its file has bytes."""
    contents: list[bytes] = []

    def time_content(content: bytes, settings: dict[str, Any]) -> dict[str, Any]:
        contents.append(content)
        return timing(float(len(content)), **settings)

    monkeypatch.setattr(onnx_timing, "time_content", time_content)
    return contents


def network(name: str) -> Network:
    return Network("nb201", name, lambda: name.encode())


def test_interrupted_measurement_goes_on_from_its_journal(timed: list[bytes], tmp_path: Path):
    journal = tmp_path / "journal.jsonl"
    run = time_networks([network("a"), network("bb"), network("ccc")], SETTINGS, journal)
    assert [next(run).latency_ms, next(run).latency_ms] == [1, 2]
    with journal.open("a") as file:
        file.write('{"space": "nb201", "archi')  # the power went
    for _ in range(2):
        again = time_networks([network("a"), network("bb"), network("ccc")], SETTINGS, journal)
        assert [one.latency_ms for one in again] == [1, 2, 3]
    assert timed == [b"a", b"bb", b"ccc"]


def test_passes_go_over_all_networks_again_and_the_fastest_of_each_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    medians = iter([4.0, 1.0, 2.0, 1.1, 2.2, 9.0])
    monkeypatch.setattr(
        onnx_timing, "time_content", lambda content, settings: {"settings": settings, "median_ms": next(medians)}
    )
    journal, networks = tmp_path / "journal.jsonl", [network("a"), network("b")]
    first = list(time_networks(networks, SETTINGS, journal))
    assert changes(first) == []
    runs = list(time_networks(networks, SETTINGS, journal, passes=3))
    assert runs[:2] == first
    assert [one.architecture for one in runs] == ["a", "b"] * 3
    assert [(one.architecture, one.latency_ms) for one in least_disturbed(runs)] == [("a", 2.0), ("b", 1.0)]
    assert changes(runs) == pytest.approx([0.1, 0.1])
    assert list(time_networks(networks, SETTINGS, journal, passes=3)) == runs


def test_journal_of_other_settings_counts_for_nothing(timed: list[bytes], tmp_path: Path):
    journal = tmp_path / "journal.jsonl"
    for settings in (SETTINGS, {**SETTINGS, "threads": 2}, {**SETTINGS, "precision": "int8"}):
        list(time_networks([network("a")], settings, journal))
    assert timed == [b"a"] * 3
    assert len(list(read_journal(journal, SETTINGS))) == 1
    assert list(read_journal(tmp_path / "none", SETTINGS)) == []


def test_journal_without_layer_times_gets_them_from_the_file(timed: list[bytes], tmp_path: Path):
    architecture = SPACES["nb201"].parse("0-0-0-0-0-3")
    journal = tmp_path / "journal.jsonl"
    kernels = [{"node": "_0_1_nchwc", "op": "Conv", "latency_ms": 0.5}]
    entry = {"space": "nb201", "architecture": architecture.key, "timing": timing(kernels=kernels)}
    journal.write_text(json.dumps(entry) + "\n")
    (one,) = time_networks([Network("nb201", architecture.key, lambda: export_onnx(architecture))], SETTINGS, journal)
    took_ms = measurement_row("desk", one)["layer_ms"]
    assert took_ms == [0.5, *[0] * (len(SPACES["nb201"].workload(architecture).layers) - 1)]
    assert not timed


def test_file_that_is_not_the_architecture_gives_no_layer_times(timed: list[bytes], tmp_path: Path):
    journal = tmp_path / "journal.jsonl"
    kernels = [{"node": "_0_1_nchwc", "op": "Conv", "latency_ms": 0.5}]
    key = SPACES["nb201"].parse("0-0-0-0-0-3").key
    journal.write_text(json.dumps({"space": "nb201", "architecture": key, "timing": timing(kernels=kernels)}) + "\n")
    for content in (b"no network", export_onnx(SPACES["nb201"].parse("3-3-3-3-3-3"))):
        (one,) = time_networks([Network("nb201", key, lambda content=content: content)], SETTINGS, journal)
        assert "layer_ms" not in measurement_row("desk", one)


def test_drift_is_the_same_both_ways():
    assert drift(2.0, 3.0) == drift(3.0, 2.0) == pytest.approx(0.5)
    assert drift(2.0, 2.0) == 0


def test_errors_are_of_networks_with_a_prediction():
    known = [Timed("nb201", "a", timing(2.0)), Timed("nb201", "b", timing(4.0)), Timed("nb201", "c", timing(1.0))]
    assert relative_errors({"a": 3.0, "b": 2.0}, known) == pytest.approx([0.5, 0.5])


def test_row_of_an_upload_says_how_it_was_measured():
    row = measurement_row("desk", Timed("nb201", "a", timing(2.5)))
    assert row == {
        "device": "desk",
        "space": "nb201",
        "architecture": "a",
        "latency_ms": 2.5,
        "statistic": "median",
        "runs": 30,
        "precision": "fp32",
        "runtime": "onnxruntime-cpu-t1",
        "runtime_version": "1.2.3",
        "measured_at": "2026-01-31T12:00:00Z",
        "batch_size": 4,
        "input_shape": "3x32x32",
    }
    json.dumps(row)


@pytest.mark.parametrize(
    ("missing", "arguments", "reason"),
    [
        (None, ["--suggest", "2", "--server", "http://127.0.0.1:9"], "pip install 'archcast[measure]'"),
        (object(), ["--suggest", "2"], "--server URL"),
        (object(), ["--suggest", "2", "--server", "http://127.0.0.1:9"], "cannot be reached"),
    ],
)
def test_measure_without_what_it_needs_says_so(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, missing: object, arguments: list[str], reason: str
):
    monkeypatch.setattr("service.cli.measure.find_spec", lambda _: missing)
    outcome = cli("measure", "--device", "desk", *arguments)
    assert (outcome.code, outcome.out) == (1, "")
    assert reason in outcome.err

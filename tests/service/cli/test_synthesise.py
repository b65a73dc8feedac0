"""`archcast synthesise`."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Cli = Callable[..., Any]
SMALL = ["gemmt-fu", "--rows", "1", "--inner", "4", "--columns", "1", "--w-bits", "2", "--a-bits", "2"]


def test_synthesise_csv_has_a_row_for_each_flow(cli: Cli):
    pytest.importorskip("pyosys")
    outcome = cli("synthesise", *SMALL, "--flow", "lut4", "--flow", "lut6", "--format", "csv")
    assert outcome.code == 0, outcome.err
    rows = list(csv.DictReader(io.StringIO(outcome.out)))
    assert [row["flow"] for row in rows] == ["lut4", "lut6"]
    assert all(int(row["luts"]) > 0 for row in rows)
    again = cli("synthesise", *SMALL, "--flow", "lut6", "--format", "json")
    assert again.answer["results"][0]["is_stored"]
    assert again.answer["results"][0]["luts"] == int(rows[1]["luts"])


def test_synthesise_verilog_writes_the_circuit_of_given_weights(cli: Cli, tmp_path: Path):
    np.save(tmp_path / "weights.npy", np.array([[1.0], [0.0], [-2.0], [0.0]], np.float32))
    target = tmp_path / "circuit.v"
    outcome = cli("synthesise", *SMALL, "--weights", str(tmp_path / "weights.npy"), "--verilog", str(target))
    assert outcome.code == 0, outcome.err
    text = target.read_text()
    assert "module unrolled(" in text
    assert text.count("reg [") == 2 + 1  # two products and the window, none for weights of zero


def test_synthesise_verilog_alone_tells_the_file_the_circuit_and_its_cycles(cli: Cli, tmp_path: Path):
    target = tmp_path / "circuit.v"
    written = cli("synthesise", *SMALL, "--verilog", str(target))
    assert written.code == 0, written.err
    answer = cli("synthesise", *SMALL, "--verilog", str(target), "--format", "json").answer
    assert (len(answer["circuit_hash"]), answer["results"]) == (64, [])
    assert (answer["latency_cycles"], answer["initiation_interval"]) == (4, 1)  # ends, products, two levels
    for text in (str(target), answer["circuit_hash"], "latency_cycles", "initiation_interval"):
        assert text in written.out
    rows = cli("synthesise", *SMALL, "--verilog", str(target), "--format", "csv").out
    row = next(csv.DictReader(io.StringIO(rows)))
    assert (row["verilog"], row["circuit_hash"]) == (str(target), answer["circuit_hash"])
    assert (row["latency_cycles"], row["initiation_interval"]) == ("4", "1")


def test_synthesise_with_fractions_says_so(cli: Cli, tmp_path: Path):
    np.save(tmp_path / "weights.npy", np.array([0.5, 0, 0, 1]))
    outcome = cli("synthesise", *SMALL, "--weights", str(tmp_path / "weights.npy"))
    assert outcome.code == 1
    assert "quantised" in outcome.err


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        (np.array([[1, 0, -2, 0]]), "shape (1, 4)"),
        (np.array([1.0, np.inf, 0, 1]), "too large"),
        (np.array([1.0, np.nan, 0, 1]), "none at all"),
        (np.array([1, 2**40, 0, 1]), "too large"),
    ],
)
def test_synthesise_refuses_weights_that_the_layer_cannot_have(cli: Cli, tmp_path: Path, weights: Any, reason: str):
    np.save(tmp_path / "weights.npy", weights)
    outcome = cli("synthesise", *SMALL, "--weights", str(tmp_path / "weights.npy"))
    assert outcome.code == 1
    assert reason in outcome.err


def test_synthesise_with_weights_and_a_sparsity_says_which_counts(cli: Cli, tmp_path: Path):
    np.save(tmp_path / "weights.npy", np.array([1, 0, 0, 1]))
    outcome = cli("synthesise", *SMALL, "--weights", str(tmp_path / "weights.npy"), "--sparsity", "0.5")
    assert outcome.code == 1
    assert "their own zeros" in outcome.err


def test_synthesise_names_sizes_that_are_missing(cli: Cli):
    outcome = cli("synthesise", "conv1d-pw", "--width", "8", "--channels", "1")
    assert outcome.code == 1
    assert "filter" in outcome.err
    assert "out_channels" in outcome.err

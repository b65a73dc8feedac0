"""`archcast simulate` and `archcast targets`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from targets import hardware_names

pytestmark = pytest.mark.one_database

Cli = Callable[..., Any]
LAYERS_CSV = """name,kind,in_channels,out_channels,in_height,kernel,stride,groups
stem,conv,3,16,32,3,2,
depthwise,conv,16,,16,3,,16
classifier,linear,16,10,,,,
"""


def test_simulate_json_is_the_http_answer(deployed: Cli, client: TestClient):
    body = {"target": "olive", "space": "nb201", "architecture": "4-3-2-1-3-3", "mode": "refined", "batch": 2}
    arguments = ["olive", "--space", "nb201", "--architecture", "4-3-2-1-3-3", "--mode", "refined", "--batch", "2"]
    outcome = deployed("simulate", *arguments, "--format", "json")
    assert outcome.code == 0
    assert outcome.answer == client.post("/simulate", json=body).json()


def test_simulate_layers_of_a_file_need_no_database(cli: Cli, tmp_path: Path):
    (tmp_path / "layers.csv").write_text(LAYERS_CSV)
    outcome = cli("simulate", "bitmod-lossy", "--layers", str(tmp_path / "layers.csv"), "--format", "json")
    assert [row["layer"] for row in outcome.answer["layers"]] == ["stem", "depthwise", "classifier"]
    assert outcome.answer["layers"][1]["macs"] == 16 * 16 * 16 * 9
    assert not (tmp_path / "embedded").exists()


def test_simulate_file_with_faults_names_their_lines(cli: Cli, tmp_path: Path):
    # A blank line is no row, and a cell may hold a line break.
    rows = ["name,kind,in_channels,groups", "x,conv,many", "", '"two\nlines",linear,4', "y,magic,3", "z,conv,3,2,4"]
    (tmp_path / "layers.csv").write_text("\n".join(rows) + "\n")
    outcome = cli("simulate", "fp16", "--layers", str(tmp_path / "layers.csv"))
    assert outcome.code == 1
    assert "layers.csv line 2: in_channels: " in outcome.err
    assert "layers.csv line 6: kind: " in outcome.err
    assert "layers.csv line 7: column without a name: " in outcome.err
    assert "line 4" not in outcome.err


@pytest.mark.parametrize(
    ("row", "target", "reason"),
    [
        ("p,pool,8,1", "dla", "cannot run the layer 'p' (pool)"),
        ("z,conv,3,2", "fp16", "groups 2 of 'z' do not divide 3 channels"),
        ("w,linear,16777216,1", "bitlet", "of layer 'w' are too many"),
    ],
)
def test_simulate_file_with_a_layer_that_is_refused_names_its_line(
    cli: Cli, tmp_path: Path, row: str, target: str, reason: str
):
    (tmp_path / "layers.csv").write_text(f"name,kind,in_channels,groups\nx,conv,8,1\n{row}\n")
    outcome = cli("simulate", target, "--layers", str(tmp_path / "layers.csv"), "--set", "mode=published")
    assert outcome.code == 1
    told = " ".join(outcome.err.split())
    assert "layers.csv line 3: " in told
    assert reason in told


def test_simulate_users_own_hardware_and_changed_keys(cli: Cli, tmp_path: Path):
    text = (Path(__file__).parents[3] / "targets" / "hardware" / "fp16.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(text.replace("name: fp16", "name: mine"))
    (tmp_path / "layers.csv").write_text(LAYERS_CSV)
    arguments = ["--layers", str(tmp_path / "layers.csv"), "--format", "json", "--set", "clock_ghz=0.5"]
    mine = cli("simulate", str(tmp_path / "mine.yaml"), *arguments)
    assert mine.answer["target"] == "mine"
    assert mine.answer["latency_ms"] == cli("simulate", "fp16", *arguments).answer["latency_ms"]
    assert mine.answer["latency_ms"] == pytest.approx(mine.answer["cycles_total"] / 0.5e6)


def test_simulate_groups_of_layers_have_precisions_of_their_own(cli: Cli, client: TestClient):
    body = {
        "target": "bitmod-lossy",
        "model": "phi-2",
        "precision": {"activation_bits": 8, "groups": {"mlp": {"weight_format": "int6"}}},
    }
    arguments = ["bitmod-lossy", "--model", "phi-2", "--precision", "activation_bits=8"]
    outcome = cli("simulate", *arguments, "--precision", "mlp.weight_format=int6", "--format", "json")
    assert outcome.code == 0, outcome.err
    assert outcome.answer == client.post("/simulate", json=body).json()
    refused = cli("simulate", *arguments, "--precision", "tail.weight_bits=4")
    assert refused.code == 1
    assert "known: self_attn, mlp, lm_head, body" in " ".join(refused.err.split())


def test_simulate_table_shows_layers_and_totals(cli: Cli):
    outcome = cli("simulate", "bitmod-lossy", "--model", "llama-2-7b")
    assert "mlp.down_proj" in outcome.out
    assert "llama-2-7b prefill on bitmod-lossy: 926.1 ms, 926,097,408 cycles, 3926 mJ" in outcome.err


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"name,kind,in_channels\ncaf\xe9,conv,3\n", "is not UTF-8: byte 25 is 0xe9"),
        (b"name,kind,in_channels\n" + b"x" * 200_000 + b",conv,3\n", "is not CSV: field larger than field limit"),
    ],
)
def test_simulate_file_that_is_no_csv_is_explained(cli: Cli, tmp_path: Path, content: bytes, reason: str):
    (tmp_path / "layers.csv").write_bytes(content)
    outcome = cli("simulate", "ant", "--layers", str(tmp_path / "layers.csv"))
    assert outcome.code == 1
    assert f"layers.csv {reason}" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["abacus", "--model", "phi-2"], 1, "unknown hardware 'abacus'"),
        (["olive", "--model", "phi-2", "--set", "rows"], 2, "not KEY=VALUE"),
        (["olive", "--model", "phi-2", "--set", "rows=[3"], 2, "is not YAML"),
        (["olive", "--model", "phi-2", "--set", "rows=many"], 1, "rows: Input should be a valid integer"),
        (["olive", "--model", "phi-2", "--format", "xml"], 2, "none of table, csv, json"),
        (["absent.yaml", "--model", "phi-2"], 1, "absent.yaml"),
        (["olive"], 1, "or `model`, or `layers`"),
        (["m4bram", "--network", "resnet18", "--context", "9"], 1, "context goes with `model`"),
        (["roofline-edge-npu", "--model", "phi-2", "--mode", "refined"], 1, "roofline has no modes"),
        (["olive", "--model", "phi-2", "--set", "rows={a: 1}"], 1, "set.rows: a value is a number"),
    ],
)
def test_simulate_bad_arguments_are_explained(cli: Cli, arguments: list[str], code: int, reason: str):
    outcome = cli("simulate", *arguments)
    assert outcome.code == code
    assert reason in " ".join(outcome.err.replace("│", " ").split())


def test_targets_lists_the_catalogue(cli: Cli):
    outcome = cli("targets")
    assert all(name in outcome.out for name in hardware_names())
    assert {each["name"] for each in cli("targets", "--json").answer["targets"]} == set(hardware_names())


def test_search_chooses_precision_and_hardware_too(cli: Cli):
    arguments = ["--space", "nb201", "--device", "bitmod-lossy", "--algorithm", "random", "--evaluations", "200"]
    objectives = ["--objective", "latency_ms", "--objective", "quantisation_sqnr_db"]
    chosen = ["--precision", "weight_format=bitmod3,int6", "--hardware", "rows=16,64", "--hardware", "mode=refined"]
    outcome = cli("search", *arguments, *objectives, *chosen, "--json")
    assert outcome.code == 0, outcome.err
    for entry in outcome.answer["front"]:
        assert entry["precision"]["weight_format"] in ("bitmod3", "int6")
        assert entry["hardware"]["rows"] in (16, 64)
    assert cli("search", *arguments, "--hardware", "rows").code == 2


def test_search_chooses_the_precision_of_layer_groups(cli: Cli):
    arguments = ["--space", "nb201", "--device", "bitmod-lossy", "--algorithm", "random", "--evaluations", "20"]
    objectives = ["--objective", "latency_ms"]
    chosen = [
        "--precision",
        "weight_bits=6",
        "--precision",
        "head.weight_bits=4,8",
        "--precision",
        "body.weight_bits=4",
    ]
    outcome = cli("search", *arguments, *objectives, *chosen, "--json")
    assert outcome.code == 0, outcome.err
    precision = outcome.answer["front"][0]["precision"]
    assert precision["weight_bits"] == 6
    assert precision["groups"]["body"] == {"weight_bits": 4}
    assert precision["groups"]["head"]["weight_bits"] in (4, 8)

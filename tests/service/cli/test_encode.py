"""`archcast encode`: the HTTP answer as JSON, or a Parquet file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from arch_encodings import ENCODERS
from spaces import SPACES

Cli = Callable[..., Any]
NB201 = SPACES["nb201"]
CELLS = ["0-0-0-0-0-0", "4-3-2-1-3-3"]


def test_encode_json_is_the_http_answer(deployed: Cli, client: TestClient):
    outcome = deployed("encode", "--space", "nb201", "--encoding", "cost", "--json", *CELLS)
    body = {"space": "nb201", "architectures": CELLS, "encodings": ["cost"]}
    assert outcome.answer == client.post("/encode", json=body).json()


def test_encode_a_whole_space_writes_a_parquet_file(deployed: Cli, tmp_path: Path):
    file = tmp_path / "nb201.parquet"
    arguments = ["--space", "nb201", "--encoding", "cost", "--encoding", "one_hot", "--output", str(file)]
    assert deployed("encode", *arguments).code == 0
    table = pq.read_table(file)
    architectures = list(NB201.enumerate())
    assert table["architecture"].to_pylist() == [architecture.key for architecture in architectures]
    for name in ("cost", "one_hot"):
        values = np.stack(table[name].to_numpy())
        np.testing.assert_array_equal(values, ENCODERS[name].encode(NB201, architectures))
        metadata = table.schema.field(name).metadata
        assert tuple(json.loads(metadata[b"features"])) == ENCODERS[name].feature_names(NB201)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "either --output FILE or --json"),
        (("--json",), "a whole space goes to a file"),
        (("--output", "x.parquet", "nonsense"), "is no architecture of nb201"),
    ],
)
def test_encode_impossible_request_says_why_and_leaves_no_file(
    deployed: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
):
    monkeypatch.chdir(tmp_path)
    outcome = deployed("encode", "--space", "nb201", "--encoding", "cost", *arguments)
    assert outcome.code == 1
    assert message in outcome.err
    assert not list(tmp_path.glob("*.parquet*"))


def test_encode_a_space_too_large_to_list_needs_architectures(deployed: Cli, tmp_path: Path):
    arguments = ["--space", "fbnet", "--encoding", "cost", "--output", str(tmp_path / "x.parquet")]
    outcome = deployed("encode", *arguments)
    assert (outcome.code, "cannot be enumerated" in outcome.err) == (1, True)

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
from arch_encodings.zcp import scale_proxies
from spaces import SPACES

pytestmark = pytest.mark.one_database

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


def test_encode_zcp_takes_what_archcast_proxies_kept(deployed: Cli, monkeypatch: pytest.MonkeyPatch):
    def compute(space: Any, architectures: Any, names: Any, **_: Any) -> Any:
        return np.ones((len(architectures), len(names)))

    monkeypatch.setattr("service.use_cases.compute_proxies.compute", compute)
    monkeypatch.setenv("ARCHCAST_MAX_UNCACHED_PROXIES", "0")
    arguments = ("encode", "--space", "nb201", "--encoding", "zcp", "--json", *CELLS)
    refused = deployed(*arguments)
    assert (refused.code, refused.out) == (1, "")
    assert "run `archcast proxies --space nb201`" in refused.err
    assert deployed("proxies", "--space", "nb201", *CELLS).code == 0
    assert len(deployed(*arguments).answer["encodings"]["zcp"]["values"]) == len(CELLS)


@pytest.mark.data
def test_encode_zcp_from_published_proxies(deployed: Cli, data_dir: Path, tmp_path: Path):
    imported = deployed("import", "zero-cost", str(data_dir / "zero_cost" / "fbnet_zcp.json"))
    assert "encoding values: 65,000 inserted" in imported.out
    blocks = json.loads((data_dir / "zero_cost" / "fbnet_zcp.json").read_bytes())
    file = tmp_path / "fbnet.parquet"
    arguments = ("encode", "--space", "fbnet", "--encoding", "zcp", "--proxies", "published")
    assert deployed(*arguments, "--output", str(file), *list(blocks)[:3]).code == 0
    values = np.stack(pq.read_table(file)["zcp"].to_numpy())
    names = [name.removeprefix("zcp:") for name in ENCODERS["zcp"].feature_names(SPACES["fbnet"])]
    raw = np.array([[row[name] for name in names] for row in list(blocks.values())[:3]])
    np.testing.assert_allclose(values, scale_proxies(raw, names))
    assert "no published zero-cost proxies" in deployed(*arguments, "--output", str(file), "_".join("0" * 22)).err


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


def test_encode_creates_the_files_folder_or_says_why_not(deployed: Cli, tmp_path: Path):
    file = tmp_path / "new" / "folder" / "x.parquet"
    assert deployed("encode", "--space", "nb201", "--encoding", "cost", "--output", str(file), *CELLS).code == 0
    assert pq.read_table(file).num_rows == len(CELLS)
    below = file / "y.parquet"
    outcome = deployed("encode", "--space", "nb201", "--encoding", "cost", "--output", str(below), *CELLS)
    assert (outcome.code, outcome.err.startswith(f"archcast: {file}: ")) == (1, True)


def test_encode_a_space_too_large_to_list_needs_architectures(deployed: Cli, tmp_path: Path):
    arguments = ["--space", "fbnet", "--encoding", "cost", "--output", str(tmp_path / "x.parquet")]
    outcome = deployed("encode", *arguments)
    assert (outcome.code, "cannot be enumerated" in outcome.err) == (1, True)

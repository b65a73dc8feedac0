"""Networks that come with the package: they adapt to a device from its timings alone."""

import ast
import json
from pathlib import Path

import numpy as np
import pytest

import service.benchmarks
from predictors import InvalidArtifactError, NoPretrainedNetworkError, SourceLatencies, fit_graph_linear, fit_nasflat
from predictors.graph import TrainingSettings, TrunkSettings
from predictors.graph.pretrained import PretrainedTrunk, pretrain_trunk
from predictors.graph.shipped import ARTIFACTS, Kind, has_pretrained, load_pretrained, write_pretrained
from predictors.manifest import read_manifest
from predictors.metrics import relative_errors
from spaces import get_space

KINDS: list[Kind] = ["trunk"]
SPACES = ("nb201", "fbnet")


@pytest.fixture(scope="module")
def small() -> PretrainedTrunk:
    space = get_space("nb201")
    drawn = space.sample(40, rng=np.random.default_rng(0))
    latency_ms = 1 + space.decisions(drawn)[:, :2].astype(float)
    sources = SourceLatencies(space, drawn, ("a", "b"), latency_ms)
    return pretrain_trunk(sources, TrunkSettings(width=8, layers=1), TrainingSettings(epochs=2))


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("kind", KINDS)
def test_shipped_network_says_where_it_comes_from(kind, name):
    network = load_pretrained(get_space(name), kind)
    manifest = read_manifest((ARTIFACTS / f"{kind}-{name}.safetensors").read_bytes())
    training = manifest["training"]
    assert set(training["metrics"]) == set(network.devices)
    assert len(training["data_sha256"]) == 64
    assert training["held_out_architectures"] > 0
    assert {"settings", "versions"} <= set(training)
    card = (ARTIFACTS / f"{kind}-{name}.md").read_text(encoding="utf-8")
    assert training["data_sha256"] in card
    assert all(f"| {device} |" in card for device in network.devices)


@pytest.mark.parametrize("kind", KINDS)
def test_shipped_network_adapts_to_a_made_up_device_from_twenty_timings(kind, space, make_device):
    measure = make_device(30.0, 2.0, 0.05)
    drawn = space.sample(120, rng=np.random.default_rng(1))
    latency_ms = measure(drawn)
    fit = {"trunk": fit_graph_linear, "nasflat": fit_nasflat}[kind]
    fitted = fit(load_pretrained(space, kind), drawn[:20], latency_ms[:20])
    assert np.median(relative_errors(fitted.predict(drawn[20:]).mean_ms, latency_ms[20:])) < 0.02


def test_load_pretrained_is_read_once(small, tmp_path):
    write_pretrained(small, {}, tmp_path)
    assert load_pretrained(small.space, "trunk", tmp_path) is load_pretrained(small.space, "trunk", tmp_path)


def test_load_pretrained_gives_what_was_written(small, tmp_path):
    path = write_pretrained(small, {"seed": 3}, tmp_path)
    assert read_manifest(path.read_bytes())["training"] == {"seed": 3}
    loaded = load_pretrained(small.space, "trunk", tmp_path)
    asked = small.space.sample(5, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(loaded.columns(asked), small.columns(asked))
    np.testing.assert_allclose(loaded.linear, small.linear, rtol=1e-6)
    assert loaded.devices == ("a", "b")


def test_load_pretrained_of_a_space_without_one_is_refused(tmp_path):
    assert not has_pretrained(get_space("nb201"), "trunk", tmp_path)
    with pytest.raises(NoPretrainedNetworkError, match="nb201") as caught:
        load_pretrained(get_space("nb201"), "trunk", tmp_path)
    assert (caught.value.space, caught.value.kind) == ("nb201", "trunk")


def test_load_pretrained_of_a_damaged_file_is_refused(small, tmp_path):
    path = write_pretrained(small, {}, tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InvalidArtifactError, match="trunk-nb201"):
        load_pretrained(small.space, "trunk", tmp_path)


def test_load_pretrained_of_another_kind_is_refused(small, tmp_path):
    write_pretrained(small, {}, tmp_path).rename(tmp_path / "nasflat-nb201.safetensors")
    with pytest.raises(InvalidArtifactError, match="not a nasflat network"):
        load_pretrained(small.space, "nasflat", tmp_path)


def test_benchmarks_of_new_devices_do_not_import_the_shipped_networks():
    folders = [Path(service.benchmarks.__file__).parent, Path(__file__).parents[3] / "benchmarks"]
    imports = {}
    for file in sorted(path for folder in folders for path in folder.glob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names = [
            f"{node.module}.{alias.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        ]
        imports[file.name] = [name for name in names if "shipped.load" in name or "load_pretrained" in name]
    assert "latency_tasks.py" in imports
    assert "nasflat_tasks.py" in imports
    assert {file: names for file, names in imports.items() if names} in ({}, {"inference_speed.py": ANY_LOAD})


ANY_LOAD = ["predictors.graph.shipped.load_pretrained"]


def test_manifest_is_json_that_a_reader_can_check(small, tmp_path):
    blob = write_pretrained(small, {}, tmp_path).read_bytes()
    header = json.loads(blob[8 : 8 + int.from_bytes(blob[:8], "little")])
    assert json.loads(header["__metadata__"]["manifest"])["devices"] == ["a", "b"]

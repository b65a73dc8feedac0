"""Training of the networks that come with the package, on a made-up table of NAS-Bench-201."""

from dataclasses import asdict

import numpy as np
import pytest

from arch_encodings.errors import InvalidWeightsError
from predictors.graph.shipped import ARTIFACTS, load_pretrained, write_pretrained
from predictors.manifest import read_manifest
from service.benchmarks import latency_networks
from service.benchmarks.latency_networks import TRAININGS, model_card, train_network
from service.benchmarks.latency_tables import LatencyTable
from spaces import get_space
from spaces.base import class_of

SPACE = get_space("nb201")


@pytest.fixture(scope="module")
def table() -> LatencyTable:
    architectures = SPACE.sample(150, rng=np.random.default_rng(0))
    decisions = SPACE.decisions(architectures)
    per_op = np.array([[0.1, 0.2, 1.0, 3.0, 0.4], [0.1, 0.1, 2.0, 2.0, 1.5]])
    first, second = 2 + per_op[:, decisions].sum(axis=2)
    return LatencyTable(architectures, {"a": first, "b": second, "a_large": 2 * first})


def test_train_network_holds_out_classes_of_isomorphic_cells(table, monkeypatch):
    seen = []
    pretrain = latency_networks.pretrain_trunk
    monkeypatch.setattr(
        latency_networks, "pretrain_trunk", lambda sources, **rest: seen.append(sources) or pretrain(sources, **rest)
    )
    network, facts = train_network("trunk", "nb201", table, epochs=1)
    [sources] = seen
    trained = set(sources.architectures)
    held_out = [architecture for architecture in table.architectures if architecture not in trained]
    assert len(held_out) == facts["held_out_architectures"] > 5
    classes = {class_of(SPACE, architecture) for architecture in trained}
    assert classes.isdisjoint(class_of(SPACE, architecture) for architecture in held_out)
    assert network.devices == ("a", "b")
    assert set(facts["metrics"]) == {"a", "b"}


@pytest.mark.parametrize("space", ["nb201", "fbnet"])
@pytest.mark.parametrize("kind", ["trunk", "nasflat"])
def test_trainings_are_those_of_the_networks_that_come_with_archcast(kind, space):
    blob = (ARTIFACTS / f"{kind}-{space}.safetensors").read_bytes()
    assert asdict(TRAININGS[kind][space]) == read_manifest(blob)["training"]["settings"]


def test_train_network_facts_change_with_the_data(table):
    changed = {name: latency_ms + (name == "b") for name, latency_ms in table.latency_ms.items()}
    tables = [
        LatencyTable(table.architectures[:40], {n: ms[:40] for n, ms in one.items()})
        for one in (table.latency_ms, changed)
    ]
    digests = [train_network("trunk", "nb201", one, epochs=1)[1]["data_sha256"] for one in (tables[0], *tables)]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("kind", ["trunk", "nasflat"])
def test_train_network_is_written_with_a_card_and_read_back(kind, table, tmp_path):
    small = LatencyTable(table.architectures[:60], {name: ms[:60] for name, ms in table.latency_ms.items()})
    network, facts = train_network(kind, "nb201", small, epochs=1, seed=3)
    path = write_pretrained(network, facts, tmp_path)
    manifest = read_manifest(path.read_bytes())
    assert manifest["training"]["settings"]["seed"] == 3
    card = model_card(manifest, "the command")
    assert "`the command`" in card
    assert f"| a | {facts['metrics']['a']['spearman']:.3f} |" in card
    asked = SPACE.sample(4, rng=np.random.default_rng(1))
    loaded = load_pretrained(SPACE, kind, tmp_path)
    np.testing.assert_allclose(loaded.relative(asked), network.relative(asked), rtol=1e-6)


@pytest.mark.parametrize("kind", ["trunk", "nasflat"])
def test_train_network_interrupted_and_resumed_ends_alike_and_refuses_others(kind, table, tmp_path):
    class StoppedError(Exception):
        pass

    def interrupt(done, total):
        if done == 1:
            raise StoppedError

    small = LatencyTable(table.architectures[:60], {name: ms[:60] for name, ms in table.latency_ms.items()})
    path, asked = tmp_path / "network.checkpoint", table.architectures[:5]
    whole, _ = train_network(kind, "nb201", small, epochs=2)
    with pytest.raises(StoppedError):
        train_network(kind, "nb201", small, epochs=2, checkpoint=path, on_progress=interrupt)
    others = LatencyTable(table.architectures[1:61], small.latency_ms)
    with pytest.raises(InvalidWeightsError, match="other settings, data"):
        train_network(kind, "nb201", others, epochs=2, checkpoint=path, resume=True)
    resumed, _ = train_network(kind, "nb201", small, epochs=2, checkpoint=path, resume=True)
    np.testing.assert_array_equal(resumed.relative(asked), whole.relative(asked))

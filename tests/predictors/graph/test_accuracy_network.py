"""FLAN trained on tables of accuracies, on made-up ones: cells with more 3x3 convolutions are better."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch

from predictors.errors import InvalidArtifactError
from predictors.graph import FlanSettings, TrainingSettings
from predictors.graph.accuracy import fit_flan
from predictors.graph.accuracy_network import AccuracyNetwork, SeriesTable, train_accuracy_network
from predictors.graph.shared_operations import SharedOperations
from predictors.metrics import kendall
from predictors.normal_scores import normal_scores
from spaces import Architecture, SearchSpace, get_space

SETTINGS = FlanSettings(layers=1, op_width=8, node_width=16, width=16, head_width=16, timesteps=1, dropout=0.0)
TRAINING = TrainingSettings(epochs=8, batch=32, learning_rate=1e-2, series=4)
MICRO, NB201, NB101 = (get_space(name) for name in ("tnb101_micro", "nb201", "nb101"))


def convolutions(space: SearchSpace, architectures: list[Architecture]) -> np.ndarray:
    """Live 3x3 convolutions, by which all data sets of this file go."""
    ids = [number for number, op in enumerate(space.op_names) if op in ("nor_conv_3x3", "conv3x3-bn-relu")]
    graphs = [space.graph(architecture) for architecture in architectures]
    return np.array([float((np.isin(graph.ops, ids) & graph.mask).sum()) for graph in graphs])


def table(space: SearchSpace, count: int, column: int) -> SeriesTable:
    architectures = space.sample(count, rng=np.random.default_rng(0))
    targets = np.full((count, 2), np.nan)
    targets[:, column] = normal_scores(convolutions(space, architectures))
    return SeriesTable(space, architectures, targets)


@pytest.fixture(scope="module")
def network() -> AccuracyNetwork:
    tables = [table(MICRO, 160, 0), table(NB101, 80, 1)]
    return train_accuracy_network(tables, ["micro", "nb101"], SETTINGS, TRAINING, also=[NB201])


@pytest.mark.parametrize("space", [MICRO, NB101])
def test_network_ranks_unseen_architectures_of_each_space_it_was_trained_on(network, space):
    asked = space.sample(200, rng=np.random.default_rng(9))
    column = [MICRO, NB101].index(space)
    assert kendall(network.scores(space, asked)[:, column], convolutions(space, asked)) > 0.4


def test_network_carries_over_to_a_space_that_it_was_not_trained_on(network):
    cells = NB201.sample(300, rng=np.random.default_rng(9))
    cells = [cell for cell in cells if "avg_pool" not in cell.key]
    scores = network.scores(NB201, cells)
    assert kendall(scores[:, 0], convolutions(NB201, cells)) > 0.3


def test_network_saved_and_loaded_scores_the_same(network, tmp_path):
    path = tmp_path / "network.safetensors"
    network.save(path)
    loaded = AccuracyNetwork.load(path)
    cells = NB201.sample(10, rng=np.random.default_rng(2))
    np.testing.assert_array_equal(loaded.scores(NB201, cells), network.scores(NB201, cells))
    assert loaded.series == ("micro", "nb101")
    assert loaded.manifest["architectures"] == {"tnb101_micro": 160, "nb101": 80}
    assert loaded.manifest["training"]["seed"] == 0
    assert len(loaded.manifest["data_sha256"]) == 64


def test_training_twice_gives_the_same_weights(network):
    tables = [table(MICRO, 160, 0), table(NB101, 80, 1)]
    again = train_accuracy_network(tables, ["micro", "nb101"], SETTINGS, TRAINING, also=[NB201])
    assert again.manifest["data_sha256"] == network.manifest["data_sha256"]
    for name, weight in network.module.state_dict().items():
        torch.testing.assert_close(again.module.state_dict()[name], weight, rtol=0, atol=0)


@pytest.mark.parametrize("content", ["absent", "noise", "no manifest", "other weights"])
def test_load_refuses_what_save_did_not_write(content, network, tmp_path):
    path = tmp_path / "network.safetensors"
    weights = {"head.0.weight": torch.zeros(1)}
    if content == "noise":
        path.write_bytes(b"no tensors here")
    elif content == "no manifest":
        path.write_bytes(safetensors.torch.save(weights))
    elif content == "other weights":
        network.save(path)
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata()
        path.write_bytes(safetensors.torch.save(weights, metadata))
    with pytest.raises(InvalidArtifactError, match=r"network\.safetensors"):
        AccuracyNetwork.load(path)


def test_fit_flan_from_another_space_beats_scratch_on_few_cells(network):
    cells = [cell for cell in NB201.sample(400, rng=np.random.default_rng(3)) if "avg_pool" not in cell.key]
    accuracy = convolutions(NB201, cells)
    training = TrainingSettings(epochs=5, batch=8, learning_rate=1e-3)
    carried = fit_flan(NB201, cells[:8], accuracy[:8], training=training, start=network)
    scratch = fit_flan(NB201, cells[:8], accuracy[:8], settings=SETTINGS, training=training)
    assert kendall(carried.score(cells[8:]), accuracy[8:]) > kendall(scratch.score(cells[8:]), accuracy[8:]) + 0.1


def test_fit_flan_leaves_the_network_it_starts_from_alone(network):
    cells = NB201.sample(8, rng=np.random.default_rng(3))
    before = {name: weight.clone() for name, weight in network.module.state_dict().items()}
    fit_flan(NB201, cells, np.arange(8.0), training=TrainingSettings(epochs=2), start=network)
    for name, weight in network.module.state_dict().items():
        assert torch.equal(weight, before[name])


def test_scores_of_cells_with_the_same_live_graph_are_one_and_each_keeps_its_row():
    settings = FlanSettings(layers=1, timesteps=1, width=16, node_width=8, head_width=16)
    # With none at 1->3 and 2->3 nothing but the edge 0->3 reaches the output.
    cells = [NB201.parse(row) for row in ([3, 2, 1, 3, 0, 0], [4] * 6, [4, 2, 1, 3, 0, 0], [2] * 6)]
    ranker = fit_flan(NB201, cells, np.arange(4.0), settings=settings, training=TrainingSettings(epochs=1))
    scores = ranker.score(cells)
    assert scores[0] == scores[2]
    assert len(set(scores.tolist())) == 3
    np.testing.assert_allclose([ranker.score([cell])[0] for cell in cells], scores, atol=1e-5)


def test_shared_operations_name_the_same_operation_once():
    operations = SharedOperations.of([NB101, NB201])
    convolution = [
        operations.of_space(space)[space.op_names.index(op)]
        for space, op in ((NB101, "conv3x3-bn-relu"), (NB201, "nor_conv_3x3"))
    ]
    assert convolution[0] == convolution[1]
    ids = operations.of_space(NB201)
    assert len(set(ids.tolist())) == len(NB201.op_names)
    assert ids.min() > 1
    assert operations.size > ids.max()
    assert not operations.covers(get_space("nb301"))


def test_artifacts_have_a_model_card_and_say_what_they_were_trained_on():
    from predictors.graph.pretrained_accuracy import ARTIFACTS

    files = sorted(ARTIFACTS.glob("flan-*.safetensors"))
    assert [path.stem for path in files] == ["flan-nb201", "flan-transfer"]
    for path in files:
        card = path.with_suffix(".md").read_text(encoding="utf-8")
        manifest = AccuracyNetwork.load(path).manifest
        assert manifest["data_sha256"][:12] in card
        assert json.dumps(manifest["training"]["seed"]) in card
        assert Path(path).stat().st_size < 2_000_000

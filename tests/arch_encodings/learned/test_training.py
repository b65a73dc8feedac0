import dataclasses

import numpy as np
import pytest
import torch

from arch_encodings.errors import InvalidWeightsError
from arch_encodings.learned.manifest import read_manifest
from arch_encodings.learned.trained import METHODS, load
from arch_encodings.learned.training import TrainingSettings, train
from spaces import get_space

NB201, FBNET = get_space("nb201"), get_space("fbnet")
CELLS = NB201.sample(40, rng=np.random.default_rng(0))


class _InterruptedError(Exception):
    pass


def _stop_after(epochs):
    def on_progress(done, total):
        if done == epochs:
            raise _InterruptedError

    return on_progress


@pytest.mark.parametrize("method", METHODS)
def test_training_resumed_from_a_checkpoint_gives_the_same_bits(method, tiny, tmp_path):
    path = tmp_path / "training.checkpoint"
    with pytest.raises(_InterruptedError):
        train(method, [NB201], tiny, checkpoint=path, on_progress=_stop_after(2))
    seen = []
    resumed = train(
        method,
        [NB201],
        tiny,
        checkpoint=path,
        resume=True,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    whole = train(method, [NB201], tiny)
    assert seen == [(2, 3), (3, 3)]
    assert resumed.manifest == whole.manifest
    np.testing.assert_array_equal(resumed.embed(NB201, CELLS), whole.embed(NB201, CELLS))


def test_training_leaves_the_random_numbers_of_others_alone(tiny):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train("arch2vec", [NB201], dataclasses.replace(tiny, epochs=1))
    assert torch.equal(torch.rand(3), expected)


def test_training_checkpoint_of_other_settings_is_refused(tiny, tmp_path):
    path = tmp_path / "training.checkpoint"
    train("arch2vec", [NB201], dataclasses.replace(tiny, epochs=1), checkpoint=path)
    with pytest.raises(InvalidWeightsError, match="other settings"):
        train("arch2vec", [NB201], tiny, checkpoint=path, resume=True)


def test_training_from_finished_weights_is_refused(tiny, tmp_path):
    path = tmp_path / "weights.safetensors"
    train("arch2vec", [NB201], dataclasses.replace(tiny, epochs=1)).save(path)
    with pytest.raises(InvalidWeightsError, match="no checkpoint"):
        train("arch2vec", [NB201], tiny, checkpoint=path, resume=True)


def test_training_stops_when_validation_no_longer_improves():
    settings = TrainingSettings(epochs=50, batch=16, graphs=120, learning_rate=0.0, patience=2)
    manifest = train("arch2vec", [NB201], settings).manifest
    assert (manifest.best_epoch, manifest.epochs) == (1, 3)


def test_training_lowers_what_it_is_scored_on(tiny):
    short, longer = (
        train("arch2vec", [NB201], dataclasses.replace(tiny, epochs=epochs, graphs=600)) for epochs in (1, 8)
    )
    assert longer.manifest.metrics["nb201"]["op_accuracy"] > short.manifest.metrics["nb201"]["op_accuracy"] + 0.1


def test_joint_training_scores_each_space(tiny):
    trained = train("cate", [NB201, FBNET], dataclasses.replace(tiny, epochs=1))
    assert set(trained.manifest.metrics) == {"nb201", "fbnet"}
    assert trained.embed(FBNET, FBNET.sample(2, rng=np.random.default_rng(0))).shape == (2, 32)


@pytest.mark.parametrize("method", METHODS)
def test_weights_saved_and_loaded_embed_alike(method, tiny, tmp_path):
    trained = train(method, [NB201], dataclasses.replace(tiny, epochs=1))
    path = tmp_path / "folder" / "weights.safetensors"
    trained.save(path)
    loaded = load(path)
    assert read_manifest(path) == loaded.manifest == trained.manifest
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    np.testing.assert_array_equal(loaded.embed(NB201, CELLS), trained.embed(NB201, CELLS))


def test_manifest_says_where_the_weights_come_from(tiny):
    manifest = train("arch2vec", [NB201], dataclasses.replace(tiny, epochs=1)).manifest
    assert manifest.settings["seed"] == 3
    assert set(manifest.versions) == {"archcast", "numpy", "python", "torch"}
    assert len(manifest.data_sha256) == 64
    other = train("arch2vec", [NB201], dataclasses.replace(tiny, epochs=1, seed=4)).manifest
    assert other.data_sha256 != manifest.data_sha256


@pytest.mark.parametrize("content", [b"", b"\x08", b"\x02\0\0\0\0\0\0\0{}", b"\xff" * 40])
def test_load_of_something_else_is_refused(content, tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(InvalidWeightsError, match=r"weights\.safetensors"):
        load(path)


def test_load_of_weights_without_their_tensors_is_refused(tiny, tmp_path):
    path = tmp_path / "weights.safetensors"
    trained = train("arch2vec", [NB201], dataclasses.replace(tiny, epochs=1))
    trained.save(path)
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    with pytest.raises(InvalidWeightsError):
        load(path)

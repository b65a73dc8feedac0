import subprocess
import sys
import time

import numpy as np
import pytest

from arch_encodings import ENCODERS, Arch2vec, Cate, UnsupportedSpaceError
from arch_encodings.learned.encoder import ARTIFACTS
from arch_encodings.learned.manifest import read_manifest
from arch_encodings.learned.trained import METHODS, load
from arch_encodings.learned.training import train
from spaces import SPACES, InvalidArchitectureError, get_space

NB201, FBNET = get_space("nb201"), get_space("fbnet")
WEIGHTS = sorted(ARTIFACTS.glob("*.safetensors"))


def test_import_does_not_import_torch():
    code = "import sys, arch_encodings; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_of_columns_do_not_import_torch():
    code = (
        "import sys, arch_encodings, spaces\n"
        "[arch_encodings.ENCODERS[name].feature_names(spaces.SPACES['nb201']) for name in ('arch2vec', 'cate')]\n"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_each_method_has_weights_for_nb201_fbnet_and_jointly():
    assert {path.stem for path in WEIGHTS} == {f"{m}-{space}" for m in METHODS for space in ("nb201", "fbnet", "joint")}


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda path: path.stem)
def test_committed_weights_are_small_and_fit_their_manifest(path):
    manifest = load(path).manifest
    assert path.stat().st_size < 1_000_000
    method, space = path.stem.split("-")
    assert manifest.method == method
    trained_on = set(manifest.vocabulary.ids)
    assert trained_on == set(manifest.metrics)
    assert trained_on == {space} if space != "joint" else {"nb201", "fbnet"} <= trained_on
    assert all(manifest.vocabulary.covers(SPACES[name]) for name in trained_on)


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda path: path.stem)
def test_embedding_of_a_batch_equals_its_singles(path):
    trained = load(path)
    for name in trained.manifest.vocabulary.ids:
        architectures = SPACES[name].sample(12, rng=np.random.default_rng(0))
        singles = np.concatenate([trained.embed(SPACES[name], [architecture]) for architecture in architectures])
        np.testing.assert_allclose(trained.embed(SPACES[name], architectures), singles, atol=1e-5)


@pytest.mark.parametrize("encoder", [Arch2vec(), Cate()], ids=["arch2vec", "cate"])
def test_encoding_all_cells_of_nb201_takes_seconds_and_is_remembered(encoder):
    cells = list(NB201.enumerate())
    started = time.perf_counter()
    encoded = encoder.encode(NB201, cells)
    assert time.perf_counter() - started < 60  # about 3 s on an idle core
    started = time.perf_counter()
    np.testing.assert_array_equal(encoder.encode(NB201, cells[::-1]), encoded[::-1])
    assert time.perf_counter() - started < 2
    assert len(np.unique(encoded.round(6), axis=0)) > 5000


def test_space_without_weights_is_refused_and_joint_ones_stand_in(tmp_path, tiny):
    settings = tiny.__class__(seed=0, epochs=1, batch=16, graphs=100)
    train("arch2vec", [NB201], settings).save(tmp_path / "arch2vec-nb201.safetensors")
    own, joint = Arch2vec(folder=tmp_path), Arch2vec("joint", tmp_path)
    with pytest.raises(UnsupportedSpaceError, match=r"fbnet.*archcast train encoder"):
        own.feature_names(FBNET)
    train("arch2vec", [NB201, FBNET], settings).save(tmp_path / "arch2vec-joint.safetensors")
    blocks, cells = FBNET.sample(2, rng=np.random.default_rng(0)), NB201.sample(2, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(own.encode(FBNET, blocks), joint.encode(FBNET, blocks))
    assert (own.encode(NB201, cells) != joint.encode(NB201, cells)).any()
    assert own.name == "arch2vec"
    assert joint.feature_names(NB201)[0] == "arch2vec_joint:0"


def test_remembered_architecture_of_another_space_is_refused():
    block = FBNET.sample(1, rng=np.random.default_rng(0))
    ENCODERS["cate"].encode(FBNET, block)
    with pytest.raises(InvalidArchitectureError):
        ENCODERS["cate"].encode(NB201, block)


@pytest.mark.parametrize("method", METHODS)
def test_joint_weights_cover_every_space(method):
    vocabulary = read_manifest(ARTIFACTS / f"{method}-joint.safetensors").vocabulary
    assert [name for name, space in SPACES.items() if not vocabulary.covers(space)] == []


def test_joint_weights_keep_ids_of_spaces_disjoint():
    for method in METHODS:
        ids = read_manifest(ARTIFACTS / f"{method}-joint.safetensors").vocabulary.ids
        numbers = [number for ops in ids.values() for number in ops.values()]
        assert len(set(numbers)) == len(numbers)

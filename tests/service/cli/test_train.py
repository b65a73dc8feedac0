"""`archcast train`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arch_encodings.learned.trained import METHODS, load
from predictors.graph.shipped import load_pretrained
from service.benchmarks import latency_tables
from service.benchmarks.latency_tables import LatencyTable
from spaces import get_space

Cli = Callable[..., Any]
TINY = ("--epochs", "1", "--graphs", "100")


@pytest.mark.parametrize("method", METHODS)
def test_train_encoder_writes_weights_and_says_how_good_they_are(method: str, cli: Cli, tmp_path: Path):
    outcome = cli("train", "encoder", method, "--space", "nb201", "--seed", "4", *TINY)
    assert outcome.code == 0, outcome.err
    assert "accuracy" in outcome.out
    assert load(tmp_path / f"{method}-nb201.safetensors").manifest.settings["seed"] == 4
    assert not list(tmp_path.glob("*.checkpoint"))


def test_train_encoder_of_two_spaces_gives_joint_weights(cli: Cli, tmp_path: Path):
    assert cli("train", "encoder", "cate", "--space", "tnb101_micro", "--space", "nb201", *TINY).code == 0
    assert set(load(tmp_path / "cate-joint.safetensors").manifest.vocabulary.ids) == {"nb201", "tnb101_micro"}


def test_train_encoder_resume_without_checkpoint_fails_in_one_line(cli: Cli):
    outcome = cli("train", "encoder", "cate", "--space", "nb201", "--resume", *TINY)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("archcast: there is nothing to resume")


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Of a short training on a small made-up table."""
    space = get_space("nb201")
    drawn = space.sample(40, rng=np.random.default_rng(0))
    table = LatencyTable(drawn, {"phone": 1.0 + space.decisions(drawn).sum(axis=1)})
    monkeypatch.setattr(latency_tables, "read_tables", lambda data: {"nb201": table})
    return ("--space", "nb201", "--data", str(tmp_path), "--output", str(tmp_path), "--epochs", "1", "--seed", "4")


def test_train_latency_writes_a_network_and_its_card(cli: Cli, options: tuple[str, ...], tmp_path: Path):
    space = get_space("nb201")
    outcome = cli("train", "latency", "trunk", *options)
    assert outcome.code == 0, outcome.err
    assert load_pretrained(space, "trunk", tmp_path).devices == ("phone",)
    assert "--epochs 1 --seed 4" in (tmp_path / "trunk-nb201.md").read_text()
    assert not list(tmp_path.glob("*.checkpoint"))
    again = cli("train", "latency", "trunk", "--resume", *options)
    assert again.code == 1
    assert again.err.startswith("archcast: there is nothing to resume")


def test_train_latency_with_a_supplementary_encoding_keeps_it(cli: Cli, options: tuple[str, ...], tmp_path: Path):
    outcome = cli("train", "latency", "nasflat", "--supplementary", "cost", *options)
    assert outcome.code == 0, outcome.err
    network = load_pretrained(get_space("nb201"), "nasflat", tmp_path)
    assert network.settings.encoding == "cost"
    assert network.supplementary is not None
    card = (tmp_path / "nasflat-nb201.md").read_text()
    assert "--seed 4 --supplementary cost" in card
    assert "**Reads** the encoding `cost`" in card


@pytest.mark.parametrize(
    ("kind", "space", "encoding", "reason"),
    [
        ("trunk", "nb201", "cost", "no supplementary"),
        ("nasflat", "nb201", "word2vec", "unknown"),
        ("nasflat", "fbnet", "paths", "cover"),
    ],
)
def test_train_latency_encoding_that_cannot_be_read_is_refused(
    cli: Cli, tmp_path: Path, kind: str, space: str, encoding: str, reason: str
):
    options = ("--space", space, "--data", str(tmp_path), "--supplementary", encoding)
    outcome = cli("train", "latency", kind, *options)
    assert outcome.code == 2
    assert reason in outcome.err


def test_train_encoder_of_unknown_space_or_method_is_refused(cli: Cli):
    assert "unknown" in cli("train", "encoder", "cate", "--space", "elsewhere", *TINY).err
    assert cli("train", "encoder", "word2vec", "--space", "nb201", *TINY).code == 2

"""A supplementary encoding at the head of NASFLAT: from training on to a device's stored predictor."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from arch_encodings import ENCODERS, UnsupportedSpaceError
from predictors import InvalidArtifactError, SourceLatencies, fit_nasflat, fit_nasflat_fine_tuned, load
from predictors.graph import NasflatSettings, TrainingSettings
from predictors.graph.pretrained import PretrainedNasflat, pretrain_nasflat
from predictors.graph.shipped import load_pretrained, write_pretrained
from predictors.graph.supplementary import Supplementary, from_manifest, to_manifest
from predictors.manifest import read_manifest
from predictors.metrics import spearman
from spaces import get_space

SPACE = get_space("nb201")
SETTINGS = NasflatSettings(
    width=16, node_width=16, layers=1, refinement_layers=1, head_width=16, encoding="one_hot", supplementary_width=8
)
BRIEF = TrainingSettings(epochs=2, batch=16, learning_rate=3e-3)


class Rank:
    """An encoding of one column that no graph has: the place of an architecture in a list."""

    name = "rank"

    def __init__(self, architectures):
        self.places = {architecture: float(place) for place, architecture in enumerate(architectures)}

    def feature_names(self, space):
        return ("rank",)

    def encode(self, space, architectures):
        return np.array([self.places[architecture] for architecture in architectures]).reshape(-1, 1)


@pytest.fixture(scope="module")
def drawn():
    return SPACE.sample(90, rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def sources(drawn) -> SourceLatencies:
    first = 2 + SPACE.decisions(drawn[:60]).sum(axis=1)
    return SourceLatencies(SPACE, drawn[:60], ("a", "b"), np.column_stack([first, first**1.1]))


@pytest.fixture(scope="module")
def pretrained(sources) -> PretrainedNasflat:
    return pretrain_nasflat(sources, SETTINGS, BRIEF)


@pytest.fixture(scope="module")
def fitted(pretrained, drawn):
    latency_ms = 3.0 + SPACE.decisions(drawn[60:75])[:, :3].sum(axis=1)
    return {
        "nasflat": fit_nasflat(pretrained, drawn[60:75], latency_ms),
        "nasflat_fine_tuned": fit_nasflat_fine_tuned(pretrained, drawn[60:75], latency_ms, BRIEF),
    }


def shifted(supplementary: Supplementary) -> Supplementary:
    means = tuple(mean + 1.0 for mean in supplementary.normalizer.means)
    return replace(supplementary, normalizer=replace(supplementary.normalizer, means=means))


def test_columns_are_standardised_over_the_architectures_of_the_training(pretrained, sources):
    supplementary = pretrained.supplementary
    assert supplementary.width == pretrained.settings.supplementary == 30
    columns = supplementary.columns(sources.architectures)
    torch.testing.assert_close(columns.mean(dim=0), torch.zeros(30), atol=1e-5, rtol=0)
    spread = columns.std(dim=0, correction=0)
    assert (((spread - 1).abs() < 1e-5) | (spread == 0)).all()


def test_training_learns_from_the_columns_what_no_graph_tells(drawn):
    places = np.random.default_rng(1).permutation(90)
    latency_ms = np.exp(places / 30)
    encoders = {"rank": Rank([drawn[row] for row in np.argsort(places)])}
    table = SourceLatencies(SPACE, drawn[:60], ("a",), latency_ms[:60, None])
    found = {}
    for encoding in ("rank", ""):
        settings, training = replace(SETTINGS, encoding=encoding), replace(BRIEF, epochs=15)
        network = pretrain_nasflat(table, settings, training, encoders=encoders)
        found[encoding] = spearman(network.relative(drawn[60:])[:, 0], latency_ms[60:])
    assert found["rank"] > 0.8 > 0.5 > found[""]


def test_answers_depend_on_the_columns(pretrained, fitted, drawn):
    other = replace(pretrained, supplementary=shifted(pretrained.supplementary))
    assert np.abs(other.relative(drawn[75:]) / pretrained.relative(drawn[75:]) - 1).max() > 1e-3
    network = fitted["nasflat"].network
    other = replace(network, supplementary=shifted(network.supplementary))
    assert np.abs(other.columns(drawn[75:]) - network.columns(drawn[75:])).max() > 1e-3
    tuned = fitted["nasflat_fine_tuned"]
    other = replace(tuned, supplementary=shifted(tuned.supplementary))
    assert np.abs(other.predict(drawn[75:]).mean_ms - tuned.predict(drawn[75:]).mean_ms).max() > 1e-3


def test_batch_of_one_trains_and_answers_as_in_a_batch(pretrained, fitted, sources, drawn):
    one = pretrain_nasflat(sources, SETTINGS, replace(BRIEF, batch=1, epochs=1))
    for network in (one, pretrained):
        together = network.relative(drawn[75:80])
        np.testing.assert_allclose(np.concatenate([network.relative([each]) for each in drawn[75:80]]), together, 1e-4)
    assert not np.array_equal(one.relative(drawn[75:80]), pretrained.relative(drawn[75:80]))
    for predictor in fitted.values():
        alone = [predictor.predict([each]).mean_ms[0] for each in drawn[75:80]]
        np.testing.assert_allclose(alone, predictor.predict(drawn[75:80]).mean_ms, rtol=1e-4)


def test_written_network_keeps_the_standardisation(pretrained, drawn, tmp_path):
    path = write_pretrained(pretrained, {}, tmp_path)
    assert read_manifest(path.read_bytes())["settings"]["encoding"] == "one_hot"
    loaded = load_pretrained(SPACE, "nasflat", tmp_path)
    assert to_manifest(loaded.supplementary) == to_manifest(pretrained.supplementary)
    np.testing.assert_array_equal(loaded.relative(drawn), pretrained.relative(drawn))


@pytest.mark.parametrize("name", ["nasflat", "nasflat_fine_tuned"])
def test_stored_predictor_keeps_the_standardisation(fitted, drawn, name):
    loaded = load(fitted[name].to_bytes(), get_space)
    np.testing.assert_array_equal(loaded.predict(drawn).mean_ms, fitted[name].predict(drawn).mean_ms)


def test_resume_with_another_encoding_is_refused(sources, tmp_path):
    from arch_encodings import InvalidWeightsError

    checkpoint = tmp_path / "network.checkpoint"
    pretrain_nasflat(sources, SETTINGS, BRIEF, checkpoint=checkpoint)
    same_width = ENCODERS | {"one_hot": Adjusted(ENCODERS["one_hot"])}
    with pytest.raises(InvalidWeightsError, match="other settings, data"):
        pretrain_nasflat(sources, SETTINGS, BRIEF, checkpoint=checkpoint, resume=True, encoders=same_width)


class Adjusted:
    """Another encoding of the same name and columns."""

    name = "one_hot"

    def __init__(self, encoder):
        self.encoder, self.feature_names = encoder, encoder.feature_names

    def encode(self, space, architectures):
        return 2 * self.encoder.encode(space, architectures)


def test_manifest_of_columns_that_have_changed_is_refused(pretrained, tmp_path):
    normalizer = replace(pretrained.supplementary.normalizer, columns=tuple(f"old:{n}" for n in range(30)))
    old = replace(pretrained.supplementary, normalizer=normalizer)
    with pytest.raises(ValueError, match="no longer"):
        from_manifest(SPACE, to_manifest(old))
    write_pretrained(replace(pretrained, supplementary=old), {}, tmp_path)
    with pytest.raises(InvalidArtifactError, match="no longer"):
        load_pretrained(SPACE, "nasflat", tmp_path)


def test_encoding_that_is_unknown_or_does_not_cover_the_space_is_refused(sources):
    with pytest.raises(KeyError, match="word2vec"):
        pretrain_nasflat(sources, replace(SETTINGS, encoding="word2vec"), BRIEF)
    fbnet = get_space("fbnet")
    table = SourceLatencies(fbnet, fbnet.sample(5, rng=np.random.default_rng(0)), ("a",), np.ones((5, 1)))
    with pytest.raises(UnsupportedSpaceError):
        pretrain_nasflat(table, replace(SETTINGS, encoding="paths"), BRIEF)


def test_network_without_an_encoding_keeps_none(sources):
    network = pretrain_nasflat(sources, replace(SETTINGS, encoding="", supplementary=30), BRIEF)
    assert (network.supplementary, network.settings.supplementary, network.module.supplementary) == (None, 0, None)
    assert "supplementary" not in network.manifest()

"""Predictors that learn from source devices before they adapt: graph_linear, nasflat, and the choice `auto`."""

import numpy as np
import pytest

from predictors import (
    InvalidArtifactError,
    SourceLatencies,
    TooFewSamplesError,
    choose,
    fit_cost_linear,
    fit_graph_linear,
    fit_nasflat,
    fit_nasflat_fine_tuned,
    load,
)
from predictors.graph import NasflatSettings, TrainingSettings, TrunkSettings
from predictors.graph.pretrained import pretrain_nasflat, pretrain_trunk
from predictors.metrics import relative_errors, spearman
from spaces import get_space

QUICK = TrainingSettings(epochs=8, batch=16, learning_rate=3e-3)


@pytest.fixture(scope="module")
def timings():
    """A table of three made-up devices, the truth of a fourth that mixes them, 20 samples and 200 held-out cells."""
    space = get_space("nb201")
    rng = np.random.default_rng(0)
    drawn = space.sample(300, rng=rng)
    decisions = space.decisions(drawn)
    per_op = np.array([[0.1, 0.2, 1.0, 3.0, 0.4], [0.1, 0.1, 2.0, 2.0, 1.5], [0.3, 0.3, 0.5, 4.0, 0.3]])
    sources = 2 + per_op[:, decisions].sum(axis=2).T
    target = sources @ [0.5, 0.2, 0.3]
    table = SourceLatencies(space, drawn[:80], ("a", "b", "c"), sources[:80])
    return table, drawn[80:100], target[80:100], drawn[100:], target[100:]


@pytest.fixture(scope="module")
def trunk(timings):
    return pretrain_trunk(timings[0], TrunkSettings(width=16, layers=2), QUICK)


@pytest.fixture(scope="module")
def nasflat(timings):
    settings = NasflatSettings(width=16, node_width=16, layers=1, refinement_layers=1, head_width=16)
    pretrained = pretrain_nasflat(timings[0], settings, QUICK)
    before = {name: value.clone() for name, value in pretrained.module.state_dict().items()}
    fitted = {
        "nasflat": fit_nasflat(pretrained, timings[1], timings[2]),
        "nasflat_fine_tuned": fit_nasflat_fine_tuned(pretrained, timings[1], timings[2], QUICK),
    }
    return pretrained, before, fitted


@pytest.fixture(params=["graph_linear", "nasflat", "nasflat_fine_tuned"])
def fitted(request, timings, trunk):
    if request.param != "graph_linear":
        return request.getfixturevalue("nasflat")[2][request.param]
    return fit_graph_linear(trunk, timings[1], timings[2])


def test_trunk_learns_the_sources(trunk, timings):
    table = timings[0]
    columns = trunk.columns(table.architectures)
    assert columns.shape == table.latency_ms.shape
    assert min(spearman(columns[:, device], table.latency_ms[:, device]) for device in range(3)) > 0.8


def test_trunk_same_seed_same_columns(trunk, timings):
    again = pretrain_trunk(timings[0], TrunkSettings(width=16, layers=2), QUICK)
    np.testing.assert_array_equal(again.columns(timings[3]), trunk.columns(timings[3]))


def test_graph_linear_tells_a_device_from_twenty_samples(trunk, timings):
    _, timed, latency_ms, held_out, truth = timings
    estimate = fit_graph_linear(trunk, timed, latency_ms).predict(held_out)
    assert np.median(relative_errors(estimate.mean_ms, truth)) < 0.02


@pytest.mark.parametrize(("name", "least"), [("nasflat", 0.99), ("nasflat_fine_tuned", 0.7)])
def test_nasflat_ranks_a_new_device_and_leaves_the_pretrained_weights_alone(nasflat, timings, name, least):
    pretrained, before, fitted = nasflat
    estimate = fitted[name].predict(timings[3])
    assert spearman(estimate.mean_ms, timings[4]) > least
    assert all((value == before[name]).all() for name, value in pretrained.module.state_dict().items())


def test_nasflat_second_target_does_not_depend_on_the_first(nasflat, timings):
    pretrained, _, fitted = nasflat
    again = {
        "nasflat": fit_nasflat(pretrained, timings[1], timings[2]),
        "nasflat_fine_tuned": fit_nasflat_fine_tuned(pretrained, timings[1], timings[2], QUICK),
    }
    for name, predictor in again.items():
        np.testing.assert_array_equal(predictor.predict(timings[3]).mean_ms, fitted[name].predict(timings[3]).mean_ms)


def test_nasflat_starts_from_the_source_that_ranks_the_samples_most_alike(nasflat, timings):
    pretrained = nasflat[0]
    table, timed = timings[0], timings[1]
    for number, device in enumerate(table.devices):
        told_ms = pretrained.relative(timed)[:, number]
        assert fit_nasflat(pretrained, timed, told_ms).network.device == device


def test_nasflat_network_of_one_device_answers_as_the_whole_does(nasflat, timings):
    pretrained = nasflat[0]
    alone = pretrained.of_device(2)
    columns = alone.columns(timings[3])
    assert columns.shape == (len(timings[3]), alone.width)
    np.testing.assert_allclose(columns[:, 0], pretrained.relative(timings[3])[:, 2], rtol=1e-4)


def test_fitted_answers_are_positive_with_bounds_around_them(fitted, timings):
    estimate = fitted.predict(timings[3])
    lower, upper = estimate.interval(0.9)
    assert (lower > 0).all()
    assert (lower <= estimate.mean_ms).all()
    assert (estimate.mean_ms < upper).all()


def test_fitted_batch_equals_singles_and_empty_is_empty(fitted, timings):
    batch = fitted.predict(timings[3][:4]).mean_ms
    singles = np.concatenate([fitted.predict([one]).mean_ms for one in timings[3][:4]])
    np.testing.assert_allclose(batch, singles, rtol=1e-4)
    assert fitted.predict([]).mean_ms.shape == (0,)


def test_fitted_to_bytes_and_load_give_the_same_predictor(fitted, timings):
    loaded = load(fitted.to_bytes(), get_space)
    assert (loaded.name, loaded.samples) == (fitted.name, 20)
    before, after = fitted.predict(timings[3]), loaded.predict(timings[3])
    np.testing.assert_array_equal(before.mean_ms, after.mean_ms)
    np.testing.assert_array_equal(before.interval(0.8)[0], after.interval(0.8)[0])


def test_load_damaged_bytes_are_refused(fitted):
    blob = fitted.to_bytes()
    with pytest.raises(InvalidArtifactError):
        load(blob[: len(blob) - 100], get_space)


def test_fit_too_few_samples_is_refused(trunk, nasflat, timings):
    for fit in (
        lambda: fit_graph_linear(trunk, timings[1][:4], timings[2][:4]),
        lambda: fit_nasflat(nasflat[0], timings[1][:4], timings[2][:4]),
        lambda: fit_nasflat_fine_tuned(nasflat[0], timings[1][:4], timings[2][:4]),
    ):
        with pytest.raises(TooFewSamplesError):
            fit()


def test_choose_takes_the_predictor_that_tells_left_out_samples_best(trunk, timings):
    space, timed, latency_ms = timings[0].space, timings[1], timings[2]
    right = fit_cost_linear(space, timed, latency_ms)
    wrong = fit_graph_linear(trunk, timed, latency_ms[np.random.default_rng(0).permutation(20)])
    assert choose([wrong, right]) is right
    assert choose([right, wrong]) is right


def test_source_latencies_of_another_shape_or_not_positive_are_refused(timings):
    table = timings[0]
    with pytest.raises(ValueError, match="wanted"):
        SourceLatencies(table.space, table.architectures, ("a",), table.latency_ms)
    with pytest.raises(ValueError, match="positive"):
        SourceLatencies(table.space, table.architectures, table.devices, -table.latency_ms)


def test_source_latencies_standardised_keeps_unknown_ones_unknown(timings):
    table = timings[0]
    latency_ms = table.latency_ms.copy()
    latency_ms[0, 0] = np.nan
    standardised = SourceLatencies(table.space, table.architectures, table.devices, latency_ms).standardised()
    assert np.isnan(standardised[0, 0])
    np.testing.assert_allclose(np.nanmedian(standardised, axis=0), 0, atol=1e-9)
    assert (np.abs(standardised[1:]) <= 4).all()


@pytest.mark.parametrize("last", [0, 3, 12])  # before the first epoch, in the first fold, in the second one
def test_nasflat_fine_tuning_ends_between_epochs_as_soon_as_somebody_says_so(nasflat, timings, last):
    told = []

    def stop(done: int, total: int) -> None:
        told.append((done, total))
        if len(told) > last:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fit_nasflat_fine_tuned(nasflat[0], timings[1], timings[2], QUICK, stop)
    epochs = [*range(QUICK.epochs + 1)] * 2  # of a fold, and of the next one
    assert told == [(epoch, QUICK.epochs) for epoch in epochs[: last + 1]]

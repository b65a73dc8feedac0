"""Accuracy from few known ones, on a made-up truth over the cost and path encodings."""

import numpy as np
import pytest

from arch_encodings import ENCODERS
from predictors import TooFewSamplesError
from predictors import accuracy as accuracy_of_few
from predictors.accuracy import MIN_ACCURACIES, AccuracyEncodings, Expectation, encodings_for, fit_accuracy
from predictors.accuracy_scale import AccuracyScale
from predictors.metrics import kendall
from spaces import Architecture, get_space

SPACE = get_space("nb201")


def fitted(cells: list[Architecture], accuracy: np.ndarray, count: int, encodings: AccuracyEncodings | None = None):
    """On the first cells, standardised over them all and without a network, which is quicker."""
    encodings = encodings or encodings_for(SPACE, transfer=False)
    return fit_accuracy(SPACE, cells[:count], accuracy[:count], encodings, reference=cells)


def truth(architectures: list[Architecture], seed: int = 0) -> np.ndarray:
    """Per cent: more live MACs are better, and so are some paths; a tenth fails."""
    names = ENCODERS["cost"].feature_names(SPACE)
    macs = ENCODERS["cost"].encode(SPACE, architectures)[:, names.index("total:live_macs")]
    paths = ENCODERS["paths"].encode(SPACE, architectures)
    weights = np.random.default_rng(7).standard_normal(paths.shape[1])
    noise = 0.1 * np.random.default_rng(seed).standard_normal(len(macs))
    quality = 2 * macs / macs.max() + 0.3 * paths @ weights + noise
    return 94 - 20 * np.exp(-quality)


@pytest.fixture(scope="module")
def cells() -> list[Architecture]:
    return SPACE.sample(400, rng=np.random.default_rng(1))


def test_fit_accuracy_orders_unseen_cells_better_with_more_of_them_known(cells):
    accuracy = truth(cells)
    found = [kendall(fitted(cells, accuracy, count).predict(cells[100:]).score, accuracy[100:]) for count in (8, 100)]
    assert found[0] > 0.4
    assert found[1] > found[0] + 0.1


def test_fit_accuracy_answers_in_per_cent_with_intervals_that_hold(cells):
    accuracy = truth(cells)
    estimate = fitted(cells, accuracy, 60).predict(cells[60:])
    assert np.median(np.abs(estimate.mean - accuracy[60:])) < 0.5 * accuracy.std()
    for level in (0.5, 0.9):
        lower, upper = estimate.interval(level)
        assert (lower <= upper).all()
        assert np.mean((lower <= accuracy[60:]) & (accuracy[60:] <= upper)) == pytest.approx(level, abs=0.12)
    assert (estimate.std > 0).all()


def test_expected_columns_order_cells_when_the_known_ones_say_little(cells):
    accuracy = truth(cells)

    class Hint:
        name = "hint"

        def feature_names(self, space):
            return ("hint",)

        def encode(self, space, architectures):
            return truth(architectures)[:, None]

    with_hint = AccuracyEncodings([Expectation(Hint())], [ENCODERS["paths"]])
    against = AccuracyEncodings([Expectation(ENCODERS["cost"], {"total:launches": 1.0})], [ENCODERS["paths"]])
    found = [
        kendall(fitted(cells, accuracy, 6, encodings).predict(cells[6:]).score, accuracy[6:])
        for encodings in (with_hint, against)
    ]
    assert found[0] > 0.65
    assert found[0] > found[1] + 0.2


def test_predict_of_a_batch_equals_its_singles_and_of_none_is_empty(cells):
    predictor = fitted(cells, truth(cells), 20)
    batch = predictor.predict(cells[20:25])
    singles = [predictor.predict([cell]) for cell in cells[20:25]]
    # The graph network sums in single precision.
    np.testing.assert_allclose(batch.mean, [single.mean[0] for single in singles], rtol=1e-4)
    np.testing.assert_allclose(batch.interval(0.8)[1], [single.interval(0.8)[1][0] for single in singles], rtol=1e-4)
    assert predictor.predict([]).mean.shape == (0,)


@pytest.mark.parametrize("name", ["nb101", "nb301", "fbnet", "ofa"])
def test_fit_accuracy_works_on_a_space_without_tables(name):
    space = get_space(name)
    architectures = space.sample(30, rng=np.random.default_rng(0))
    names = ENCODERS["cost"].feature_names(space)
    macs = ENCODERS["cost"].encode(space, architectures)[:, names.index("total:live_macs")]
    accuracy = 60 + 30 * np.argsort(np.argsort(macs)) / len(macs)
    estimate = fit_accuracy(space, architectures[:12], accuracy[:12], reference=architectures).predict(
        architectures[12:]
    )
    assert kendall(estimate.score, accuracy[12:]) > 0.6


def test_fit_accuracy_refuses_too_few_and_what_is_no_percentage(cells):
    with pytest.raises(TooFewSamplesError):
        fit_accuracy(SPACE, cells[: MIN_ACCURACIES - 1], np.full(MIN_ACCURACIES - 1, 90.0))
    with pytest.raises(ValueError, match=r"0\.\.100"):
        fit_accuracy(SPACE, cells[:8], np.full(8, 101.0))


def test_fit_accuracy_of_very_many_fits_a_part_and_counts_them_all(monkeypatch, cells):
    monkeypatch.setattr("predictors.accuracy.MAX_FITTED", 30)
    plain = encodings_for(SPACE, transfer=False)
    predictor = fit_accuracy(SPACE, cells, truth(cells), plain, reference=cells)
    assert predictor.samples == len(cells)
    assert len(predictor.process.dual) == 30
    assert kendall(predictor.predict(cells).score, truth(cells)) > 0.4


def test_interval_refuses_a_level_that_is_none(cells):
    estimate = fitted(cells, truth(cells), 8).predict(cells[:1])
    with pytest.raises(ValueError, match="level"):
        estimate.interval(1.0)


def test_scale_goes_through_what_is_known_and_stays_within_per_cent():
    accuracy = np.array([10.0, 70.0, 88.0, 90.0, 92.0, 93.0])
    scale = AccuracyScale.of(accuracy)
    np.testing.assert_allclose(scale(scale.scores), accuracy)
    values = scale(np.linspace(-8, 8, 200))
    assert (np.diff(values) >= 0).all()
    assert values[0] >= 0
    assert values[-1] <= 100
    assert values[-1] > 93


def test_scale_has_one_knot_of_each_distinct_accuracy():
    scale = AccuracyScale.of(np.array([90.0, 70.0, 90.0, 70.0, 90.0, 92.0]))
    assert len(scale.scores) == 3
    assert (np.diff(scale.scores) > 0).all()
    np.testing.assert_allclose(scale(scale.scores), [70.0, 90.0, 92.0])


def test_scale_of_two_distinct_accuracies_rises_beyond_them():
    scale = AccuracyScale.of(np.array([90.0, 70.0, 90.0]))
    values = scale(np.array([-3.0, scale.scores[0], scale.scores[1], 3.0]))
    np.testing.assert_allclose(values[1:3], [70.0, 90.0])
    assert (np.diff(values) > 0).all()


def test_fit_accuracy_with_equals_does_not_depend_on_the_order_of_the_rows(cells):
    accuracy = np.floor(truth(cells)[:30])
    assert len(np.unique(accuracy)) < 20
    order = np.random.default_rng(3).permutation(30)
    shuffled = [cells[row] for row in order.tolist()]
    encodings = encodings_for(SPACE, transfer=False)
    found = [
        fit_accuracy(SPACE, known, values, encodings, reference=cells).predict(cells[30:])
        for known, values in ((cells[:30], accuracy), (shuffled, accuracy[order]))
    ]
    np.testing.assert_allclose(found[0].score, found[1].score, atol=1e-6)
    np.testing.assert_allclose(found[0].interval(0.9), found[1].interval(0.9), rtol=1e-6)


def test_fit_accuracy_of_equal_accuracies_is_constant_and_trains_nothing(cells, monkeypatch):
    cross_fitted = pytest.importorskip("predictors.graph.cross_fitted")
    monkeypatch.setattr(cross_fitted, "fit_cross_fitted", lambda *_: pytest.fail("nothing to learn"))
    encodings = encodings_for(SPACE, transfer=True)
    assert encodings.trained is not None
    estimate = fit_accuracy(SPACE, cells[:30], np.full(30, 90.0), encodings, reference=cells).predict(cells)
    for values in (estimate.mean, *estimate.interval(0.9)):
        np.testing.assert_allclose(values, 90.0)
    assert len(np.unique(estimate.score)) == 1


def test_scale_of_equal_accuracies_is_flat():
    np.testing.assert_allclose(AccuracyScale.of(np.full(6, 90.0))(np.linspace(-3, 3, 7)), 90.0)


def test_fit_accuracy_calibrates_on_whole_isomorphism_classes(monkeypatch):
    seen = []
    fit = accuracy_of_few.fit_additive_process

    def spy(groups, targets, components, classes):
        seen.append(classes)
        return fit(groups, targets, components, classes)

    monkeypatch.setattr(accuracy_of_few, "fit_additive_process", spy)
    space = get_space("nb201")
    twins = [space.parse(row) for row in ([3, 0, 1, 0, 0, 2], [1, 0, 3, 0, 0, 2])]
    cells = [*twins, *space.sample(6, rng=np.random.default_rng(0))]
    fit_accuracy(space, cells, np.linspace(60, 90, 8), encodings_for(space, transfer=False))
    assert seen[0][0] == seen[0][1]
    assert len(set(seen[0])) == 7

"""The zero-cost score: NWOT and live MACs on one scale, with NWOTs of others told from few."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from arch_encodings import has_path, live_macs
from predictors import TooFewSamplesError
from predictors.zero_cost_score import ENOUGH, FEWEST, fit_zero_cost_score
from spaces import SPACES
from spaces.base import SearchSpace


def alive(space: SearchSpace, count: int, seed: int = 0):
    drawn = space.sample(3 * count, rng=np.random.default_rng(seed))
    return [each for each, works in zip(drawn, has_path(space, drawn), strict=True) if works][:count]


def nwot_of(space: SearchSpace, architectures) -> np.ndarray:
    """Something like it: grows with the MACs and with the layers, with a noise of its own."""
    layers = np.array([len(space.workload(each).layers) for each in architectures])
    noise = np.random.default_rng(5).normal(size=len(layers))
    return 600 + 20 * np.log10(live_macs(space, architectures)) + 0.5 * layers + noise


def test_score_is_zero_at_the_median_and_one_a_deviation_above_it():
    space = SPACES["fbnet"]
    known = alive(space, 400)
    rng = np.random.default_rng(1)
    macs = np.log10(live_macs(space, known))
    score = fit_zero_cost_score(space, known, 3 * macs).score(known, 3 * macs)
    assert np.median(score) == pytest.approx(0, abs=1e-9)
    low, high = np.quantile(score, [0.1587, 0.8413])
    assert (high - low) / 2 == pytest.approx(1, rel=1e-6)
    shuffled = rng.permutation(macs)
    apart = fit_zero_cost_score(space, known, shuffled).score(known, shuffled)
    assert np.std(apart) < 0.85 * np.std(score)  # the mean of two that do not agree


def test_score_has_no_ceiling_beyond_the_architectures_that_it_was_fitted_on():
    space = SPACES["fbnet"]
    known = alive(space, 100)
    score = fit_zero_cost_score(space, known, nwot_of(space, known))
    rows = space.decisions([max(known, key=lambda each: live_macs(space, [each])[0])])
    heavier = np.array([np.where(np.arange(22) < count, 7, rows[0]) for count in (14, 18, 22)])  # largest blocks
    scores = score.predict(space.from_decisions(heavier))
    assert score.predict(known).max() < scores[0] < scores[1] < scores[2]


@pytest.mark.parametrize("name", ["nb201", "fbnet", "nds_darts"])
def test_score_of_others_follows_from_enough_known_ones(name: str):
    space = SPACES[name]
    cells = alive(space, ENOUGH + 300)
    known, others = cells[:ENOUGH], cells[ENOUGH:]
    score = fit_zero_cost_score(space, known, nwot_of(space, known))
    truth = score.score(others, nwot_of(space, others))
    assert score.samples == ENOUGH
    assert spearmanr(score.predict(others), truth).statistic > 0.9  # type: ignore[attr-defined]
    np.testing.assert_allclose(score.predict(others)[:5], [score.predict([each])[0] for each in others[:5]])
    assert score.predict([]).shape == (0,)


def test_score_of_too_few_known_ones_is_refused():
    known = alive(SPACES["nb201"], FEWEST - 1)
    with pytest.raises(TooFewSamplesError):
        fit_zero_cost_score(SPACES["nb201"], known, np.arange(float(len(known))))


def test_score_of_equal_proxies_is_finite():
    known = alive(SPACES["nb201"], 40)
    assert np.isfinite(fit_zero_cost_score(SPACES["nb201"], known, np.full(40, 7.0)).predict(known)).all()

"""Joint draws of latencies: each as its own distribution says, together as the shared errors say."""

import numpy as np
import pytest

from predictors import fit_cost_linear
from predictors.base import LatencyEstimate
from spaces import SPACES

NB201 = SPACES["nb201"]


def estimate(shared=None, size=3):
    # Half widths of a standard normal would be a quantile function; twice that shows that it is used.
    from scipy.special import ndtri

    return LatencyEstimate(
        np.full(size, 50.0),
        np.full(size, 2.0),
        1.0,
        lambda level: float(2 * ndtri(0.5 + level / 2)),
        shared and (lambda: np.full((size, 1), shared)),
    )


def test_draws_fall_into_each_interval_as_often_as_it_says():
    drawn = estimate().draw(20_000, rng=np.random.default_rng(0))
    assert drawn.shape == (20_000, 3)
    for level in (0.5, 0.8, 0.95):
        lower, upper = estimate().interval(level)
        inside = ((drawn >= lower) & (drawn <= upper)).mean(axis=0)
        np.testing.assert_allclose(inside, level, atol=0.015)


@pytest.mark.parametrize(("shared", "correlation"), [(None, 0.0), (1.0, 0.25), (2.0, 1.0)])
def test_draws_go_together_as_the_shared_errors_say(shared, correlation):
    drawn = estimate(shared).draw(20_000, rng=np.random.default_rng(0))
    assert np.asarray(np.corrcoef(drawn.T))[0, 1] == pytest.approx(correlation, abs=0.03)
    assert drawn.std(axis=0) == pytest.approx(4.0, abs=0.15)


def test_draws_stay_above_the_floor_and_follow_the_seed():
    low = LatencyEstimate(np.array([1.5]), np.array([5.0]), 1.0, lambda level: 2 * level)
    first, again = (low.draw(50, rng=np.random.default_rng(3)) for _ in range(2))
    assert first.min() == 1.0
    np.testing.assert_array_equal(first, again)


def test_draws_of_a_fitted_model_have_its_intervals_and_common_errors():
    known = NB201.sample(12, rng=np.random.default_rng(0))
    macs = np.array([NB201.workload(each).macs for each in known])
    noisy = (5 + macs / 1e7) * np.random.default_rng(1).lognormal(0, 0.1, len(known))
    fitted = fit_cost_linear(NB201, known, noisy)
    twins = NB201.sample(200, rng=np.random.default_rng(5))
    found = fitted.predict(twins)
    drawn = found.draw(3_000, rng=np.random.default_rng(2))
    lower, upper = found.interval(0.8)
    assert ((drawn >= lower) & (drawn <= upper)).mean() == pytest.approx(0.8, abs=0.02)
    # Parts that all cells share make their errors go together.
    assert np.asarray(np.corrcoef(drawn.T))[np.triu_indices(200, 1)].mean() > 0.02

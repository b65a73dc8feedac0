import numpy as np
import pytest
from scipy import stats

from predictors.metrics import coverage, kendall, mean_ranks, relative_errors, spearman


def test_rank_correlations_of_known_orders():
    truth = np.array([1.0, 2.0, 3.0, 4.0])
    assert spearman(truth**3, truth) == pytest.approx(1.0)
    assert kendall(-truth, truth) == pytest.approx(-1.0)
    assert spearman(np.array([1.0, 3.0, 2.0, 4.0]), truth) == pytest.approx(0.8)
    assert kendall(np.array([1.0, 3.0, 2.0, 4.0]), truth) == pytest.approx(2 / 3)


def test_rank_correlation_of_equal_values_is_that_of_their_mean_ranks():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 6, size=(2, 40)).astype(float)
    np.testing.assert_array_equal(mean_ranks(first), stats.rankdata(first))
    assert spearman(first, second) == pytest.approx(stats.spearmanr(first, second)[0])


def test_rank_correlations_of_a_constant_are_zero():
    assert spearman(np.ones(4), np.arange(4.0)) == kendall(np.ones(4), np.arange(4.0)) == 0.0


def test_relative_errors_and_coverage():
    measured = np.array([1.0, 2.0, 4.0])
    np.testing.assert_allclose(relative_errors(np.array([1.1, 1.0, 4.0]), measured), [0.1, 0.5, 0.0])
    assert coverage(measured - 1, np.array([1.0, 1.9, 9.0]), measured) == pytest.approx(2 / 3)

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from predictors.bayesian_linear import PriorGrid, fit_bayesian_linear


def _samples(count, noise=0.1, dimension=4):
    rng = np.random.default_rng(7)
    features = rng.standard_normal((count, dimension))
    weights = np.array([1.0, -0.5, 0.25, 0.0])[:dimension]
    return features, features @ weights + noise * rng.standard_normal(count), weights


def _grid(variances, noises, groups=(0, 0, 0, 0)):
    return PriorGrid(groups, np.array(variances)[:, None], np.array(noises))


@pytest.mark.parametrize("count", [12, 400])
def test_fit_recovers_the_weights(count):
    features, targets, weights = _samples(count)
    posterior = fit_bayesian_linear(features, targets, _grid([0.1, 1.0], [0.001, 0.01, 0.1]))
    np.testing.assert_allclose(posterior.weights, weights, atol=4 * np.sqrt(np.diag(posterior.covariance)).max() + 0.02)
    assert posterior.noise_std == pytest.approx(0.1, rel=0.6)


def test_fit_one_grid_point_light_noise_equals_ridge():
    features, targets, _ = _samples(30, noise=1e-3)
    posterior = fit_bayesian_linear(features, targets, _grid([1.0], [0.5]))
    # Residuals far below the noise scale leave every sample with the weight (nu + 1) / nu.
    ridge = Ridge(alpha=0.5 * 4 / 5, fit_intercept=False).fit(features, targets)
    np.testing.assert_allclose(posterior.weights, ridge.coef_, rtol=1e-2, atol=1e-3)


def test_fit_few_and_many_samples_agree_where_both_apply(monkeypatch):
    features, targets, _ = _samples(40)
    grid = _grid([1.0], [0.01])
    few = fit_bayesian_linear(features, targets, grid)
    monkeypatch.setattr("predictors.bayesian_linear._MAX_EVIDENCE_SAMPLES", 39)
    many = fit_bayesian_linear(features, targets, grid)
    np.testing.assert_allclose(few.weights, many.weights, atol=0.02)
    # Many samples settle the noise themselves, so only the shape of the covariance is the same.
    shapes = [posterior.covariance / np.trace(posterior.covariance) for posterior in (few, many)]
    np.testing.assert_allclose(*shapes, atol=0.05)


def test_fit_outlier_moves_the_weights_less_than_least_squares():
    features, targets, weights = _samples(20)
    targets[3] += 10.0
    robust = fit_bayesian_linear(features, targets, _grid([1.0], [0.01, 0.1, 1.0])).weights
    least_squares = np.linalg.lstsq(features, targets, rcond=None)[0]
    assert np.abs(robust - weights).max() < 0.25 * np.abs(least_squares - weights).max()


def test_fit_covariance_is_positive_and_shrinks_with_samples():
    features, targets, _ = _samples(40)
    grid = _grid([0.1, 1.0], [0.001, 0.01, 0.1])
    few = fit_bayesian_linear(features[:8], targets[:8], grid).covariance
    more = fit_bayesian_linear(features, targets, grid).covariance
    assert np.linalg.eigvalsh(few).min() > 0
    assert np.linalg.eigvalsh(more).min() > 0
    assert np.trace(more) < np.trace(few)


def test_fit_leave_one_out_residuals_equal_refitting():
    features, targets, _ = _samples(10)
    grid = _grid([1.0], [0.25])
    residuals = fit_bayesian_linear(features, targets, grid).loo_residuals
    without = np.arange(10) != 4
    refit = fit_bayesian_linear(features[without], targets[without], grid)
    deviation = np.sqrt(features[4] @ refit.covariance @ features[4] + refit.noise_std**2)
    assert residuals[4] == pytest.approx((targets[4] - features[4] @ refit.weights) / deviation, abs=0.05)


def test_fit_evidence_switches_a_useless_group_off():
    rng = np.random.default_rng(1)
    features, targets, _ = _samples(30)
    useless = rng.standard_normal((30, 40))
    off_and_on = np.array([[1.0, 1e-6], [1.0, 1.0]])
    grid = PriorGrid([0] * 4 + [1] * 40, off_and_on, np.array([0.01]))
    posterior = fit_bayesian_linear(np.hstack([features, useless]), targets, grid)
    assert np.abs(posterior.weights[4:]).max() < 0.02


def test_left_out_log_density_prefers_the_columns_that_tell_the_targets():
    features, targets, _ = _samples(20)
    grid = _grid([0.1, 1.0], [0.001, 0.01, 0.1])
    right = fit_bayesian_linear(features, targets, grid)
    wrong = fit_bayesian_linear(features[::-1], targets, grid)
    assert right.left_out_log_density > wrong.left_out_log_density + 1


def test_left_out_log_density_is_in_units_of_the_targets_whatever_the_noise_scale():
    features, targets, _ = _samples(20)
    grid = _grid([1.0], [0.01])
    plain = fit_bayesian_linear(features, targets, grid)
    same = fit_bayesian_linear(features, targets, _grid([1.0], [0.0025]), np.full(20, 2.0))
    # Halving everything by the noise's scale leaves prior, noise and therefore density as they were.
    np.testing.assert_allclose(same.loo_scales, plain.loo_scales, rtol=0.2)

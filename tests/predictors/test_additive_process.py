"""The Gaussian process over groups of columns, against closed forms."""

import numpy as np
import pytest
from scipy.stats import t as student

from predictors.additive_process import Component, Linear, Matern, fit_additive_process

RNG = np.random.default_rng(0)
COLUMNS = RNG.standard_normal((40, 3))
NOISE = RNG.standard_normal((40, 3))
WEIGHTS = np.array([1.0, -0.5, 0.25])


def fitted(targets, groups=(COLUMNS, NOISE)):
    components = [Component(0, Linear(), 0.0), Component(1, Linear(), 0.0)]
    return fit_additive_process(groups, targets, components)


def test_process_learns_which_group_counts():
    process = fitted(COLUMNS @ WEIGHTS)
    assert process.variances[0] > 3 * process.variances[1]
    asked = np.random.default_rng(1).standard_normal((20, 3))
    mean, _ = process.predict([asked, np.zeros((20, 3))])
    np.testing.assert_allclose(mean, asked @ WEIGHTS, atol=0.15)


def test_process_is_the_ridge_of_its_variances():
    process = fitted(COLUMNS @ WEIGHTS)
    scaled = np.concatenate(
        [group * np.sqrt(v / 3) for group, v in zip((COLUMNS, NOISE), process.variances, strict=True)], axis=1
    )
    ridge = scaled @ np.linalg.solve(
        scaled.T @ scaled + (process.noise + 1e-6) * np.eye(6), scaled.T @ (COLUMNS @ WEIGHTS)
    )
    np.testing.assert_allclose(process.predict([COLUMNS, NOISE])[0], ridge, atol=1e-6)


def test_process_knows_less_away_from_its_samples():
    kernel = Matern.around(COLUMNS)
    process = fit_additive_process([COLUMNS], np.sin(COLUMNS[:, 0]), [Component(0, kernel, 0.0)])
    near, far = (process.predict([COLUMNS[:5] + shift])[1] for shift in (0.0, 100.0))
    assert (far > 1.5 * near).all()


def test_process_that_its_samples_surprise_widens_its_intervals():
    # What is left out cannot be told from the rest here, whatever the variances.
    wild = np.random.default_rng(3).standard_t(1.1, 40)
    calm = fitted(COLUMNS @ WEIGHTS)
    surprised = fitted(wild / np.median(np.abs(wild)))
    assert surprised.calibration > 1.2 > calm.calibration


def test_calibration_comes_from_classes_that_are_left_out_whole():
    rng = np.random.default_rng(4)
    twice, targets = np.concatenate([COLUMNS, COLUMNS[:15]]), rng.standard_normal(40)
    targets = np.concatenate([targets, targets[:15]])
    classes = [*range(40), *range(15)]
    components = [Component(0, Matern.around(COLUMNS), 0.0)]
    process = fit_additive_process([twice], targets, components, classes)
    covariance = process.variances[0] * components[0].kernel(twice, twice) + (process.noise + 1e-6) * np.eye(55)
    squares = 0.0
    for name in set(classes):
        own = np.array(classes) == name
        gain = covariance[np.ix_(own, ~own)] @ np.linalg.inv(covariance[np.ix_(~own, ~own)])
        residuals = targets[own] - gain @ targets[~own]
        spread = covariance[np.ix_(own, own)] - gain @ covariance[np.ix_(~own, own)]
        squares += residuals @ np.linalg.solve(spread, residuals)
    assert process.calibration == pytest.approx(np.sqrt((squares + 8) / (55 + 8)), rel=1e-3)
    # One by one, each twin is told by the other.
    assert process.calibration > 1.02 * fit_additive_process([twice], targets, components).calibration


@pytest.mark.parametrize("kernel", [Linear(), Matern(2.0)])
def test_diagonal_is_each_row_with_itself(kernel):
    np.testing.assert_allclose(kernel.diagonal(COLUMNS), np.diagonal(kernel(COLUMNS, COLUMNS)))


@pytest.mark.parametrize(("count", "degrees"), [(40, 37), (4, 2)])
def test_half_width_counts_what_the_variances_cost(count, degrees):
    process = fitted((COLUMNS @ WEIGHTS)[:count], (COLUMNS[:count], NOISE[:count]))
    assert process.half_width(0.9) == pytest.approx(student.ppf(0.95, degrees))

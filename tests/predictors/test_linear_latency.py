import numpy as np
import pytest
from scipy import stats

from predictors.linear_latency import half_width

RESIDUALS = np.linspace(0.05, 0.95, 10)


def test_half_width_without_the_shape_is_the_quantile_of_the_residuals():
    assert half_width(0.5, RESIDUALS, 10, 0.0) == pytest.approx(np.quantile(RESIDUALS, 0.5, method="hazen"))


def test_half_width_with_much_of_the_shape_is_the_quantile_of_student_t():
    for level in (0.5, 0.8, 0.9):
        assert half_width(level, RESIDUALS, 10, 1e6) == pytest.approx(stats.t.ppf(0.5 + level / 2, 4), rel=0.02)


def test_half_width_counts_kept_residuals_as_the_samples_they_stand_for():
    few, many = half_width(0.5, RESIDUALS, 10, 10.0), half_width(0.5, RESIDUALS, 1000, 10.0)
    alone = half_width(0.5, RESIDUALS, 10, 0.0)
    assert alone < many < few
    assert many == pytest.approx(alone, rel=0.1)


def test_half_width_beyond_the_last_residual_goes_on_as_student_t():
    widest = half_width(0.95, RESIDUALS, 10, 0.0)
    ratio = half_width(0.999, RESIDUALS, 10, 0.0) / widest
    assert ratio == pytest.approx(stats.t.ppf(0.9995, 4) / stats.t.ppf(0.975, 4), rel=1e-6)


def test_half_width_is_larger_for_a_higher_level():
    widths = [half_width(level, RESIDUALS, 10, 2.5) for level in np.linspace(0.01, 0.999, 50)]
    assert (np.diff(widths) > 0).all()

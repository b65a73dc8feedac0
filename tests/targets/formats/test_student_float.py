"""Student Float's levels and the fit of its degrees of freedom."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.formats import fit_nu, mean_squared_error, normal_float, parse_format, student_float


@given(st.integers(2, 8), st.floats(0.5, 1000))
def test_student_float_levels_ascend_from_minus_one_to_one_through_zero(bits, nu):
    levels = student_float(bits, nu)
    assert levels.shape == (2**bits,)
    assert (np.diff(levels) > 0).all()
    assert (levels[0], levels[2 ** (bits - 1) - 1], levels[-1]) == (-1.0, 0.0, 1.0)


def test_student_float_of_five_degrees_equals_the_paper():
    expected = [-1, -0.627781, -0.454736, -0.334331, -0.237434, -0.152899, -0.074982, 0]
    expected += [0.065513, 0.132965, 0.204661, 0.283835, 0.375805, 0.491076, 0.656781, 1]
    np.testing.assert_allclose(student_float(4, 5), expected, atol=5e-7)


def test_student_float_many_degrees_become_normal_float():
    np.testing.assert_allclose(student_float(4, 1e7), normal_float(4), atol=1e-6)


@pytest.mark.parametrize(("bits", "nu"), [(1, 5), (4, 0), (4, -1), (4, math.nan)])
def test_student_float_senseless_parameters_are_refused(bits, nu):
    with pytest.raises(ValueError, match="at least 2 bits and nu above 0"):
        student_float(bits, nu)


@pytest.mark.parametrize("nu", [2.5, 5.0, 9.0])
def test_fit_nu_finds_the_degrees_that_made_the_values(nu):
    values = 0.02 * np.random.default_rng(0).standard_t(nu, (200, 500))
    assert fit_nu(values) == pytest.approx(nu, rel=0.06)
    assert fit_nu(values * 1e4) == pytest.approx(fit_nu(values), rel=1e-3)


def test_fit_nu_normal_values_get_many_degrees():
    assert fit_nu(np.random.default_rng(0).normal(size=100_000)) > 50


def test_fit_nu_format_of_the_fit_beats_normal_float_on_heavy_tails():
    values = np.random.default_rng(0).standard_t(3, (64, 1024))

    def error(name):
        return mean_squared_error(values, parse_format(name).quantise(values).dequantise())

    assert error(f"sf4({fit_nu(values):.2f})") < error("nf4")


@pytest.mark.parametrize("values", [np.zeros(10), np.array([1.0]), np.array([])])
def test_fit_nu_too_few_values_are_refused(values):
    with pytest.raises(ValueError, match="fewer than two values"):
        fit_nu(values)

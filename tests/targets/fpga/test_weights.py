from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.fpga.errors import InvalidCircuitError
from targets.fpga.weights import checked_weights, csd_digits, popcount, seeded_weights, signed_digits


@pytest.mark.parametrize(
    ("size", "sparsity", "zeros"), [(100, 0.29, 29), (10, 0.7, 7), (7, 0.5, 3), (5, 0, 0), (4, 1, 4)]
)
def test_seeded_weights_has_exactly_the_zeros_asked_for(size, sparsity, zeros):
    weights = seeded_weights((size,), bits=8, sparsity=sparsity, rng=np.random.default_rng(1))
    assert (weights == 0).sum() == zeros


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_seeded_weights_take_every_value_of_the_width_but_zero(bits):
    weights = seeded_weights((4000,), bits=bits, sparsity=0, rng=np.random.default_rng(1))
    assert set(weights.tolist()) == set(range(-(2 ** (bits - 1)), 2 ** (bits - 1))) - {0}


def test_seeded_weights_of_one_generator_differ_between_calls():
    rng = np.random.default_rng(1)
    first, second = (seeded_weights((64,), bits=8, sparsity=0, rng=rng) for _ in range(2))
    assert (first != second).any()


@given(st.integers(-(2**20), 2**20))
def test_signed_digits_sum_to_the_value_and_are_never_adjacent(value):
    digits = signed_digits(value)
    assert sum(digit << exponent for exponent, digit in digits) == value
    exponents = [exponent for exponent, _ in digits]
    assert all(later - earlier > 1 for earlier, later in pairwise(exponents))
    assert len(digits) == csd_digits(np.array([value]))
    assert len(digits) <= max(popcount(np.array([value])), 1)


def test_popcount_counts_ones_of_magnitudes():
    assert popcount(np.array([-7, 7, 8, 0])) == 7


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        ([[1, 2]], "shape"),
        ([1.5, 0.0], "integers"),
        ([float("nan"), 0.0], "integers"),
        ([8, 0], "from -8 to 7"),
        (["a", "b"], "integers"),
    ],
)
def test_checked_weights_that_no_circuit_can_hold_are_refused(weights, reason):
    with pytest.raises(InvalidCircuitError, match=reason):
        checked_weights(weights, shape=(2,), bits=4)


def test_checked_weights_of_a_quantised_real_tensor_are_its_integers():
    assert checked_weights(np.array([-8.0, 7.0], np.float32), shape=(2,), bits=4).tolist() == [-8, 7]

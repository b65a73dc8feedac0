import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arch_encodings import ENCODERS, Normalizer, OneHot, fit_normalizer
from spaces import get_space

NB201 = get_space("nb201")
COST = ENCODERS["cost"]
CELLS = list(NB201.enumerate())
TRAINING = CELLS[::500]


def test_normalizer_gives_training_architectures_mean_0_and_deviation_1_or_0():
    normalized = fit_normalizer(COST, NB201, TRAINING).apply(COST.encode(NB201, TRAINING))
    np.testing.assert_allclose(normalized.mean(axis=0), 0, atol=1e-9)
    deviations = normalized.std(axis=0)
    is_constant = np.ptp(COST.encode(NB201, TRAINING), axis=0) == 0
    assert is_constant.any()
    np.testing.assert_allclose(deviations, np.where(is_constant, 0, 1), atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_normalizer_does_not_move_with_the_test_architectures(seed):
    """Whatever is tested and however much of it: the same statistics, and the same row for the same architecture."""
    normalizer = fit_normalizer(COST, NB201, TRAINING)
    tested = NB201.sample(20, rng=np.random.default_rng(seed))
    normalized = normalizer.apply(COST.encode(NB201, [*tested, CELLS[7]]))
    assert fit_normalizer(COST, NB201, TRAINING) == normalizer
    np.testing.assert_array_equal(normalized[-1:], normalizer.apply(COST.encode(NB201, [CELLS[7]])))
    assert fit_normalizer(COST, NB201, [*TRAINING, CELLS[7]]) != normalizer


def test_normalizer_of_a_column_constant_in_training_leaves_its_unit():
    one_hot = ENCODERS["one_hot"]
    normalizer = fit_normalizer(one_hot, NB201, CELLS[:1])
    first, other = normalizer.apply(one_hot.encode(NB201, [CELLS[0], CELLS[-1]]))
    assert not first.any()
    assert set(other) == {-1.0, 0.0, 1.0}


def test_normalizer_takes_a_column_that_varies_by_rounding_for_constant():
    class Rounded(OneHot):
        def encode(self, space, architectures):
            return 1e6 * (1 + np.array([[1e-16], [0.0], [2e-16]]))[: len(architectures)]

        def feature_names(self, space):
            return ("nearly_constant",)

    assert fit_normalizer(Rounded(), NB201, CELLS[:3]).deviations == (1.0,)


@pytest.mark.parametrize("name", ["cost", "one_hot", "arch2vec"])
def test_normalizer_in_json_is_the_same_to_the_last_bit(name):
    normalizer = fit_normalizer(ENCODERS[name], NB201, TRAINING)
    assert Normalizer.from_json(normalizer.to_json()) == normalizer
    assert (normalizer.encoder, normalizer.space) == (name, "nb201")


def test_normalizer_in_json_that_lacks_a_number_is_refused():
    text = fit_normalizer(ENCODERS["one_hot"], NB201, CELLS[:1]).to_json().replace('"means": [', '"means": [1.0, ')
    with pytest.raises(ValueError, match="for each column"):
        Normalizer.from_json(text)


def test_normalizer_without_training_or_for_other_columns_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        fit_normalizer(COST, NB201, [])
    with pytest.raises(ValueError, match="expected"):
        fit_normalizer(COST, NB201, TRAINING).apply(np.zeros((1, 2)))

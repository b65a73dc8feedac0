"""Normal scores of accuracies, which often are equal."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import rankdata

from predictors.normal_scores import normal_scores


@given(st.lists(st.integers(80, 90), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_normal_scores_of_equals_are_equal_in_any_order_of_the_rows(values, random):
    accuracy = np.array(values, dtype=np.float64)
    order = list(range(len(values)))
    random.shuffle(order)
    scores = normal_scores(accuracy)
    np.testing.assert_array_equal(normal_scores(accuracy[order]), scores[order])
    np.testing.assert_allclose(scores, ndtri((rankdata(accuracy) - 0.5) / len(accuracy)))

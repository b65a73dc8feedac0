"""Exchanges and the certainty of a front against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from search.explain import exchanges, non_dominated_share

FRONTS = hnp.arrays(np.float64, st.tuples(st.integers(1, 8), st.just(2)), elements=st.integers(0, 6).map(float))


@given(FRONTS)
def test_exchanges_lead_to_the_nearest_member_that_is_better(values):
    maximise = (True, False)
    found = exchanges(("accuracy", "latency_ms"), values, maximise)
    assert len(found) == len(values)
    spread = np.where(np.ptp(values, axis=0) > 0, np.ptp(values, axis=0), 1.0)
    for here, of_member in enumerate(found):
        for column, (name, sign) in enumerate((("accuracy", -1), ("latency_ms", 1))):
            better = [row for row in range(len(values)) if sign * values[row, column] < sign * values[here, column]]
            (exchange,) = [each for each in of_member if each.objective == name] or [None]
            assert (exchange is None) == (not better)
            if exchange is not None:
                distance = np.abs((values - values[here]) / spread).sum(axis=1)
                assert exchange.to in better
                assert distance[exchange.to] == pytest.approx(min(distance[row] for row in better))
                assert list(exchange.changes.values()) == (values[exchange.to] - values[here]).tolist()


def test_exchanges_of_no_front_are_none():
    assert exchanges(("a",), np.empty((0, 1)), (False,)) == []


def test_share_of_members_that_never_change_is_whether_they_are_dominated():
    values = np.array([[90.0, 5.0], [80.0, 4.0], [80.0, 6.0]])
    shares = non_dominated_share(np.repeat(values[None], 5, axis=0), (True, False))
    assert shares.tolist() == [1.0, 1.0, 0.0]


def test_share_counts_the_draws_in_which_another_member_wins():
    rng = np.random.default_rng(0)
    draws = np.empty((4_000, 2, 2))
    draws[:, :, 0] = [90.0, 80.0]
    draws[:, :, 1] = np.array([5.0, 4.0]) + rng.standard_normal((4_000, 2))
    sure, unsure = non_dominated_share(draws, (True, False))
    assert sure == 1.0  # nobody is more accurate
    assert unsure == pytest.approx(0.760, abs=0.03)  # P(N(1, 2) > 0)

"""Non-dominated set and hypervolume against their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from search.pareto import hypervolume, non_dominated

# Small integers make ties and duplicates likely.
points = st.tuples(st.integers(0, 25), st.integers(1, 5)).flatmap(
    lambda shape: hnp.arrays(np.float64, shape, elements=st.integers(0, 4).map(float))
)


@settings(deadline=None)
@given(points, st.data())
def test_non_dominated_any_points_equals_definition(points, data):
    maximise = data.draw(st.lists(st.booleans(), min_size=points.shape[1], max_size=points.shape[1]))
    costs = np.where(maximise, -1, 1) * points
    expected = [not any((q <= p).all() and (q < p).any() for q in costs) for p in costs]
    assert non_dominated(points, maximise).tolist() == expected


@settings(deadline=None)
@given(points)
def test_hypervolume_integer_points_equals_dominated_unit_boxes(points):
    dimensions = points.shape[1]
    boxes = np.indices((4,) * dimensions).reshape(dimensions, -1).T
    expected = (points[:, None] <= boxes).all(axis=2).any(axis=0).sum()
    assert hypervolume(points, np.full(dimensions, 4.0)) == pytest.approx(expected)


def test_hypervolume_maximised_objective_counts_from_below():
    assert hypervolume(np.array([[3.0, 1.0]]), np.array([0.0, 5.0]), maximise=[True, False]) == pytest.approx(12.0)


def test_hypervolume_point_beyond_reference_adds_nothing():
    assert hypervolume(np.array([[0.5, 2.0], [0.5, 0.5]]), np.array([1.0, 1.0])) == pytest.approx(0.25)

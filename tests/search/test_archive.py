"""The archive does not depend on how the evaluations are cut into batches."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from search import Constraint, Problem
from search.archive import Archive

values = hnp.arrays(np.float64, (60, 2), elements=st.sampled_from([0.0, 1.0, 2.0, 3.0, 4.0, np.nan, np.inf]))


@settings(deadline=None)
@given(values, st.lists(st.integers(0, 60), max_size=5), st.integers(-1, 4))
def test_add_in_any_batches_equals_all_at_once(digits, make_objective, values, cuts, limit):
    objectives = {name: make_objective(name, "min", column) for name, column in zip("ab", values.T, strict=True)}
    problem = Problem(digits, objectives, (Constraint("a", max=limit),))
    architectures = list(digits.enumerate())
    whole, parts = Archive(problem), Archive(problem)
    whole.add(architectures, values)
    edges = [0, *sorted(cuts), 60]
    for start, stop in pairwise(edges):
        parts.add(architectures[start:stop], values[start:stop])
    assert parts.front() == whole.front()
    assert parts.best_reachable == whole.best_reachable
    assert parts.nearest == whole.nearest
    assert parts.failed == whole.failed


@settings(deadline=None)
@given(values, st.integers(-1, 4))
def test_front_any_values_equals_definition(digits, make_objective, values, limit):
    objectives = {"a": make_objective("a", "min", values[:, 0]), "b": make_objective("b", "max", values[:, 1])}
    problem = Problem(digits, objectives, (Constraint("a", max=limit),))
    archive = Archive(problem)
    architectures = list(digits.enumerate())
    archive.add(architectures, values)
    usable = [row for row in range(60) if np.isfinite(values[row]).all() and values[row, 0] <= limit]
    costs = values * [1, -1]
    expected = {
        architectures[row]
        for row in usable
        if not any((costs[other] <= costs[row]).all() and (costs[other] < costs[row]).any() for other in usable)
    }
    front = [candidate.architecture for candidate in archive.front()]
    assert set(front) == expected
    assert len(front) == len(expected)


def test_front_order_is_first_objective_then_next_then_key(digits, make_objective):
    a, b = np.full(60, 9.0), np.full(60, 9.0)
    a[:4], b[:4] = [2, 1, 1, 2], [1, 5, 5, 1]
    problem = Problem(digits, {"a": make_objective("a", "max", a * -1), "b": make_objective("b", "min", b)})
    archive = Archive(problem)
    archive.add(list(digits.enumerate())[::-1], np.column_stack([a * -1, b])[::-1])
    assert [str(candidate.architecture) for candidate in archive.front()] == ["001", "002", "000", "003"]

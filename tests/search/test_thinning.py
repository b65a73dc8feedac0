import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from search import Objective, Problem, run
from search.thinning import fill_gaps, least_crowded


@given(st.integers(0, 60), st.integers(2, 4), st.integers(8, 30), st.integers(0, 5))
def test_least_crowded_keeps_the_extremes_of_every_objective(size, objectives, count, seed):
    costs = np.random.default_rng(seed).random((size, objectives))
    kept = least_crowded(costs, count)
    assert len(kept) == min(size, count)
    assert sorted(set(kept.tolist())) == kept.tolist()
    if size:
        assert (costs[kept].min(axis=0) == costs.min(axis=0)).all()


def test_least_crowded_leaves_out_where_points_are_dense():
    dense = np.linspace(0.5, 0.51, 50)
    first = np.concatenate([np.linspace(0, 0.45, 10), dense, np.linspace(0.55, 1, 10)])
    kept = least_crowded(np.column_stack([first, 1 - first]), 25)
    assert np.isin(first, dense)[kept].sum() <= 7


def test_run_returns_and_reports_no_more_than_the_largest_front(digits):
    def total(batch):
        return digits.decisions(batch).sum(axis=1) + np.array([int(a.key) for a in batch]) / 1e6

    problem = Problem(
        digits, {"a": Objective("a", "min", total), "b": Objective("b", "min", lambda batch: -total(batch))}
    )
    reported = []

    def report(progress):
        reported.append(len(progress.front))
        return False

    whole = run(problem, rng=np.random.default_rng(0))
    result = run(
        problem,
        rng=np.random.default_rng(0),
        on_progress=report,
        largest_front=10,
    )
    assert (len(whole.front), whole.front_size) == (60, 60)
    assert (len(result.front), result.front_size) == (10, 60)
    assert max(reported) == 10
    assert (result.front[0], result.front[-1]) == (whole.front[0], whole.front[-1])
    assert {str(member.architecture) for member in result.front} < {str(member.architecture) for member in whole.front}


@given(st.integers(1, 30), st.integers(1, 3), st.integers(0, 10), st.integers(0, 5))
def test_fill_gaps_takes_what_is_farthest_from_everything_taken(size, objectives, taken, seed):
    rng = np.random.default_rng(seed)
    costs, others = rng.random((size, objectives)), rng.random((taken, objectives))
    chosen = fill_gaps(costs, others, size).tolist()
    assert sorted(chosen) == list(range(size))
    spread = np.ptp(costs, axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    if taken:
        distances = np.linalg.norm((costs[:, None] - others) / scale, axis=2).min(axis=1)
        np.testing.assert_allclose(distances[chosen[0]], distances.max())
    left = np.concatenate([others, costs[chosen[:3]]])
    if len(chosen) > 3:
        distances = np.linalg.norm((costs[:, None] - left) / scale, axis=2).min(axis=1)
        np.testing.assert_allclose(distances[chosen[3]], distances.max())

"""Limits surely out of reach are known before the search, with the best value there is; no other is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import Budget, Constraint, Objective, Problem, run
from search.reach import nowhere_met, out_of_reach, starts_within
from spaces import SPACES

FBNET = SPACES["fbnet"]
WEIGHTS = np.random.default_rng(0).random((2, len(FBNET.choices), 9))
DIGITS = (3, 4, 5)


def total(weights, asked):
    def evaluate(batch):
        asked.extend(batch)
        rows = FBNET.decisions(batch)
        return weights[np.arange(rows.shape[1]), rows].sum(axis=1)

    return evaluate


def least(weights):
    return sum(row[: len(names)].min() for row, names in zip(weights, FBNET.choices, strict=True))


def make_problem(asked, *constraints, is_additive=True):
    objectives = {
        name: Objective(name, "min", total(weights, asked), is_additive=is_additive)
        for name, weights in zip("ab", WEIGHTS, strict=True)
    }
    return Problem(FBNET, objectives, constraints)


@pytest.mark.parametrize("share", [0.5, 1 - 1e-6])
def test_limit_below_every_sum_is_out_of_reach_with_the_best_value(share):
    asked = []
    best = least(WEIGHTS[0])
    missed = out_of_reach(make_problem(asked, Constraint("a", max=share * best), Constraint("b", max=1e9)))
    assert missed is not None
    assert missed.best_reachable == {"a": pytest.approx(best)}
    assert len(asked) < 400


def test_limit_at_the_best_sum_is_within_reach():
    assert out_of_reach(make_problem([], Constraint("a", max=least(WEIGHTS[0])))) is None


def test_limit_below_everything_that_was_seen_is_not_refused_where_nothing_is_known_of_the_metric():
    tight = Constraint("a", max=0.5 * least(WEIGHTS[0]))
    assert out_of_reach(make_problem([], tight, is_additive=False)) is None


@given(
    weights=st.lists(st.floats(-9, 9), min_size=sum(DIGITS), max_size=sum(DIGITS)),
    ends=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    margin=st.sampled_from([-1e-3, 0.0, 1e-3]),
    kind=st.sampled_from(["max", "min", "both"]),
)
def test_limit_is_refused_exactly_where_the_sums_of_all_architectures_leave_it(digits, weights, ends, margin, kind):
    parts = np.split(np.array(weights), np.cumsum(DIGITS)[:-1])

    def sums(batch):
        rows = digits.decisions(batch)
        return np.sum([part[rows[:, position]] for position, part in enumerate(parts)], axis=0)

    every = sums(list(digits.enumerate()))
    spread = np.ptp(every)
    lower, upper = (every.min() + (1.2 * end - 0.1) * spread + margin for end in sorted(ends))
    limits = {"max": {"max": lower}, "min": {"min": upper}, "both": {"min": lower, "max": upper}}[kind]
    constraint = Constraint("sum", **limits)
    problem = Problem(digits, {"sum": Objective("sum", "min", sums, is_additive=True)}, (constraint,))
    missed = out_of_reach(problem)
    rounding = 1e-8 * (1 + np.abs(every).max())
    above = every.min() - constraint.max if constraint.max is not None else -np.inf
    below = constraint.min - every.max() if constraint.min is not None else -np.inf
    if missed is not None:
        assert not constraint.is_met(every).any()
        end = every.min() if above > 0 else every.max()
        assert missed.best_reachable == {"sum": pytest.approx(end)}
    else:
        assert max(above, below) <= rounding


def test_limits_that_chance_meets_cost_one_batch_and_change_no_start():
    asked = []
    problem = make_problem(asked, Constraint("a", max=1e9), Constraint("b", min=-1e9))
    assert starts_within(problem, Budget(4_000), rng=np.random.default_rng(0)) == []
    assert len(asked) <= 128


@pytest.mark.parametrize("is_additive", [True, False])
def test_search_finds_what_meets_a_limit_hardly_above_the_best_value(is_additive):
    problem = make_problem([], Constraint("a", max=1.001 * least(WEIGHTS[0])), is_additive=is_additive)
    budget = Budget(evaluations=300)
    assert not run(problem, "random", budget, rng=np.random.default_rng(0)).feasible
    starts = starts_within(problem, Budget(4_000), rng=np.random.default_rng(0))
    found = run(problem, "nsga2", budget, rng=np.random.default_rng(0), initial=starts)
    assert found.feasible
    assert starts == starts_within(problem, Budget(4_000), rng=np.random.default_rng(0))


def test_starts_are_none_where_time_ended_them_or_a_metric_is_costly():
    tight = Constraint("a", max=0.0)
    assert starts_within(make_problem([], tight), Budget(4_000, 1e-6), rng=np.random.default_rng(0)) == []
    asked = []
    costly = Objective("a", "min", total(WEIGHTS[0], asked), lambda known, values: total(WEIGHTS[0], []))
    assert starts_within(Problem(FBNET, {"a": costly}, (tight,)), Budget(4_000), rng=np.random.default_rng(0)) == []
    assert asked == []


def test_approach_to_a_limit_ends_when_it_is_to_stop():
    asked = []
    problem = make_problem(asked, Constraint("a", max=0.0))
    starts_within(problem, Budget(4_000), rng=np.random.default_rng(0), is_to_stop=lambda: True)
    assert len(asked) <= 64


def test_limits_that_a_listed_space_meets_nowhere_together_are_told_without_its_objectives(digits):
    def broken(batch):
        raise AssertionError("evaluated an objective")

    def of_digits(batch):
        return digits.decisions(batch).sum(axis=1).astype(float)

    metrics = {
        "sum": Objective("sum", "min", of_digits),
        "room": Objective("room", "max", lambda batch: 9 - of_digits(batch)),
    }
    problem = Problem(
        digits,
        {"accuracy": Objective("accuracy", "max", broken)},
        (Constraint("sum", min=8.0), Constraint("room", min=4.0)),
        metrics,
    )
    missed = nowhere_met(problem, rng=np.random.default_rng(0))
    assert missed is not None
    assert (missed.complete, missed.best_beside_others) == (True, {"sum": 5.0, "room": 1.0})
    within = Problem(digits, problem.objectives, problem.constraints[:1], metrics)
    assert nowhere_met(within, rng=np.random.default_rng(0)) is None

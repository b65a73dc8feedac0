"""Limits out of reach are known before the search, with the best value there is."""

import numpy as np
import pytest

from search import Budget, Constraint, Objective, Problem
from search.reach import nowhere_met, out_of_reach
from spaces import SPACES

FBNET = SPACES["fbnet"]
WEIGHTS = np.random.default_rng(0).random((2, len(FBNET.choices), 9))


def total(weights, asked):
    def evaluate(batch):
        asked.extend(batch)
        rows = FBNET.decisions(batch)
        return weights[np.arange(rows.shape[1]), rows].sum(axis=1)

    return evaluate


def least(weights):
    return sum(row[: len(names)].min() for row, names in zip(weights, FBNET.choices, strict=True))


def make_problem(asked, *constraints):
    objectives = {
        name: Objective(name, "min", total(weights, asked)) for name, weights in zip("ab", WEIGHTS, strict=True)
    }
    return Problem(FBNET, objectives, constraints)


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_limit_below_every_architecture_is_out_of_reach_with_the_best_value(share):
    best = least(WEIGHTS[0])
    missed = out_of_reach(
        make_problem([], Constraint("a", max=share * best), Constraint("b", max=1e9)),
        Budget(evaluations=4_000),
        rng=np.random.default_rng(0),
    )
    assert missed is not None
    assert missed.best_reachable == {"a": pytest.approx(best)}


def test_limit_that_few_architectures_meet_is_within_reach():
    tight = 1.02 * least(WEIGHTS[0])
    assert (
        out_of_reach(make_problem([], Constraint("a", max=tight)), Budget(4_000), rng=np.random.default_rng(0)) is None
    )


def test_limits_that_chance_meets_cost_one_batch():
    asked = []
    problem = make_problem(asked, Constraint("a", max=1e9), Constraint("b", min=-1e9))
    assert out_of_reach(problem, Budget(4_000), rng=np.random.default_rng(0)) is None
    assert len(asked) <= 64


def test_approach_to_a_limit_ends_when_it_is_to_stop():
    asked = []
    problem = make_problem(asked, Constraint("a", max=0.0))
    assert out_of_reach(problem, Budget(4_000), rng=np.random.default_rng(0), is_to_stop=lambda: True) is None
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

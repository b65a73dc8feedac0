"""`search.run` as callers see it: budgets, cancelling, limits that cannot be met, failed evaluations."""

import time

import numpy as np
import pytest

from search import (
    ALGORITHMS,
    AUTO,
    Budget,
    Constraint,
    InvalidBudgetError,
    Objective,
    Problem,
    UnknownAlgorithmError,
    choose_algorithm,
    run,
)
from spaces.errors import NotEnumerableError


@pytest.fixture
def problem(digits, make_objective):
    rng = np.random.default_rng(7)
    return Problem(
        digits,
        {
            "accuracy": make_objective("accuracy", "max", rng.random(60)),
            "latency_ms": make_objective("latency_ms", "min", 1 + rng.random(60)),
        },
    )


def sum_of_digits(space):
    return lambda batch: space.decisions(batch).sum(axis=1).astype(float)


def test_exhaustive_whole_space_is_exact_and_complete(problem):
    result = run(problem, rng=np.random.default_rng(0))
    assert (result.algorithm, result.complete, result.stopped_by) == ("exhaustive", True, "space")
    assert result.evaluations == 60
    assert run(problem, rng=np.random.default_rng(1)).front == result.front


def test_exhaustive_small_budget_is_a_seeded_sample_of_the_space(problem):
    first, again, other = (
        run(problem, "exhaustive", Budget(evaluations=20), rng=np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert (first.evaluations, first.complete, first.stopped_by) == (20, False, "evaluations")
    assert first.front == again.front
    asked = problem.objectives["accuracy"].evaluate.asked
    assert set(asked[:20]) == set(asked[20:40]) != set(asked[40:])
    assert len(other.front) > 0


def test_exhaustive_space_too_large_is_refused(wide_digits):
    problem = Problem(wide_digits, {"sum": Objective("sum", "min", sum_of_digits(wide_digits))})
    with pytest.raises(NotEnumerableError):
        run(problem, "exhaustive", rng=np.random.default_rng(0))


def test_auto_chooses_by_space_and_budget(problem, wide_digits):
    wide = Problem(wide_digits, {"sum": Objective("sum", "min", sum_of_digits(wide_digits))})
    assert choose_algorithm(problem, Budget()) == "exhaustive"
    assert choose_algorithm(problem, Budget(seconds=1)) == "exhaustive"
    assert choose_algorithm(problem, Budget(evaluations=60)) == "exhaustive"
    assert choose_algorithm(problem, Budget(evaluations=59)) == "predictor_guided"
    assert choose_algorithm(wide, Budget()) == "nsga2"


def test_run_cap_ends_a_run_whose_budget_names_another_limit(problem, wide_digits):
    wide = Problem(wide_digits, {"sum": Objective("sum", "min", sum_of_digits(wide_digits))})
    rng = np.random.default_rng(0)
    result = run(wide, budget=Budget(seconds=60), rng=rng, cap=Budget(evaluations=300))
    assert (result.evaluations, result.stopped_by) == (300, "evaluations")
    result = run(wide, "random", Budget(evaluations=10**9), rng=rng, cap=Budget(seconds=0.1))
    assert result.stopped_by == "seconds"
    assert result.seconds < 5


def test_run_cap_is_no_budget_to_be_spent(wide_digits):
    wide = Problem(wide_digits, {"sum": Objective("sum", "min", sum_of_digits(wide_digits))})
    result = run(wide, rng=np.random.default_rng(0), cap=Budget(evaluations=100_000, seconds=60))
    assert result.evaluations == 5_000


def test_auto_searches_a_space_that_the_cap_does_not_cover(problem):
    result = run(problem, rng=np.random.default_rng(0), cap=Budget(evaluations=59))
    assert (result.algorithm, result.complete) == ("predictor_guided", False)


def test_run_unknown_algorithm_names_the_known_ones(problem):
    with pytest.raises(UnknownAlgorithmError, match=f"'hillclimb'; known: {AUTO}, {', '.join(ALGORITHMS)}"):
        run(problem, "hillclimb", rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"evaluations": 0}, "evaluations"),
        ({"seconds": 0.0}, "seconds"),
        ({"seconds": -1}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
        ({"seconds": float("inf")}, "seconds"),
    ],
)
def test_budget_limit_not_positive_is_refused(limits, field):
    with pytest.raises(InvalidBudgetError, match=field):
        Budget(**limits)


def test_run_time_budget_ends_slow_evaluations_in_time(wide_digits):
    def slow(batch):
        time.sleep(0.001 * len(batch))
        return np.zeros(len(batch))

    problem = Problem(wide_digits, {"slow": Objective("slow", "min", slow)})
    result = run(problem, "random", Budget(seconds=0.3), rng=np.random.default_rng(0))
    assert result.stopped_by == "seconds"
    # A whole batch of the largest size would take four seconds.
    assert 0.3 <= result.seconds < 1.0


def test_run_cancelled_stops_at_once_with_the_front_so_far(wide_digits):
    problem = Problem(wide_digits, {"sum": Objective("sum", "min", sum_of_digits(wide_digits))})
    seen = []

    def stop_after_three(progress):
        seen.append(progress)
        return len(seen) == 3

    result = run(problem, rng=np.random.default_rng(0), on_progress=stop_after_three)
    assert result.stopped_by == "cancelled"
    assert len(seen) == 3
    assert result.front == seen[-1].front
    assert result.evaluations == seen[-1].evaluations < seen[-1].limit == 5_000
    assert [progress.evaluations for progress in seen] == sorted(progress.evaluations for progress in seen)


def test_run_constraint_on_metric_that_is_no_objective_is_met(digits, problem):
    memory = Objective("memory_mb", "min", sum_of_digits(digits))
    limited = Problem(digits, problem.objectives, (Constraint("memory_mb", max=3.0),), {"memory_mb": memory})
    result = run(limited, rng=np.random.default_rng(0))
    assert result.feasible
    assert all(candidate.values["memory_mb"] <= 3.0 for candidate in result.front)
    assert set(result.front[0].values) == {"accuracy", "latency_ms", "memory_mb"}
    assert result.best_reachable == {"memory_mb": 0.0}


def test_run_limit_out_of_reach_says_what_could_be_had(digits, problem):
    latency = problem.objectives["latency_ms"].evaluate.values
    limited = Problem(digits, problem.objectives, (Constraint("latency_ms", max=0.5),))
    result = run(limited, rng=np.random.default_rng(0))
    assert not result.feasible
    assert result.front == ()
    assert result.best_reachable == {"latency_ms": min(latency.values())}
    assert result.nearest is not None
    assert result.nearest.architecture == min(latency, key=lambda architecture: latency[architecture])


def test_run_limits_that_exclude_each_other_name_the_least_violation(digits):
    objectives = {
        "sum": Objective("sum", "min", sum_of_digits(digits)),
        "room": Objective("room", "max", lambda batch: 9 - sum_of_digits(digits)(batch)),
    }
    problem = Problem(digits, objectives, (Constraint("sum", min=8.0), Constraint("room", min=4.0)))
    result = run(problem, rng=np.random.default_rng(0))
    assert not result.feasible
    assert result.best_reachable == {"sum": 9.0, "room": 9.0}
    assert result.best_beside_others == {"sum": 5.0, "room": 1.0}
    assert result.nearest is not None
    assert result.nearest.values == {"sum": 5.0, "room": 4.0}


def test_run_failed_evaluations_are_dropped_and_counted(digits, make_objective):
    values = np.arange(60.0)
    values[:3] = [np.nan, -np.inf, np.inf]
    problem = Problem(digits, {"cost": make_objective("cost", "min", values)})
    result = run(problem, rng=np.random.default_rng(0))
    assert (result.failed, result.evaluations) == (3, 60)
    assert [candidate.values for candidate in result.front] == [{"cost": 3.0}]


def test_run_every_evaluation_failed_gives_an_empty_front(digits):
    problem = Problem(
        digits,
        {"cost": Objective("cost", "min", lambda batch: np.full(len(batch), np.nan))},
        (Constraint("cost", max=1.0),),
    )
    result = run(problem, rng=np.random.default_rng(0))
    assert (result.failed, result.front, result.best_reachable, result.nearest) == (60, (), {}, None)


def test_run_objective_that_raises_passes_its_error_on(digits):
    def broken(batch):
        raise LookupError("no such device")

    problem = Problem(digits, {"latency_ms": Objective("latency_ms", "min", broken)})
    with pytest.raises(LookupError, match="no such device"):
        run(problem, rng=np.random.default_rng(0))

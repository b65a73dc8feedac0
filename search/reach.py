"""Whether limits can be met at all, before a long search finds out that they cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from search.evaluation import Evaluation
from search.exhaustive import exhaustive
from search.local_search import local_search
from search.problem import Constraint, Objective, Problem
from search.result import Budget, Progress, SearchResult

_VIOLATION = "violation"


def out_of_reach(
    problem: Problem,
    budget: Budget,
    *,
    rng: np.random.Generator,
    is_to_stop: Callable[[], bool] = lambda: False,
) -> SearchResult | None:
    """What came closest to the limits that, each on its own, nothing was found to meet; None if all are within reach.

    Each limit is approached by local search, which ends as soon as an architecture meets it. Where the metric adds over
    decisions the best value is exact; elsewhere it is the best that was found.

    Args:
        budget: of each limit's search.
        is_to_stop: asked meanwhile; True ends it with None.
    """
    missed: list[SearchResult] = []
    for constraint in problem.constraints:
        evaluation = Evaluation(_approach(problem, constraint), budget, _until_met(is_to_stop))
        local_search(evaluation, rng=rng)
        result = evaluation.result("local_search")
        if result.stopped_by == "cancelled" and not result.feasible:
            return None
        if not result.feasible:
            missed.append(result)
    if not missed:
        return None
    best = {name: value for result in missed for name, value in result.best_reachable.items()}
    return replace(missed[0], best_reachable=best, evaluations=sum(result.evaluations for result in missed))


def nowhere_met(
    problem: Problem, *, rng: np.random.Generator, is_to_stop: Callable[[], bool] = lambda: False
) -> SearchResult | None:
    """What came closest to the limits in a space that can be listed; None if an architecture meets all of them.

    Only what the limits are on is evaluated, and only until one is found.
    """
    known = {**problem.objectives, **problem.metrics}
    limited = {constraint.objective: known[constraint.objective] for constraint in problem.constraints}
    nothing = Objective("nothing", "min", lambda batch: np.zeros(len(batch)))
    evaluation = Evaluation(
        Problem(problem.space, {nothing.name: nothing}, problem.constraints, limited), Budget(), _until_met(is_to_stop)
    )
    exhaustive(evaluation, rng=rng)
    result = evaluation.result("exhaustive")
    return result if result.complete and not result.feasible else None


def _until_met(is_to_stop: Callable[[], bool]) -> Callable[[Progress], bool]:
    return lambda progress: progress.front_size > 0 or is_to_stop()


def _approach(problem: Problem, constraint: Constraint) -> Problem:
    """The problem whose only objective is to violate one constraint least."""
    metric = {**problem.objectives, **problem.metrics}[constraint.objective]
    violation = Objective(_VIOLATION, "min", lambda batch: constraint.violation(metric(batch)))
    return Problem(problem.space, {_VIOLATION: violation}, (constraint,), {metric.name: metric})

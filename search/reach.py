"""Whether limits can be met at all, before a long search finds out that they cannot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from search.evaluation import Evaluation
from search.local_search import local_search
from search.problem import Constraint, Objective, Problem
from search.result import Budget, SearchResult

_VIOLATION = "violation"


def out_of_reach(problem: Problem, budget: Budget, *, rng: np.random.Generator) -> SearchResult | None:
    """What came closest to the limits that, each on its own, nothing was found to meet; None if all are within reach.

    Each limit is approached by local search, which ends as soon as an architecture meets it. Where the metric adds over
    decisions the best value is exact; elsewhere it is the best that was found.

    Args: budget: of each limit's search.
    """
    missed: list[SearchResult] = []
    for constraint in problem.constraints:
        evaluation = Evaluation(_approach(problem, constraint), budget, lambda progress: progress.front_size > 0)
        local_search(evaluation, rng=rng)
        result = evaluation.result("local_search")
        if not result.feasible:
            missed.append(result)
    if not missed:
        return None
    best = {name: value for result in missed for name, value in result.best_reachable.items()}
    return replace(missed[0], best_reachable=best, evaluations=sum(result.evaluations for result in missed))


def _approach(problem: Problem, constraint: Constraint) -> Problem:
    """The problem whose only objective is to violate one constraint least."""
    metric = {**problem.objectives, **problem.metrics}[constraint.objective]
    violation = Objective(_VIOLATION, "min", lambda batch: constraint.violation(metric(batch)))
    return Problem(problem.space, {_VIOLATION: violation}, (constraint,), {metric.name: metric})

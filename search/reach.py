"""Whether limits can be met at all, before a long search finds out that they cannot; and where to begin if they can."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from search.evaluation import Evaluation
from search.exhaustive import exhaustive
from search.local_search import local_search
from search.problem import Constraint, Objective, Problem
from search.result import Budget, Progress, SearchResult
from spaces.base import Architecture

_VIOLATION = "violation"
# What chance meets among so many, a search meets too.
_BY_CHANCE = 64
# Sums of a table and of an evaluation differ by their rounding.
_ROUNDING = 1e-9


def out_of_reach(problem: Problem) -> SearchResult | None:
    """What comes closest to the limits that, each on its own, no architecture meets; None if none is known to be so.

    Nothing is refused by chance: it is asked only of metrics that add over decisions, of which the least and the
    greatest value are those of the best and the worst choice at each position.
    """
    missed: dict[str, float] = {}
    evaluated = 0
    for constraint in problem.constraints:
        metric = {**problem.objectives, **problem.metrics}[constraint.objective]
        if not metric.is_additive:
            continue
        (least, greatest), seen = _extremes_of_sums(problem, metric)
        evaluated += seen
        if constraint.max is not None and _exceeds(least, constraint.max):
            missed[constraint.objective] = least
        elif constraint.min is not None and _exceeds(constraint.min, greatest):
            missed[constraint.objective] = greatest
    if not missed:
        return None
    return SearchResult(
        front=(),
        front_size=0,
        evaluations=evaluated,
        failed=0,
        seconds=0.0,
        algorithm="sums",
        stopped_by="space",
        complete=True,  # as if the whole space had been
        best_reachable=missed,
        best_beside_others={},
        nearest=None,
    )


def _extremes_of_sums(problem: Problem, metric: Objective) -> tuple[tuple[float, float], int]:
    """The least and the greatest value over the space, and how many evaluations told them."""
    choices = [len(names) for names in problem.space.choices]
    changes = [(position, choice) for position, count in enumerate(choices) for choice in range(1, count)]
    rows = np.zeros((1 + len(changes), len(choices)), dtype=np.int64)
    for row, (position, choice) in enumerate(changes, start=1):
        rows[row, position] = choice
    values = metric(problem.space.from_decisions(rows))
    added = [np.zeros(count) for count in choices]
    for (position, choice), value in zip(changes, values[1:].tolist(), strict=True):
        added[position][choice] = value - values[0]
    extremes = np.array([[each.argmin() for each in added], [each.argmax() for each in added]], dtype=np.int64)
    least, greatest = metric(problem.space.from_decisions(extremes)).tolist()
    return (least, greatest), len(rows) + len(extremes)


def _exceeds(value: float, limit: float) -> bool:
    """By more than rounding; never where the value failed."""
    return value - limit > _ROUNDING * max(abs(value), abs(limit))


def starts_within(
    problem: Problem,
    budget: Budget,
    *,
    rng: np.random.Generator,
    is_to_stop: Callable[[], bool] = lambda: False,
) -> list[Architecture]:
    """For each limit that is not met by chance the architecture that local search found closest to it, each once.

    A search that begins with them finds what meets limits hardly above the best value of a large space.

    Args:
        budget: of each limit's search; one that time ends gives nothing, so that equal seeds begin alike.
        is_to_stop: asked meanwhile; True ends it with what there is.
    """
    found: list[Architecture] = []
    for constraint in problem.constraints:
        if {**problem.objectives, **problem.metrics}[constraint.objective].fit is not None:
            continue  # it is costly
        evaluation = Evaluation(_approach(problem, constraint), budget, _until_met(is_to_stop))
        local_search(evaluation, rng=rng)
        result = evaluation.result("local_search")
        if result.evaluations <= _BY_CHANCE or result.stopped_by == "seconds":
            continue
        closest = result.front[0] if result.front else result.nearest
        if closest is not None:
            found.append(closest.architecture)
    return list(dict.fromkeys(found))


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

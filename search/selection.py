"""Which of evaluated architectures are better: dominance among feasible ones, then less violation, then the rest."""

from __future__ import annotations

import moocore
import numpy as np

from search.pareto import non_dominated
from search.problem import Problem
from spaces.base import BoolArray, FloatArray, IntArray


def best_rows(problem: Problem, values: FloatArray) -> BoolArray:
    """Which rows (n,) of (n, metrics) values no other is better than.

    Those are the non-dominated feasible ones; where none is feasible, the least violation; where all failed, all.
    """
    finite = problem.is_finite(values)
    feasible = finite & problem.is_feasible(np.where(finite[:, None], values, 0.0))
    if feasible.any():
        best = np.zeros(len(values), dtype=bool)
        best[feasible] = non_dominated(problem.costs(values[feasible]))
        return best
    if not finite.any():
        return np.ones(len(values), dtype=bool)
    violation = np.where(finite, problem.violation(np.where(finite[:, None], values, 0.0)), np.inf)
    return np.asarray(violation == violation.min(), dtype=np.bool_)


def ranks(problem: Problem, values: FloatArray) -> IntArray:
    """(n,) place of each row of (n, metrics) values, 0 for the best.

    Feasible rows are ranked by how many fronts lie before theirs, infeasible ones after them by their violation, and
    rows that failed come last.
    """
    found = np.zeros(len(values), dtype=np.int64)
    finite = problem.is_finite(values)
    feasible = finite & problem.is_feasible(np.where(finite[:, None], values, 0.0))
    if feasible.any():
        found[feasible] = moocore.pareto_rank(problem.costs(values[feasible]))
    worst = int(found.max()) + 1
    infeasible = np.flatnonzero(finite & ~feasible)
    if len(infeasible):
        _, order = np.unique(problem.violation(values[infeasible]), return_inverse=True)
        found[infeasible] = worst + order
        worst += int(order.max()) + 1
    found[~finite] = worst
    return found

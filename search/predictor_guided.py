"""Predictor-guided search: in rounds, fit predictors to what was evaluated, evaluate what they like best.

For objectives whose true values are costly, such as the accuracy of networks that are trained for it. Source: Dudziak
et al. 2020, arXiv 2007.08668 (BRP-NAS), in the form that Akhauri & Abdelfattah 2024, arXiv 2403.02484 (FLAN), released:
half of a round are the best predictions, the other half is drawn from the better part of the space, which halves with
each round. Different here: several objectives (predictions are ranked by fronts); rounds grow with what is known, not
by a list; spaces that cannot be listed are searched with NSGA-II on the predictions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from search.evaluation import Evaluation
from search.nsga2 import nsga2
from search.problem import Objective, Problem
from search.result import Budget
from search.selection import ranks
from search.surrogate import fit_choice_ridge
from search.thinning import least_crowded
from spaces.base import Architecture, FloatArray, IntArray, is_enumerable

# FLAN's rounds end at 192 trained networks.
DEFAULT_EVALUATIONS: Final = 192
_FIRST_SHARE, _SMALLEST_FIRST, _LARGEST_FIRST = 0.1, 8, 100
_SMALLEST_ROUND, _LARGEST_ROUND = 4, 256
_SMALLEST_EXPLORED: Final = 512
_INNER_EVALUATIONS: Final = 1_500
_UNIFORM: Final = 1_000


def predictor_guided(evaluation: Evaluation, *, rng: np.random.Generator) -> None:
    """Searches in rounds, 192 evaluations unless the budget says otherwise."""
    evaluation.bound(DEFAULT_EVALUATIONS)
    space = evaluation.space
    first = int(np.clip(_FIRST_SHARE * evaluation.remaining, _SMALLEST_FIRST, _LARGEST_FIRST))
    start = [*evaluation.initial]
    evaluation.evaluate(start or space.sample(min(first, space.size), rng=rng))
    explored = space.size
    while not evaluation.is_finished:
        known, values = evaluation.known()
        predicted = _predicted(evaluation.problem, known, values)
        pool = _pool(evaluation, predicted, known, rng)
        if not pool:
            return
        count = int(np.clip(len(known) // 2, _SMALLEST_ROUND, _LARGEST_ROUND))
        explored = max(_SMALLEST_EXPLORED, explored // 2)
        evaluation.evaluate([pool[row] for row in _chosen(predicted, pool, count, min(explored, len(pool)), rng)])


def _predicted(problem: Problem, known: Sequence[Architecture], values: FloatArray) -> Problem:
    """The problem with predictors in the place of costly metrics: those that have a `fit`, or all if none has one."""
    finite = problem.is_finite(values)
    learned = [each for each, is_finite in zip(known, finite, strict=True) if is_finite]
    metrics = {**problem.objectives, **problem.metrics}
    has_costly = any(metric.fit for metric in metrics.values())

    def stand_in(metric: Objective) -> Objective:
        if not learned or (has_costly and metric.fit is None):
            return metric
        fit = metric.fit or partial(fit_choice_ridge, problem.space)
        return replace(metric, evaluate=fit(learned, problem.column(values, metric.name)[finite]))

    return replace(
        problem,
        objectives={name: stand_in(metric) for name, metric in problem.objectives.items()},
        metrics={name: stand_in(metric) for name, metric in problem.metrics.items()},
    )


def _pool(
    evaluation: Evaluation, predicted: Problem, known: Sequence[Architecture], rng: np.random.Generator
) -> list[Architecture]:
    """Architectures not evaluated yet: of a large space a uniform part and what NSGA-II prefers by the predictions."""
    space = evaluation.space
    if is_enumerable(space):
        return [each for each in space.enumerate() if each not in evaluation]
    preferred: dict[Architecture, None] = {}

    def collect(batch: Sequence[Architecture]) -> FloatArray:
        preferred.update(dict.fromkeys(batch))
        return np.zeros(len(batch))

    seen = Objective("", "min", collect)
    inner = Evaluation(
        replace(predicted, metrics={**predicted.metrics, "": seen}),
        Budget(evaluations=_INNER_EVALUATIONS, seconds=evaluation.seconds_left),
        initial=evaluation.best(),
    )
    nsga2(inner, rng=rng)
    uniform = space.sample(_UNIFORM, rng=rng)
    return [each for each in dict.fromkeys([*preferred, *uniform]) if each not in evaluation]


def _chosen(
    predicted: Problem, pool: Sequence[Architecture], count: int, explored: int, rng: np.random.Generator
) -> IntArray:
    """Rows of the pool to evaluate: half the best and least crowded, half drawn from the best `explored`."""
    values = predicted.evaluate(pool)
    place = ranks(predicted, values)
    order = np.argsort(place, kind="stable")
    greedy = min((count + 1) // 2, len(pool))
    last = place[order[greedy - 1]]
    inside = order[place[order] < last]
    border = order[place[order] == last]
    spread = least_crowded(predicted.costs(values[border]), greedy - len(inside)) if greedy > len(inside) else []
    best = [*inside.tolist(), *border[spread].tolist()]
    taken = set(best)
    others = np.array([row for row in order[:explored].tolist() if row not in taken], dtype=np.int64)
    drawn = rng.choice(others, size=min(count - len(best), len(others)), replace=False)
    return np.array([*best, *drawn.tolist()], dtype=np.int64)

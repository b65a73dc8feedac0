"""Predictor-guided search: in rounds, fit predictors to what was evaluated, evaluate what they like best.

For objectives whose true values are costly, such as the accuracy of networks that are trained for it. Source: Dudziak
et al. 2020, arXiv 2007.08668 (BRP-NAS), in the form that Akhauri & Abdelfattah 2024, arXiv 2403.02484 (FLAN), released:
half of a round are the best predictions, the other half is drawn from the better part of the space, which halves with
each round. Different here: several objectives (predictions are ranked by fronts, together with what is known, and the
best ones fill its gaps); rounds grow with what is known, not by a list; spaces that cannot be listed are searched with
NSGA-II on the predictions, and the other half is drawn from what it has seen and from uniform architectures, which tell
apart what each choice is worth.
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
from search.selection import best_rows, ranks
from search.surrogate import fit_choice_ridge
from search.thinning import fill_gaps
from spaces.base import Architecture, FloatArray, IntArray, is_enumerable

# FLAN's rounds end at 192 trained networks.
DEFAULT_EVALUATIONS: Final = 192
_FIRST_SHARE, _SMALLEST_FIRST, _LARGEST_FIRST = 0.1, 8, 50
_SMALLEST_ROUND, _LARGEST_ROUND = 4, 256
_SMALLEST_EXPLORED: Final = 512
_INNER_EVALUATIONS: Final = 1_500
_UNIFORM: Final = 1_000
# Predicted at once: a fraction of a second, after which a cancelled search ends.
_CHUNK: Final = 1_024


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
        if not evaluation.problem.is_finite(values).any():
            fresh = _unseen(evaluation, max(first, _SMALLEST_ROUND), rng)
            evaluation.evaluate(fresh)  # there is nothing yet to learn from
            if not fresh:
                return
            continue
        predicted = _predicted(evaluation, known, values)
        pool = _pool(evaluation, predicted, _best(evaluation.problem, known, values), rng)
        guesses = _guesses(evaluation, predicted, pool)
        if not pool or evaluation.is_finished:
            return
        count = int(np.clip(len(known) // 2, _SMALLEST_ROUND, _LARGEST_ROUND))
        explored = max(_SMALLEST_EXPLORED, explored // 2)
        evaluation.evaluate([pool[row] for row in _chosen(evaluation.problem, guesses, values, count, explored, rng)])


def _predicted(evaluation: Evaluation, known: Sequence[Architecture], values: FloatArray) -> Problem:
    """The problem with predictors in the place of costly metrics: those that have a `fit`, or all if none has one."""
    problem = evaluation.problem
    finite = problem.is_finite(values)
    learned = [each for each, is_finite in zip(known, finite, strict=True) if is_finite]
    metrics = {**problem.objectives, **problem.metrics}
    has_costly = any(metric.fit for metric in metrics.values())

    def stand_in(metric: Objective) -> Objective:
        if (has_costly and metric.fit is None) or evaluation.poll():
            return metric
        fit = metric.fit or partial(fit_choice_ridge, problem.space)
        return replace(metric, evaluate=fit(learned, problem.column(values, metric.name)[finite]))

    return replace(
        problem,
        objectives={name: stand_in(metric) for name, metric in problem.objectives.items()},
        metrics={name: stand_in(metric) for name, metric in problem.metrics.items()},
    )


def _best(problem: Problem, architectures: Sequence[Architecture], values: FloatArray) -> list[Architecture]:
    return [architectures[row] for row in np.flatnonzero(best_rows(problem, values)).tolist()]


def _pool(
    evaluation: Evaluation, predicted: Problem, best: Sequence[Architecture], rng: np.random.Generator
) -> list[Architecture]:
    """Architectures not evaluated yet: of a large space uniform ones and what NSGA-II saw that began with the best."""
    space = evaluation.space
    if is_enumerable(space):
        return [each for each in space.enumerate() if each not in evaluation]
    inner = Evaluation(
        predicted,
        Budget(evaluations=_INNER_EVALUATIONS + len(best), seconds=evaluation.seconds_left),
        on_progress=lambda _: evaluation.poll(),
        initial=best,
    )
    if not evaluation.is_finished:
        nsga2(inner, rng=rng)
    seen, _ = inner.known()
    return [each for each in dict.fromkeys([*seen, *space.sample(_UNIFORM, rng=rng)]) if each not in evaluation]


def _unseen(evaluation: Evaluation, count: int, rng: np.random.Generator) -> list[Architecture]:
    """Uniform architectures that were not evaluated yet, at most so many; none only where none is found."""
    space = evaluation.space
    drawn = space.sample(space.size if is_enumerable(space) else _UNIFORM, rng=rng)
    return [each for each in drawn if each not in evaluation][:count]


def _guesses(evaluation: Evaluation, predicted: Problem, pool: Sequence[Architecture]) -> FloatArray:
    """(n, metrics) predictions; of fewer than n if the run finished meanwhile."""
    parts = [np.empty((0, len(predicted.metric_names)))]
    for start in range(0, len(pool), _CHUNK):
        if evaluation.poll():
            break
        parts.append(predicted.evaluate(pool[start : start + _CHUNK]))
    return np.concatenate(parts)


def _chosen(
    problem: Problem, guesses: FloatArray, known: FloatArray, count: int, explored: int, rng: np.random.Generator
) -> IntArray:
    """Rows of the pool to evaluate: the best, which fill the gaps between known ones, and some drawn from `explored`.

    Args:
        guesses: (n, metrics) predictions of the pool.
        known: (k, metrics) values of what was evaluated; what they dominate is no better for being new.
    """
    place = ranks(problem, np.concatenate([guesses, known]))
    order = np.argsort(place[: len(guesses)], kind="stable")
    greedy = min((count + 1) // 2, len(guesses))
    last = place[order[greedy - 1]]
    inside = order[place[order] < last]
    border = order[place[order] == last]
    taken = np.concatenate([guesses[inside], known[place[len(guesses) :] <= last]])
    spread = fill_gaps(_costs(problem, guesses[border]), _costs(problem, taken), greedy - len(inside))
    best = [*inside.tolist(), *border[spread].tolist()]
    others = np.setdiff1d(order[:explored], best)
    drawn = rng.choice(others, size=min(count - len(best), len(others)), replace=False)
    return np.array([*best, *drawn.tolist()], dtype=np.int64)


def _costs(problem: Problem, values: FloatArray) -> FloatArray:
    """(n, objectives) costs, those of failed ones 0."""
    return problem.costs(np.where(problem.is_finite(values)[:, None], values, 0.0))

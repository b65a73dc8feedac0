"""Regularised evolution: tournaments, mutation alone, and whoever is oldest leaves, however good it is.

Source: Real, Aggarwal, Huang and Le 2019, arXiv 1802.01548, algorithm 1. Different here: with several objectives each
tournament weighs them by chance (the largest weighted normalised cost decides), so that the population covers the
front; and a step makes several children of one population, which are evaluated together.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from search.evaluation import Evaluation
from search.genetic import DEFAULT_EVALUATIONS, population_size
from search.problem import Problem
from spaces.base import Architecture, FloatArray

_TOURNAMENT: Final = 10
_CHILDREN: Final = 8
_MAX_MUTATIONS: Final = 100


def regularised_evolution(evaluation: Evaluation, *, rng: np.random.Generator) -> None:
    """Evolves a population by age, 5,000 evaluations unless the budget says otherwise."""
    evaluation.bound(DEFAULT_EVALUATIONS)
    size = population_size(evaluation)
    first = list(evaluation.initial[:size])
    missing = size - len(first)
    first += evaluation.space.sample(missing, rng=rng) if missing else []
    values = evaluation.evaluate(first)
    members = deque(zip(first, values, strict=False), maxlen=size)
    while not evaluation.is_finished:
        scores = np.array([row for _, row in members])
        children: dict[Architecture, None] = {}
        for _ in range(_CHILDREN):
            child = _child(evaluation, [each for each, _ in members], scores, children, rng)
            if child is not None:
                children[child] = None
        if not children:
            return
        members.extend(zip(children, evaluation.evaluate(list(children)), strict=False))


def _child(
    evaluation: Evaluation,
    population: list[Architecture],
    values: FloatArray,
    taken: dict[Architecture, None],
    rng: np.random.Generator,
) -> Architecture | None:
    """A mutant that was not evaluated yet, of the winner of a tournament; None where none is found.

    A winner whose neighbours were all seen mutates further.
    """
    invited = rng.choice(len(population), size=min(_TOURNAMENT, len(population)), replace=False)
    child = population[invited[_winner(evaluation.problem, values[invited], rng)]]
    for _ in range(_MAX_MUTATIONS):
        child = evaluation.space.mutate(child, rng=rng)
        if child not in evaluation and child not in taken:
            return child
    return None


def _winner(problem: Problem, values: FloatArray, rng: np.random.Generator) -> int:
    """Row of the best: finite before failed, then least violation, then least weighted cost."""
    finite = problem.is_finite(values)
    safe = np.where(finite[:, None], values, 0.0)
    costs = problem.costs(safe)
    spread = np.ptp(costs, axis=0)
    scaled = (costs - costs.min(axis=0)) / np.where(spread > 0, spread, 1.0)
    weighted = (scaled * rng.dirichlet(np.ones(costs.shape[1]))).max(axis=1)
    violation = np.where(finite, problem.violation(safe), np.inf)
    return int(np.lexsort((weighted, violation))[0])

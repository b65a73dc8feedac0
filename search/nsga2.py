"""NSGA-II over the decisions of a space, on whole arrays.

Source: Deb, Pratap, Agarwal and Meyarivan 2002, "A fast and elitist multiobjective genetic algorithm: NSGA-II". pymoo's
works on one Python object for each individual, which costs five times what the objectives cost here; so the loop is
ours, over moocore's ranks and pymoo's crowding distance. Different from the paper: the variation is uniform crossover
and a change of choices, no architecture is evaluated twice in a run, and the front is taken from everything evaluated,
not from the last population.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pymoo.operators.survival.rank_and_crowding.metrics import get_crowding_function

from search.evaluation import Evaluation
from search.genetic import DEFAULT_EVALUATIONS, population_size
from search.operators import cross_rows, mutate_rows
from search.problem import Problem
from search.selection import ranks
from spaces.base import Architecture, FloatArray, IntArray

_CROSSOVER_PROBABILITY = 0.9
_MAX_MATINGS = 100


@dataclass(frozen=True, slots=True, eq=False)
class _Population:
    """Members in any order: decisions (n, positions), values (n, metrics), rank (n,) and crowding distance (n,)."""

    rows: IntArray
    values: FloatArray
    rank: IntArray
    crowding: FloatArray


def nsga2(evaluation: Evaluation, *, rng: np.random.Generator) -> None:
    """Evolves a population, 5,000 evaluations unless the budget says otherwise."""
    evaluation.bound(DEFAULT_EVALUATIONS)
    space, size = evaluation.space, population_size(evaluation)
    missing = max(0, size - len(evaluation.initial))
    first = list(dict.fromkeys([*evaluation.initial, *space.sample(missing, rng=rng)]))
    values = evaluation.evaluate(first)
    if not len(values):
        return
    population = _survivors(evaluation.problem, space.decisions(first[: len(values)]), values, size)
    while not evaluation.is_finished:
        children = _children(evaluation, population, size, rng)
        if not children:
            return
        values = evaluation.evaluate(children)
        rows = np.concatenate([population.rows, space.decisions(children[: len(values)])])
        merged = np.concatenate([population.values, values])
        population = _survivors(evaluation.problem, rows, merged, size)


def _children(
    evaluation: Evaluation, population: _Population, count: int, rng: np.random.Generator
) -> list[Architecture]:
    """Up to `count` architectures that were not evaluated yet; fewer where many matings give no new ones."""
    space = evaluation.space
    choices = np.array([len(names) for names in space.choices], dtype=np.int64)
    found: dict[Architecture, None] = {}
    for _ in range(_MAX_MATINGS):
        pairs = (count - len(found) + 1) // 2
        parents = population.rows[_winners(population, 2 * pairs, rng)].reshape(2, pairs, -1)
        crossed = cross_rows(parents, rng=rng)
        is_crossed = rng.random((pairs, 1)) < _CROSSOVER_PROBABILITY
        rows = np.where(is_crossed, crossed, parents).reshape(2 * pairs, -1)
        rows = space.repair(mutate_rows(rows, choices, rng=rng))
        new = (child for child in space.from_decisions(rows) if child not in evaluation)
        found.update(dict.fromkeys(new))
        if len(found) >= count:
            break
    return list(found)[:count]


def _winners(population: _Population, count: int, rng: np.random.Generator) -> IntArray:
    """(count,) rows of the population that won a tournament of two: by rank, then by crowding, then by chance."""
    first, second = rng.integers(len(population.rows), size=(2, count))
    rank, crowding = population.rank, population.crowding
    is_second = (rank[second] < rank[first]) | ((rank[second] == rank[first]) & (crowding[second] > crowding[first]))
    return np.where(is_second, second, first)


def _survivors(problem: Problem, rows: IntArray, values: FloatArray, count: int) -> _Population:
    """The best by rank; of the rank that does not fit as a whole, the least crowded."""
    rank = ranks(problem, values)
    costs = problem.costs(np.where(problem.is_finite(values)[:, None], values, 0.0))
    crowding = np.zeros(len(rows))
    kept: list[int] = []
    for place in np.unique(rank).tolist():
        members = np.flatnonzero(rank == place)
        crowding[members] = get_crowding_function("cd").do(costs[members], n_remove=0)
        order = members[np.argsort(-crowding[members], kind="stable")]
        kept += order[: count - len(kept)].tolist()
        if len(kept) == count:
            break
    return _Population(rows[kept], values[kept], rank[kept], crowding[kept])

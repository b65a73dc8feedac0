"""Genetic operators on decision rows, as functions and as pymoo's operator classes.

An individual is a row of `SearchSpace.decisions`: the index of the choice at each position.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pymoo.core.crossover import Crossover
from pymoo.core.duplicate import DuplicateElimination
from pymoo.core.mutation import Mutation
from pymoo.core.population import Population
from pymoo.core.repair import Repair
from pymoo.core.sampling import Sampling

from search.evaluation import Evaluation
from spaces.base import Architecture, IntArray, SearchSpace


def decision_rows(population: Population) -> IntArray:
    """(n, positions) decisions of a population."""
    return np.asarray(population.get("X"), dtype=np.int64)


def cross_rows(parents: IntArray, *, rng: np.random.Generator) -> IntArray:
    """(2, n, positions) children of n pairs of parents: each decision goes to one child from one of them."""
    swapped = rng.random(parents.shape[1:]) < 0.5
    return np.where(swapped, parents[::-1], parents)


def mutate_rows(rows: IntArray, choices: IntArray, *, rng: np.random.Generator) -> IntArray:
    """(n, positions) with each decision changed to another of its `choices` with probability 1 / positions."""
    is_changed = rng.random(rows.shape) < 1 / rows.shape[1]
    # A step of 1 .. choices - 1, modulo choices, never leads back to the same choice.
    steps = 1 + (rng.random(rows.shape) * (choices - 1)).astype(np.int64)
    return np.where(is_changed & (choices > 1), (rows + steps) % choices, rows)


class UniformSampling(Sampling):
    """Distinct architectures: those to start from, all of them, then uniform ones."""

    def __init__(self, space: SearchSpace, initial: Sequence[Architecture] = ()):
        super().__init__()
        self._space = space
        self._initial = initial

    def _do(self, problem: Any, n_samples: int, *args: Any, random_state: Any = None, **kwargs: Any) -> Any:
        missing = max(0, n_samples - len(self._initial))
        return self._space.decisions([*self._initial, *self._space.sample(missing, rng=random_state)])


class DecisionCrossover(Crossover):
    """`cross_rows`, with a probability."""

    def __init__(self, probability: float = 0.9):
        super().__init__(n_parents=2, n_offsprings=2, prob=probability)

    def _do(self, problem: Any, X: IntArray, *args: Any, random_state: Any = None, **kwargs: Any) -> Any:
        return cross_rows(X, rng=random_state)


class DecisionMutation(Mutation):
    """`mutate_rows`."""

    def __init__(self, space: SearchSpace):
        super().__init__(prob=1.0)
        self._counts = np.array([len(names) for names in space.choices], dtype=np.int64)

    def _do(self, problem: Any, X: IntArray, *args: Any, random_state: Any = None, **kwargs: Any) -> IntArray:
        return mutate_rows(X, self._counts, rng=random_state)


class ArchitectureRepair(Repair):
    """Leads rows whose choices do not go together to rows that are architectures."""

    def __init__(self, space: SearchSpace):
        super().__init__()
        self._space = space

    def _do(self, problem: Any, X: IntArray, *args: Any, **kwargs: Any) -> IntArray:
        return self._space.repair(np.asarray(X, dtype=np.int64))


class NewArchitecturesOnly(DuplicateElimination):
    """Drops individuals that occur twice, and children that were evaluated at any time in the run."""

    def __init__(self, evaluation: Evaluation):
        super().__init__()
        self._evaluation = evaluation

    def do(self, pop: Population, *args: Any, return_indices: bool = False, to_itself: bool = True) -> Any:
        """The individuals of `pop` that are new, also with respect to the populations in `args`."""
        if len(pop) == 0:
            return pop
        space = self._evaluation.space
        taken = {architecture for others in args for architecture in space.from_decisions(decision_rows(others))}
        kept = []
        for index, architecture in enumerate(space.from_decisions(decision_rows(pop))):
            # Without others to compare with this is the first population, which may start from what is known.
            if architecture not in taken and not (args and architecture in self._evaluation):
                taken.add(architecture)
                kept.append(index)
        return pop[kept]

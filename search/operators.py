"""Genetic operators on decision rows, as pymoo's operator classes.

An individual is a row of `SearchSpace.decisions`: the index of the choice at each position.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pymoo.core.crossover import Crossover
from pymoo.core.duplicate import DuplicateElimination
from pymoo.core.mutation import Mutation
from pymoo.core.population import Population
from pymoo.core.repair import Repair
from pymoo.core.sampling import Sampling

from search.evaluation import Evaluation
from spaces.base import IntArray, SearchSpace


def decision_rows(population: Population) -> IntArray:
    """(n, positions) decisions of a population."""
    return np.asarray(population.get("X"), dtype=np.int64)


class UniformSampling(Sampling):
    """Distinct architectures, uniform over the space."""

    def __init__(self, space: SearchSpace):
        super().__init__()
        self._space = space

    def _do(self, problem: Any, n_samples: int, *args: Any, random_state: Any = None, **kwargs: Any) -> Any:
        return self._space.decisions(self._space.sample(n_samples, rng=random_state))


class DecisionCrossover(Crossover):
    """Two children of two parents: each decision goes to one child from one parent, to the other from the other."""

    def __init__(self, probability: float = 0.9):
        super().__init__(n_parents=2, n_offsprings=2, prob=probability)

    def _do(self, problem: Any, X: IntArray, *args: Any, random_state: Any = None, **kwargs: Any) -> Any:
        swapped = random_state.random(X.shape[1:]) < 0.5
        return np.where(swapped, X[::-1], X)


class DecisionMutation(Mutation):
    """Each decision changes to another choice of its position with probability 1 / positions."""

    def __init__(self, space: SearchSpace):
        super().__init__(prob=1.0)
        self._counts = np.array([len(names) for names in space.choices], dtype=np.int64)

    def _do(self, problem: Any, X: IntArray, *args: Any, random_state: Any = None, **kwargs: Any) -> IntArray:
        is_changed = random_state.random(X.shape) < 1 / X.shape[1]
        # A step of 1 .. count - 1, modulo count, never leads back to the same choice.
        steps = 1 + (random_state.random(X.shape) * (self._counts - 1)).astype(np.int64)
        return np.where(is_changed & (self._counts > 1), (X + steps) % self._counts, X)


class ArchitectureRepair(Repair):
    """Leads rows whose choices do not go together to rows that are architectures."""

    def __init__(self, space: SearchSpace):
        super().__init__()
        self._space = space

    def _do(self, problem: Any, X: IntArray, *args: Any, **kwargs: Any) -> IntArray:
        return self._space.repair(np.asarray(X, dtype=np.int64))


class NewArchitecturesOnly(DuplicateElimination):
    """Drops individuals that occur twice or were evaluated at any time in the run."""

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
            if architecture not in taken and architecture not in self._evaluation:
                taken.add(architecture)
                kept.append(index)
        return pop[kept]

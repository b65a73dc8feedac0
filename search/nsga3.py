"""NSGA-III over the decisions of a space: reference directions keep a front of many objectives spread out.

Source: Deb and Jain 2014, "An evolutionary many-objective optimization algorithm using reference-point-based
nondominated sorting approach, part I", in the implementation of pymoo (Blank and Deb 2020); the directions are those of
Das and Dennis 1998. `search.genetic` says what is different here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from pymoo.algorithms.moo.nsga3 import NSGA3
from pymoo.util.ref_dirs import get_reference_directions

from search.evaluation import Evaluation
from search.genetic import DEFAULT_EVALUATIONS, evolve, our_operators, population_size


def nsga3(evaluation: Evaluation, *, rng: np.random.Generator) -> None:
    """Evolves a population, 5,000 evaluations unless the budget says otherwise."""
    evaluation.bound(DEFAULT_EVALUATIONS)
    size = population_size(evaluation)
    directions = _directions(len(evaluation.problem.objectives), size)
    algorithm = NSGA3(directions, pop_size=max(size, len(directions)), **our_operators(evaluation))
    evolve(evaluation, algorithm, rng=rng)


def _directions(objectives: int, at_most: int) -> Any:
    """(n, objectives) directions, as many as a lattice has that is no larger than the population; at least one each."""
    if objectives == 1:
        return np.ones((1, 1))
    partitions = 1
    while math.comb(objectives + partitions, partitions + 1) <= at_most:
        partitions += 1
    return get_reference_directions("das-dennis", objectives, n_partitions=partitions)

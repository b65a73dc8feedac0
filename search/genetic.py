"""Drives a genetic algorithm of pymoo over the decisions of a space, whole generations at a time.

No architecture is evaluated twice in a run, and the front is taken from everything evaluated, not from the last
population.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from pymoo.algorithms.base.genetic import GeneticAlgorithm
from pymoo.config import Config
from pymoo.core.evaluator import Evaluator
from pymoo.core.population import Population
from pymoo.core.problem import Problem as PymooProblem
from pymoo.core.termination import NoTermination
from pymoo.problems.static import StaticProblem

from search.evaluation import Evaluation
from search.operators import (
    ArchitectureRepair,
    DecisionCrossover,
    DecisionMutation,
    NewArchitecturesOnly,
    UniformSampling,
    decision_rows,
)
from search.problem import Problem
from spaces.base import FloatArray

# pymoo would print advice to stdout where its compiled modules are missing, into the output of our commands.
Config.warnings["not_compiled"] = False

DEFAULT_EVALUATIONS: Final = 5_000
# The population is the budget over 30 generations, within these bounds: on FBNet with 500 to 5,000 evaluations that
# does better than 20, and 80 evolve too little on NAS-Bench-201.
_SMALLEST_POPULATION, _LARGEST_POPULATION = 20, 100
_GENERATIONS = 30
# Worse than any real violation, small enough to be added up.
_FAILED_VIOLATION = 1e30


def population_size(evaluation: Evaluation) -> int:
    """Individuals of a population that suits the budget and fits into the space."""
    wanted = int(np.clip(evaluation.limit // _GENERATIONS, _SMALLEST_POPULATION, _LARGEST_POPULATION))
    return min(wanted, evaluation.space.size)


def our_operators(evaluation: Evaluation) -> dict[str, Any]:
    """Arguments of a pymoo algorithm that make it work on architectures."""
    space = evaluation.space
    return {
        "sampling": UniformSampling(space, evaluation.initial),
        "crossover": DecisionCrossover(),
        "mutation": DecisionMutation(space),
        "repair": ArchitectureRepair(space),
        "eliminate_duplicates": NewArchitecturesOnly(evaluation),
    }


def evolve(evaluation: Evaluation, algorithm: GeneticAlgorithm, *, rng: np.random.Generator) -> None:
    """Runs the algorithm until the evaluation is finished or it finds nothing new to try."""
    problem = evaluation.problem
    pymoo_problem = PymooProblem(
        n_var=len(problem.space.choices), n_obj=len(problem.objectives), n_ieq_constr=1, vtype=int
    )
    algorithm.setup(pymoo_problem, termination=NoTermination())
    algorithm.random_state = rng
    while not evaluation.is_finished:
        population = algorithm.ask()
        if population is None or len(population) == 0:
            return
        values = evaluation.evaluate(problem.space.from_decisions(decision_rows(population)))
        if len(values) == len(population):
            _assign(pymoo_problem, population, problem, values)
            algorithm.tell(infills=population)


def _assign(pymoo_problem: Any, population: Population, problem: Problem, values: FloatArray) -> None:
    """Hands the values to the individuals; failed ones become the most infeasible of all."""
    has_failed = ~problem.is_finite(values)
    values = np.where(has_failed[:, None], 0.0, values)
    violation = np.where(has_failed, _FAILED_VIOLATION, problem.violation(values))
    static = StaticProblem(pymoo_problem, F=problem.costs(values), G=violation[:, None])
    Evaluator().eval(static, population)

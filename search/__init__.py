"""Multi-objective search over a space: what cannot be bettered in one objective without losing in another.

problem = Problem(space, {"accuracy": Objective("accuracy", "max", lookup), "latency_ms": ...})
result = run(problem, rng=np.random.default_rng(0))
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np

from search.checkpoint import Checkpoint
from search.errors import (
    InvalidBudgetError,
    InvalidCheckpointError,
    InvalidProblemError,
    ObjectiveShapeError,
    SearchError,
    UnknownAlgorithmError,
)
from search.evaluation import Evaluation, OnProgress
from search.exhaustive import exhaustive
from search.genetic import DEFAULT_EVALUATIONS
from search.local_search import local_search
from search.nsga2 import nsga2
from search.nsga3 import nsga3
from search.pareto import hypervolume, non_dominated
from search.predictor_guided import predictor_guided
from search.problem import Constraint, Direction, Fit, Objective, Problem
from search.random_sampling import random_sampling
from search.regularised_evolution import regularised_evolution
from search.result import Budget, Candidate, Progress, SearchResult, StopReason
from spaces.base import Architecture, is_enumerable

__all__ = [
    "ALGORITHMS",
    "AUTO",
    "Algorithm",
    "Budget",
    "Candidate",
    "Checkpoint",
    "Constraint",
    "Direction",
    "Evaluation",
    "Fit",
    "InvalidBudgetError",
    "InvalidCheckpointError",
    "InvalidProblemError",
    "Objective",
    "ObjectiveShapeError",
    "OnProgress",
    "Problem",
    "Progress",
    "SearchError",
    "SearchResult",
    "StopReason",
    "UnknownAlgorithmError",
    "choose_algorithm",
    "hypervolume",
    "non_dominated",
    "run",
]


class Algorithm(Protocol):
    """A way to search.

    Contract: evaluates architectures through `evaluation.evaluate` and nothing else (but metrics without a `fit` beside
    one that has it are cheap and may be asked at will), starts from `evaluation.initial`, returns once
    `evaluation.is_finished` holds or nothing is left to try, calls `evaluation.poll` where it thinks for longer than a
    fraction of a second, and depends on nothing but the values and `rng`.
    """

    def __call__(self, evaluation: Evaluation, *, rng: np.random.Generator) -> None:
        """Searches until the evaluation is finished."""
        ...


ALGORITHMS: Final[dict[str, Algorithm]] = {
    "exhaustive": exhaustive,
    "nsga2": nsga2,
    "nsga3": nsga3,
    "local_search": local_search,
    "regularised_evolution": regularised_evolution,
    "predictor_guided": predictor_guided,
    "random": random_sampling,
}
AUTO: Final = "auto"
# Up to so many evaluations a predictor makes more of them than any population does, and takes less than a second.
_FEW_EVALUATIONS: Final = 500
# NSGA-III needs five times as long for an evaluation; of three objectives NSGA-II makes up for that with more of them.
_MANY_EVALUATIONS: Final = 20_000
_MANY_OBJECTIVES: Final = 4


def choose_algorithm(problem: Problem, budget: Budget, cap: Budget | None = None) -> str:
    """What `auto` stands for; `benchmarks/search_quality.py` has the comparison.

    Exhaustive where the budget covers a space that can be listed. Otherwise predictor-guided up to 500 evaluations;
    NSGA-II for one or two objectives, and for three where time is the limit or there are more than 20,000 evaluations;
    NSGA-III for the rest. Args: cap: as of `run`.
    """
    size, limits = problem.space.size, budget.within(cap or Budget())
    if is_enumerable(problem.space) and (limits.evaluations or size) >= size:
        return "exhaustive"
    evaluations = (limits if not budget.is_unlimited else limits.within(Budget(DEFAULT_EVALUATIONS))).evaluations
    few = evaluations or math.inf
    if few <= _FEW_EVALUATIONS:
        return "predictor_guided"
    objectives = len(problem.objectives)
    is_for_nsga3 = objectives >= _MANY_OBJECTIVES or (objectives == _MANY_OBJECTIVES - 1 and few <= _MANY_EVALUATIONS)
    return "nsga3" if is_for_nsga3 else "nsga2"


def run(
    problem: Problem,
    algorithm: str = AUTO,
    budget: Budget | None = None,
    *,
    rng: np.random.Generator,
    on_progress: OnProgress | None = None,
    cap: Budget | None = None,
    largest_front: int | None = None,
    initial: Sequence[Architecture] = (),
    checkpoint: Checkpoint | None = None,
) -> SearchResult:
    """Searches for the Pareto front of a problem.

    Args:
        problem: objectives, constraints and space.
        algorithm: a name in `ALGORITHMS`, or `auto`.
        budget: limits; without any, exhaustive search sees the whole space and the others stop at 5,000 evaluations.
        rng: the only source of randomness; equal seeds and a budget without `seconds` give equal fronts.
        on_progress: called after every batch, in the calling thread; True stops the run.
        cap: further limits, which hold also where the budget has none and are not spent just because they are there.
        largest_front: members returned and reported at most; None for all of them.
        initial: architectures of the space to start from; they count as evaluations.
        checkpoint: of an earlier run of the same problem, algorithm, budget and random numbers, which this one
            continues: what that had evaluated is not evaluated again, its evaluations and seconds count, and the front
            is what it would have found.

    Returns:
        The front and how it came about. Where nothing meets the constraints the front is empty and
        `best_reachable` and `nearest` tell what could be had.

    Raises:
        UnknownAlgorithmError: no such algorithm.
        InvalidCheckpointError: the checkpoint is of another problem.
        NotEnumerableError: exhaustive search was asked for in a space that is too large to be listed.
        ObjectiveShapeError: an objective returned the wrong shape. What an objective raises passes through.
    """
    budget = budget or Budget()
    name = choose_algorithm(problem, budget, cap) if algorithm == AUTO else algorithm
    if name not in ALGORITHMS:
        raise UnknownAlgorithmError(name, [AUTO, *ALGORITHMS])
    evaluation = Evaluation(problem, budget, on_progress, cap, largest_front, initial, checkpoint)
    if not evaluation.is_finished:  # as it is where a checkpoint has everything
        ALGORITHMS[name](evaluation, rng=rng)
    return evaluation.result(name)

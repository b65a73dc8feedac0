"""Multi-objective search over a space: what cannot be bettered in one objective without losing in another.

problem = Problem(space, {"accuracy": Objective("accuracy", "max", lookup), "latency_ms": ...})
result = run(problem, rng=np.random.default_rng(0))
"""

from __future__ import annotations

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
# With more objectives nearly all of a population is non-dominated, and crowding alone no longer tells them apart.
_MOST_FOR_NSGA2: Final = 3


def choose_algorithm(problem: Problem, budget: Budget) -> str:
    """What `auto` stands for.

    Exhaustive where the budget covers a space that can be listed; otherwise NSGA-II, from four objectives on NSGA-III.
    """
    size = problem.space.size
    is_covered = budget.evaluations is None or budget.evaluations >= size
    if is_enumerable(problem.space) and is_covered:
        return "exhaustive"
    return "nsga2" if len(problem.objectives) <= _MOST_FOR_NSGA2 else "nsga3"


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
    name = choose_algorithm(problem, budget.within(cap or Budget())) if algorithm == AUTO else algorithm
    if name not in ALGORITHMS:
        raise UnknownAlgorithmError(name, [AUTO, *ALGORITHMS])
    evaluation = Evaluation(problem, budget, on_progress, cap, largest_front, initial, checkpoint)
    if not evaluation.is_finished:  # as it is where a checkpoint has everything
        ALGORITHMS[name](evaluation, rng=rng)
    return evaluation.result(name)

"""Ours and the peers' searches of one problem, recorded evaluation by evaluation: pymoo's NSGA-II, Optuna's, TPE."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.callback import Callback
from pymoo.core.problem import Problem as PymooProblem
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.operators.sampling.rnd import IntegerRandomSampling
from pymoo.optimize import minimize

from search import Budget, Problem, non_dominated, run
from spaces.base import Architecture, FloatArray


@dataclass(slots=True)
class Record:
    """What a search evaluated, in order: costs (n, objectives), and the processor's seconds by which each came."""

    costs: list[FloatArray] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    started: float = field(default_factory=time.process_time)

    def add(self, costs: FloatArray) -> None:
        """Takes in the costs of a batch."""
        self.costs.extend(costs)
        self.seconds.extend([time.process_time() - self.started] * len(costs))

    def front(self, evaluations: int) -> FloatArray:
        """Costs of the non-dominated ones of the first evaluations."""
        costs = np.array(self.costs[:evaluations])
        return costs[non_dominated(costs)]


def ours(problem: Problem, algorithm: str, evaluations: int, seed: int) -> Record:
    """One of our algorithms."""
    record = Record()
    names = list(problem.objectives)
    batch: dict[str, FloatArray] = {}

    def noting(name: str, evaluate: Callable[[Sequence[Architecture]], FloatArray]) -> Any:
        def noted(architectures: Sequence[Architecture]) -> FloatArray:
            batch[name] = evaluate(architectures)
            if name == names[-1]:
                record.add(problem.costs(np.column_stack([batch[each] for each in names])))
            return batch[name]

        return noted

    objectives = {
        name: replace(each, evaluate=noting(name, each.evaluate)) for name, each in problem.objectives.items()
    }
    noted = replace(problem, objectives=objectives)
    run(noted, algorithm, Budget(evaluations=evaluations), rng=np.random.default_rng(seed))
    return record


def pymoo_nsga2(problem: Problem, evaluations: int, seed: int) -> Record:
    """As pymoo's guide sets up integer variables: SBX and polynomial mutation, rounded; populations of 100."""
    record = Record()
    space = problem.space
    upper = np.array([len(names) - 1 for names in space.choices])

    class Rows(PymooProblem):
        def __init__(self) -> None:
            super().__init__(n_var=len(upper), n_obj=len(problem.objectives), xl=0, xu=upper, vtype=int)

        def _evaluate(self, x: Any, out: Any, *args: Any, **kwargs: Any) -> None:
            architectures = space.from_decisions(space.repair(np.asarray(x, dtype=np.int64)))
            out["F"] = problem.costs(problem.evaluate(architectures))
            record.add(out["F"])

    algorithm = NSGA2(
        pop_size=100,
        sampling=IntegerRandomSampling(),
        crossover=SBX(prob=1.0, eta=3, vtype=float, repair=RoundingRepair()),
        mutation=PM(prob=1.0, eta=3, vtype=float, repair=RoundingRepair()),
        eliminate_duplicates=True,
    )
    minimize(Rows(), algorithm, ("n_eval", evaluations), seed=seed, callback=Callback(), verbose=False)
    return record


def optuna_search(problem: Problem, sampler: str, evaluations: int, seed: int) -> Record:
    """Optuna with a categorical parameter for each position; `nsga2` or `tpe`, both with their defaults."""
    import optuna  # pyright: ignore[reportMissingImports]  (no part of the environment: pip install optuna)

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    record = Record()
    space = problem.space
    made: dict[str, Callable[[], Any]] = {
        "nsga2": lambda: optuna.samplers.NSGAIISampler(seed=seed),
        "tpe": lambda: optuna.samplers.TPESampler(seed=seed),
    }

    def objective(trial: Any) -> tuple[float, ...]:
        row = [
            trial.suggest_categorical(f"p{position}", list(range(len(names))))
            for position, names in enumerate(space.choices)
        ]
        architectures = space.from_decisions(space.repair(np.array([row], dtype=np.int64)))
        costs = problem.costs(problem.evaluate(architectures))
        record.add(costs)
        return tuple(costs[0].tolist())

    study = optuna.create_study(directions=["minimize"] * len(problem.objectives), sampler=made[sampler]())
    study.optimize(objective, n_trials=evaluations)
    return record

"""Run a search: objectives as callables over batches, the front with bounds and origins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy.orm import Session

from device_db import Devices
from service.accuracy_source import AccuracySource, choose_dataset, open_accuracy
from service.codesign import Codesign
from service.device_costs import DeviceCosts, open_costs
from service.errors import FieldError, UnreachableLimitError
from service.lookup import find_space
from service.predictor_cache import PredictorCache
from service.problems import json_pointer
from service.schemas.searches import FrontEntry, SearchAnswer, SearchRequest
from service.search_metrics import direction, evaluators
from spaces import SearchSpace

if TYPE_CHECKING:
    from search import Budget, Problem, Progress, SearchResult


def run_search(
    session: Session,
    spaces: Mapping[str, SearchSpace],
    predictors: PredictorCache,
    request: SearchRequest,
    *,
    job_id: str,
    max_seconds: float,
    on_progress: Callable[[Progress], bool] | None = None,
) -> SearchAnswer:
    """The Pareto front of a request that `check_search` let pass.

    Args:
        job_id: named in the answer.
        max_seconds: of the search, where the request sets evaluations only.
        on_progress: called after each batch; returns True to stop.

    Raises: UnreachableLimitError if nothing within the limits was found; what `check_search` raises.
    """
    from search import run  # brings pymoo: seconds that starting the server need not take

    space = find_space(spaces, request.space)
    device = Devices(session).get(request.device)
    costs = Codesign(device, space, request) if request.options else open_costs(session, predictors, device, space)
    accuracy = _accuracy(session, space, request)
    problem = _problem(space, costs, accuracy, request)
    result = run(
        problem,
        algorithm=request.algorithm,
        budget=_budget(request, max_seconds),
        rng=np.random.default_rng(request.seed),
        on_progress=on_progress,
    )
    if not result.feasible and result.stopped_by != "cancelled":
        raise _unreachable(problem, result)
    return SearchAnswer(
        job=job_id,
        space=space.name,
        device=request.device,
        front=_front(result, costs, accuracy, request.interval),
        evaluations=result.evaluations,
        failed=result.failed,
        seconds=result.seconds,
        algorithm=result.algorithm,
        stopped_by=result.stopped_by,
        complete=result.complete,
        seed=request.seed,
        predictor=costs.info,
        accuracy=accuracy.info if accuracy else None,
    )


def _accuracy(session: Session, space: SearchSpace, request: SearchRequest) -> AccuracySource | None:
    if "accuracy" not in {*request.objectives, *request.constraints}:
        return None
    return open_accuracy(session, space, choose_dataset(session, space, request.dataset))


def _problem(
    space: SearchSpace, costs: DeviceCosts, accuracy: AccuracySource | None, request: SearchRequest
) -> Problem:
    from search import Constraint, Objective, Problem

    evaluate = evaluators(space, costs, accuracy)
    if isinstance(costs, Codesign):
        of_device = costs.evaluators
        evaluate = {name: each if name in of_device else costs.of_architecture(each) for name, each in evaluate.items()}
        space = costs.space
    objectives = {name: Objective(name, direction(name), evaluate[name]) for name in request.objectives}
    limited = {name: Objective(name, direction(name), evaluate[name]) for name in request.constraints}
    return Problem(
        space=space,
        objectives=objectives,
        constraints=tuple(
            Constraint(name, max=limit.max, min=limit.min) for name, limit in request.constraints.items()
        ),
        metrics={name: metric for name, metric in limited.items() if name not in objectives},
    )


def _budget(request: SearchRequest, max_seconds: float) -> Budget:
    from search import Budget

    asked = request.budget
    if asked.evaluations is None and asked.seconds is None:
        return Budget()  # the algorithm bounds itself
    return Budget(asked.evaluations, asked.seconds or max_seconds)


def _front(
    result: SearchResult, costs: DeviceCosts, accuracy: AccuracySource | None, interval: float
) -> list[FrontEntry]:
    latencies = costs.latencies([candidate.architecture for candidate in result.front], interval)
    entries = []
    for index, candidate in enumerate(result.front):
        members: dict[str, Any] = dict(candidate.values)
        architecture = candidate.architecture
        if isinstance(costs, Codesign):
            members |= costs.members(architecture)
            architecture, _ = costs.space.split(architecture)
        if accuracy is not None:
            members["accuracy_origin"] = accuracy.origin(architecture)
        entries.append(
            FrontEntry(
                architecture=architecture.key,
                lower_ms=float(latencies.lower_ms[index]),
                upper_ms=float(latencies.upper_ms[index]),
                origin=latencies.origins[index],
                **members,
            )
        )
    return entries


def _unreachable(problem: Problem, result: SearchResult) -> UnreachableLimitError:
    seen = "of the space" if result.complete else f"of the {result.evaluations} evaluated"
    best = {name: float(value) for name, value in result.best_reachable.items()}
    missed = [
        constraint
        for constraint in problem.constraints
        if constraint.objective in best and not constraint.is_met(np.array([best[constraint.objective]]))[0]
    ]
    faults = [
        FieldError(
            f"no architecture {seen} meets this limit; the best reachable value is {best[constraint.objective]:.6g}: "
            "relax it to at least that",
            pointer=json_pointer(["constraints", constraint.objective]),
        )
        for constraint in missed
    ]
    reason = f"no architecture {seen} meets all limits together, though each can be met alone: relax one of them"
    return UnreachableLimitError(faults or [FieldError(reason, pointer="/constraints")], best)

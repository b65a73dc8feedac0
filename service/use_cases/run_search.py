"""Run a search: objectives as callables over batches, the front with bounds and origins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sqlalchemy.orm import Session, sessionmaker

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
from service.settings import ComputeSettings
from spaces import SearchSpace
from spaces.base import FloatArray

if TYPE_CHECKING:
    from search import Problem, Progress, SearchResult


# What is stored and answered of a front; five objectives can make one of twenty thousand, several megabytes.
LARGEST_FRONT: Final = 1_000


def run_search(
    sessions: sessionmaker[Session],
    spaces: Mapping[str, SearchSpace],
    predictors: PredictorCache,
    settings: ComputeSettings,
    request: SearchRequest,
    *,
    job_id: str,
    on_progress: Callable[[Progress], bool] | None = None,
) -> SearchAnswer:
    """The Pareto front of a request that `check_search` let pass.

    The database is read once at the start: a transaction as long as the search would keep SQLite's log from shrinking
    and PostgreSQL's old rows from being cleaned up.

    Args:
        sessions: that read.
        settings: its longest search ends every search, whatever the request's budget leaves open.
        job_id: named in the answer.
        on_progress: called after each batch; returns True to stop.

    Raises: UnreachableLimitError if nothing within the limits was found; what `check_search` raises.
    """
    from search import Budget, run  # brings pymoo: seconds that starting the server need not take

    space = find_space(spaces, request.space)
    with sessions() as session:
        device = Devices(session).get(request.device)
        costs = Codesign(device, space, request) if request.options else open_costs(session, predictors, device, space)
        accuracy = _accuracy(session, space, request)
    problem = _problem(space, costs, accuracy, request)
    result = run(
        problem,
        algorithm=request.algorithm,
        budget=Budget(request.budget.evaluations, request.budget.seconds),
        cap=Budget(settings.max_search_evaluations, settings.max_search_seconds),
        largest_front=LARGEST_FRONT,
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
        front_size=result.front_size,
        evaluations=result.evaluations,
        failed=result.failed,
        seconds=result.seconds,
        algorithm=result.algorithm,
        stopped_by=result.stopped_by,
        complete=result.complete,
        seed=request.seed,
        predictor=costs.info,
        accuracy=accuracy.info if accuracy else None,
        warnings=[*_warnings(request, accuracy), *(costs.warnings if isinstance(costs, Codesign) else [])],
    )


def _accuracy(session: Session, space: SearchSpace, request: SearchRequest) -> AccuracySource | None:
    if "accuracy" not in {*request.objectives, *request.constraints}:
        return None
    return open_accuracy(session, space, choose_dataset(session, space, request.dataset))


def _warnings(request: SearchRequest, accuracy: AccuracySource | None) -> list[str]:
    if accuracy is None or accuracy.info.source != "log10_macs" or not {"accuracy", "macs"} <= {*request.objectives}:
        return []
    return [
        "accuracy is only a function of the MACs here, so that maximising it and minimising macs rules hardly any "
        "architecture out; import accuracies of the space, or leave one of the two objectives out"
    ]


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


def _front(
    result: SearchResult, costs: DeviceCosts, accuracy: AccuracySource | None, interval: float
) -> list[FrontEntry]:
    latencies = costs.latencies([candidate.architecture for candidate in result.front], interval)
    bounds = _accuracy_bounds(result, costs, accuracy, interval)
    entries = []
    for index, candidate in enumerate(result.front):
        members: dict[str, Any] = dict(candidate.values)
        architecture = candidate.architecture
        if isinstance(costs, Codesign):
            members |= costs.members(architecture)
            architecture, _ = costs.space.split(architecture)
        if accuracy is not None:
            members["accuracy_origin"] = accuracy.origin(architecture)
        if bounds is not None:
            members |= {name: float(values[index]) for name, values in bounds.items()}
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


def _accuracy_bounds(
    result: SearchResult, costs: DeviceCosts, accuracy: AccuracySource | None, interval: float
) -> dict[str, FloatArray] | None:
    if accuracy is None:
        return None
    found = [candidate.architecture for candidate in result.front]
    if isinstance(costs, Codesign):
        found = [costs.space.split(architecture)[0] for architecture in found]
    bounds = accuracy.bounds(found, interval)
    return None if bounds is None else {"accuracy_lower": bounds[0], "accuracy_upper": bounds[1]}


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

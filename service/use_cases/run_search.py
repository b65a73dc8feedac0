"""Run a search: objectives as callables over batches, the front with bounds and origins."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sqlalchemy.orm import Session, sessionmaker

from service.accuracy_source import AccuracySource, choose_dataset, open_accuracy
from service.codesign import Codesign
from service.front_explanation import explanations
from service.interruptible import interruptible
from service.lookup import find_space
from service.predictor_cache import PredictorCache
from service.schemas.searches import FrontEntry, SearchAnswer, SearchRequest
from service.search_problem import build_problem, unreachable
from service.searched_devices import SearchedDevices, open_devices
from service.settings import ComputeSettings
from service.warm_start import starting_architectures
from service.zero_cost_source import compute_what_lacks
from spaces import Architecture, SearchSpace
from spaces.base import FloatArray

if TYPE_CHECKING:
    from search import Budget, Checkpoint, Problem, Progress, SearchResult

_log = logging.getLogger(__name__)
# What is stored and answered of a front; five objectives can make one of twenty thousand, several megabytes.
LARGEST_FRONT: Final = 1_000
# To find for each limit first what comes closest to it.
_PROBE_EVALUATIONS: Final = 4_000
_PROBE_SECONDS: Final = 5.0


def run_search(
    sessions: sessionmaker[Session],
    spaces: Mapping[str, SearchSpace],
    predictors: PredictorCache,
    settings: ComputeSettings,
    request: SearchRequest,
    *,
    job_id: str,
    stores: sessionmaker[Session] | None = None,
    on_progress: Callable[[Progress], bool] | None = None,
    is_to_stop: Callable[[], bool] = lambda: False,
    on_preparation: Callable[[int, int], bool | None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> SearchAnswer:
    """The Pareto front of a request that `check_search` let pass.

    The database is read once at the start: a transaction as long as the search would keep SQLite's log from shrinking
    and PostgreSQL's old rows from being cleaned up.

    Args:
        sessions: that read.
        settings: its longest search ends every search, whatever the request's budget leaves open.
        job_id: named in the answer.
        stores: sessions that write, for zero-cost proxies that are to be computed; without, there must be enough.
        on_progress: called after each batch; returns True to stop.
        is_to_stop: the same question without a report, asked before there is anything to report.
        on_preparation: called with (done, total) proxies while these are computed; returns True to stop.
        checkpoint: of an earlier attempt at the same request, which goes on from there.

    Raises: UnreachableLimitError if nothing within the limits was found; StoppedWaitingError if it is to stop before it
    has begun; what `check_search` and `compute_what_lacks` raise.
    """
    from search import (
        Budget,
        InvalidCheckpointError,
        run,
    )  # brings pymoo: seconds that starting the server need not take

    space = find_space(spaces, request.space)
    started = time.monotonic()
    computed = 0
    if stores is not None and request.accuracy_source == "zero_cost" and _has_accuracy(request):
        seconds = min(request.budget.seconds or math.inf, settings.max_search_seconds)
        computed = compute_what_lacks(stores, space, seconds, on_preparation or (lambda *_: is_to_stop()))
    spent = time.monotonic() - started if computed else 0.0
    budget = Budget(request.budget.evaluations, request.budget.seconds and request.budget.seconds - spent)
    cap = Budget(settings.max_search_evaluations, settings.max_search_seconds)
    devices, accuracy, initial, problem = interruptible(
        partial(_prepare, sessions, space, predictors, request), is_to_stop
    )
    if checkpoint is None:
        initial = [*initial, *_starts(request, problem, budget, cap, is_to_stop)]
    search = partial(
        run,
        problem,
        algorithm=request.algorithm,
        budget=budget,
        cap=cap,
        largest_front=LARGEST_FRONT,
        initial=initial,
        on_progress=on_progress,
    )
    try:
        result = search(rng=np.random.default_rng(request.seed), checkpoint=checkpoint)
    except InvalidCheckpointError as error:  # an older release knew other metrics
        _log.warning("the search begins anew", extra={"reason": error.reason})
        result = search(rng=np.random.default_rng(request.seed))
    if not result.feasible and result.stopped_by != "cancelled":
        raise unreachable(request, problem, result, _refusals(devices))
    front = _front(problem, result, devices, accuracy, request)
    return SearchAnswer(
        job=job_id,
        space=space.name,
        device=next(iter(devices.costs)),
        front=front,
        front_size=result.front_size,
        evaluations=result.evaluations,
        failed=result.failed,
        seconds=spent + result.seconds,
        algorithm=result.algorithm,
        stopped_by=result.stopped_by,
        complete=result.complete,
        seed=request.seed,
        predictor=devices.first.info,
        predictors={name: costs.info for name, costs in devices.costs.items()} if len(devices.costs) > 1 else {},
        accuracy=accuracy.info_with(computed) if accuracy else None,
        warnings=[*_warnings(request, accuracy, devices), *_extrapolations(front)],
    )


def _prepare(
    sessions: sessionmaker[Session], space: SearchSpace, predictors: PredictorCache, request: SearchRequest
) -> tuple[SearchedDevices, AccuracySource | None, list[Architecture], Problem]:
    """What the search reads from the database, and fits or loads for seconds."""
    with sessions() as session:
        devices = open_devices(session, predictors, request, space)
        accuracy = _accuracy(session, space, request)
        initial = starting_architectures(session, space, request)
    return devices, accuracy, initial, build_problem(space, devices, accuracy, request)


def _starts(
    request: SearchRequest, problem: Problem, budget: Budget, cap: Budget, is_to_stop: Callable[[], bool]
) -> list[Architecture]:
    """Architectures that come closest to limits which chance does not meet.

    Raises: UnreachableLimitError at once, where the search would surely raise it in the end.
    """
    from search import AUTO, Budget, choose_algorithm
    from search.reach import nowhere_met, out_of_reach, starts_within

    chosen = choose_algorithm(problem, budget, cap) if request.algorithm == AUTO else request.algorithm
    rng = np.random.default_rng(request.seed)
    if chosen == "exhaustive":
        missed = nowhere_met(problem, rng=rng, is_to_stop=is_to_stop) if problem.constraints else None
    else:
        missed = out_of_reach(problem)
    if missed is not None:
        raise unreachable(request, problem, missed)
    if chosen == "exhaustive":
        return []
    seconds = min(_PROBE_SECONDS, 0.1 * (budget.within(cap).seconds or math.inf))
    return starts_within(problem, Budget(_PROBE_EVALUATIONS, seconds), rng=rng, is_to_stop=is_to_stop)


def _has_accuracy(request: SearchRequest) -> bool:
    return "accuracy" in {*request.objectives, *request.constraints}


def _accuracy(session: Session, space: SearchSpace, request: SearchRequest) -> AccuracySource | None:
    if not _has_accuracy(request):
        return None
    return open_accuracy(session, space, choose_dataset(session, space, request.dataset), request.accuracy_source)


def _warnings(request: SearchRequest, accuracy: AccuracySource | None, devices: SearchedDevices) -> list[str]:
    found = _refusals(devices)
    if accuracy is None or accuracy.info.source != "log10_macs" or not {"accuracy", "macs"} <= {*request.objectives}:
        return found
    return [
        *found,
        "accuracy is only a function of the MACs here, so that maximising it and minimising macs rules hardly any "
        "architecture out; import accuracies of the space, or leave one of the two objectives out",
    ]


def _refusals(devices: SearchedDevices) -> list[str]:
    return devices.first.warnings if isinstance(devices.first, Codesign) else []


def _extrapolations(front: Sequence[FrontEntry]) -> list[str]:
    """Of costs that rest on more than their model was fitted to."""
    extra = [entry.model_extra or {} for entry in front]
    marked = sum(
        any(each.get("extrapolated") for each in (members, *members.get("devices", {}).values())) for members in extra
    )
    if not marked:
        return []
    return [
        f"{marked} of the {len(front)} members of the front are marked `extrapolated`: they rest on areas of circuits "
        "beyond those that the model was fitted to, and may be further off than their intervals say; `simulate` names "
        "the layers"
    ]


def _front(
    problem: Problem,
    result: SearchResult,
    devices: SearchedDevices,
    accuracy: AccuracySource | None,
    request: SearchRequest,
) -> list[FrontEntry]:
    bounds = devices.members([candidate.architecture for candidate in result.front], request.interval)
    accuracies = _accuracy_bounds(result, devices, accuracy, request.interval)
    explained: list[dict[str, Any]] = [{} for _ in result.front]
    if request.explain:
        explained = explanations(problem, result, devices, accuracy, request.seed)
    entries = []
    for candidate, bounded, explanation in zip(result.front, bounds, explained, strict=True):
        members: dict[str, Any] = bounded | dict(candidate.values) | explanation
        if "luts" not in members:
            members = {name: value for name, value in members.items() if name not in ("luts_lower", "luts_upper")}
        architecture = candidate.architecture
        if isinstance(devices.first, Codesign):
            members |= devices.first.members(architecture)
            architecture, _ = devices.first.space.split(architecture)
        if accuracy is not None:
            members["accuracy_origin"] = accuracy.origin(architecture)
        if accuracies is not None:
            members |= {name: float(values[len(entries)]) for name, values in accuracies.items()}
        entries.append(FrontEntry(architecture=architecture.key, **members))
    return entries


def _accuracy_bounds(
    result: SearchResult, devices: SearchedDevices, accuracy: AccuracySource | None, interval: float
) -> dict[str, FloatArray] | None:
    if accuracy is None:
        return None
    found = [candidate.architecture for candidate in result.front]
    if isinstance(devices.first, Codesign):
        found = [devices.first.space.split(architecture)[0] for architecture in found]
    bounds = accuracy.bounds(found, interval)
    return None if bounds is None else {"accuracy_lower": bounds[0], "accuracy_upper": bounds[1]}

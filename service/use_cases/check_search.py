"""Check a search before it becomes a job: unknown names and impossible limits are answered at once."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from service.accuracy_source import check_source, choose_dataset
from service.codesign import Codesign
from service.errors import FieldError, InvalidRequestError
from service.lookup import body_space
from service.predictor_cache import PredictorCache
from service.problems import json_pointer
from service.schemas.searches import SearchRequest
from service.search_metrics import every_metric, split_name
from service.searched_devices import SearchedDevices, open_devices
from service.settings import ComputeSettings
from service.warm_start import starting_architectures
from spaces import SearchSpace, is_enumerable


def check_search(
    session: Session,
    spaces: Mapping[str, SearchSpace],
    predictors: PredictorCache,
    settings: ComputeSettings,
    request: SearchRequest,
) -> None:
    """Return if the search can run. Raises: InvalidRequestError that points at each fault; DeviceNotReadyError."""
    space = body_space(spaces, request.space)
    if not space.size:
        reason = f"{space.name} has no architectures yet: POST /models brings them"
        raise InvalidRequestError([FieldError(reason, pointer="/space")])
    devices = open_devices(session, predictors, request, space, keys=())
    if isinstance(devices.first, Codesign):
        devices.first.check()
    searched = devices.first.space if isinstance(devices.first, Codesign) else space
    faults = [
        *_metric_faults(request, devices),
        *_algorithm_faults(request, searched),
        *_budget_faults(request, settings),
    ]
    if faults:
        raise InvalidRequestError(faults)
    check_source(session, space, choose_dataset(session, space, request.dataset), request.accuracy_source)
    starting_architectures(session, space, request)


def _metric_faults(request: SearchRequest, devices: SearchedDevices) -> list[FieldError]:
    several = len(devices.costs) > 1
    known = every_metric(devices.evaluators if several else devices.first.evaluators)
    named = [(json_pointer(["objectives", index]), name) for index, name in enumerate(request.objectives)]
    named += [(json_pointer(["constraints", name]), name) for name in request.constraints]
    faults = [
        FieldError(f"unknown metric {name!r} for {_these(request)}; known: {', '.join(known)}", pointer=pointer)
        for pointer, name in named
        if name not in known and name not in devices.evaluators
    ]
    faults += [
        FieldError(
            f"a probability goes with a latency, and {name!r} is none: nothing is known of its distribution",
            pointer=json_pointer(["constraints", name, "probability"]),
        )
        for name, limit in request.constraints.items()
        if limit.probability is not None and split_name(name)[0] != "latency_ms"
    ]
    return faults + _repeated(request)


def _repeated(request: SearchRequest) -> list[FieldError]:
    """Metrics that are given twice, be it by both names that the first device's have."""
    first = next(iter(request.named_devices))

    def meant(name: str) -> str:
        metric, device = split_name(name)
        return metric if device == first else name

    found: list[FieldError] = []
    constrained = list(request.constraints)
    for kind, names, keys in (
        ("objective", request.objectives, [["objectives", index] for index in range(len(request.objectives))]),
        ("limit", constrained, [["constraints", name] for name in constrained]),
    ):
        for index, name in enumerate(names):
            if meant(name) in map(meant, names[:index]):
                found.append(FieldError(f"{kind} {name!r} is given twice", pointer=json_pointer(keys[index])))
    return found


def _these(request: SearchRequest) -> str:
    return ", ".join(request.named_devices)


def _algorithm_faults(request: SearchRequest, space: SearchSpace) -> list[FieldError]:
    from search import ALGORITHMS  # brings pymoo: seconds that starting the server need not take

    known = ["auto", *ALGORITHMS]
    if request.algorithm not in known:
        reason = f"unknown search algorithm {request.algorithm!r}; known: {', '.join(known)}"
        return [FieldError(reason, pointer="/algorithm")]
    if request.algorithm == "exhaustive" and not is_enumerable(space):
        return [
            FieldError(f"{space.name} has {space.size:.3g} architectures: too many to score all", pointer="/algorithm")
        ]
    return []


def _budget_faults(request: SearchRequest, settings: ComputeSettings) -> list[FieldError]:
    limits = {"evaluations": settings.max_search_evaluations, "seconds": settings.max_search_seconds}
    asked = {name: getattr(request.budget, name) for name in limits}
    return [
        FieldError(f"{asked[name]:g} is above this server's limit of {limit:g}", pointer=f"/budget/{name}")
        for name, limit in limits.items()
        if asked[name] is not None and asked[name] > limit
    ]

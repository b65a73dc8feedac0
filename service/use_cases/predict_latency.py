"""Answer the latency of architectures on a device: measured, simulated or predicted."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from service.device_costs import open_costs
from service.lookup import body_device, body_space, parse_architectures
from service.predictor_cache import PredictorCache
from service.schemas.predictions import LatencyResult, PredictionAnswer, PredictionRequest
from spaces import Architecture, SearchSpace


def predict_latency(
    session: Session, spaces: Mapping[str, SearchSpace], predictors: PredictorCache, request: PredictionRequest
) -> PredictionAnswer:
    """One result per architecture, in the order asked, duplicates included.

    Raises: InvalidRequestError for unknown names and bad architectures; DeviceNotReadyError.
    """
    space = body_space(spaces, request.space)
    device = body_device(session, request.device)
    architectures = _architectures(space, request)
    keys = list(dict.fromkeys(architecture.key for architecture in architectures))
    costs = open_costs(session, predictors, device, space, keys)
    latencies = costs.latencies(architectures, request.interval)
    rows = zip(
        architectures,
        latencies.value_ms.tolist(),
        latencies.lower_ms.tolist(),
        latencies.upper_ms.tolist(),
        latencies.origins,
        strict=True,
    )
    results = [
        LatencyResult(architecture=architecture.key, latency_ms=value, lower_ms=lower, upper_ms=upper, origin=origin)
        for architecture, value, lower, upper, origin in rows
    ]
    return PredictionAnswer(device=device.name, space=space.name, predictor=costs.info, results=results)


def _architectures(space: SearchSpace, request: PredictionRequest) -> list[Architecture]:
    if request.architectures is None:
        assert request.architecture is not None
        return parse_architectures(space, [request.architecture], ["/architecture"])
    pointers = [f"/architectures/{index}" for index in range(len(request.architectures))]
    return parse_architectures(space, request.architectures, pointers)

"""Answer the latency of architectures on a device: measured, simulated or predicted."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy.orm import Session

from device_db import Device, DeviceKind
from service.device_costs import layer_shares, open_costs
from service.errors import FieldError, InvalidRequestError
from service.lookup import body_device, body_space, parse_architectures
from service.predictor_cache import PredictorCache
from service.schemas.predictions import LatencyResult, LayerShare, PredictionAnswer, PredictionRequest
from spaces import Architecture, SearchSpace

MOST_BROKEN_DOWN: Final = 100


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
    unlike = latencies.is_unlike or [None] * len(architectures)
    extrapolated = latencies.is_extrapolated or [None] * len(architectures)
    rows = zip(
        architectures,
        latencies.value_ms.tolist(),
        latencies.lower_ms.tolist(),
        latencies.upper_ms.tolist(),
        latencies.origins,
        unlike,
        extrapolated,
        strict=True,
    )
    results = [
        LatencyResult(
            architecture=architecture.key,
            latency_ms=value,
            lower_ms=lower,
            upper_ms=upper,
            origin=origin,
            unlike_samples=is_unlike,
            extrapolated=is_extrapolated,
        )
        for architecture, value, lower, upper, origin, is_unlike, is_extrapolated in rows
    ]
    answer = PredictionAnswer(
        device=device.name,
        space=space.name,
        predictor=costs.info,
        results=results,
        warnings=_warnings(device, sum(map(bool, extrapolated)), len(results)),
    )
    if request.breakdown:
        _break_down(session, predictors, device, space, architectures, answer)
    return answer


def _warnings(device: Device, extrapolated: int, asked: int) -> list[str]:
    if not extrapolated:
        return []
    return [
        f"{extrapolated} of {asked} latencies rest on areas of circuits beyond those that the model of {device.name} "
        "was fitted to, and may be off; `simulate` names the layers"
    ]


def _break_down(
    session: Session,
    predictors: PredictorCache,
    device: Device,
    space: SearchSpace,
    architectures: Sequence[Architecture],
    answer: PredictionAnswer,
) -> None:
    """Give each result of the answer its layers."""
    if len(architectures) > MOST_BROKEN_DOWN:
        reason = f"a breakdown is of at most {MOST_BROKEN_DOWN} architectures, got {len(architectures)}"
        raise InvalidRequestError([FieldError(reason, pointer="/breakdown")])
    shares = layer_shares(session, predictors, device, space)
    answer.breakdown = "simulated" if device.kind is DeviceKind.simulated else "estimated"
    for architecture, result in zip(architectures, answer.results, strict=True):
        result.layers = [
            LayerShare(name=layer.name, kind=layer.kind, share=share, latency_ms=share * result.latency_ms)
            for layer, share in zip(space.workload(architecture).layers, shares(architecture).tolist(), strict=True)
        ]


def _architectures(space: SearchSpace, request: PredictionRequest) -> list[Architecture]:
    if request.architectures is None:
        assert request.architecture is not None
        return parse_architectures(space, [request.architecture], ["/architecture"])
    pointers = [f"/architectures/{index}" for index in range(len(request.architectures))]
    return parse_architectures(space, request.architectures, pointers)

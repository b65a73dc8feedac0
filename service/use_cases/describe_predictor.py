"""Tell everything about a device's predictor: samples, errors, what it rests on, and what to measure next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from device_db import Artifact, ArtifactNotFoundError, Artifacts, Device, DeviceKind, Devices, Measurements
from predictors import MIN_SAMPLES, CostLinear, GraphLinear, LatencyPredictor, cost_linear
from service.device_costs import open_costs
from service.errors import DeviceNotReadyError
from service.lookup import find_space
from service.predictor_cache import PredictorCache
from service.schemas.device_predictors import Condition, DevicePredictor, FittedSample, SamplePage, SourceVersion
from service.schemas.predictions import LatencyResult, PredictorInfo
from service.stored_predictor import read_predictor
from service.use_cases.adapt_predictor import samples_digest
from service.use_cases.suggest_architectures import most_telling
from spaces import Architecture, SearchSpace
from spaces.base import FloatArray, is_open

_ANYWHERE = "it is fitted to the device's timings of every space, and not stored"
_GONE = "the device's samples have changed since this version was fitted, and it keeps none of so many"


@dataclass(frozen=True, slots=True)
class PredictorQuery:
    """What to tell of a predictor.

    Attributes:
        version: None is the one in use.
        next_count: how many suggestions.
        offset, limit: which samples.
        interval: level of every interval.
    """

    version: int | None = None
    next_count: int = 5
    offset: int = 0
    limit: int = 100
    interval: float = 0.9


def describe_predictor(
    session: Session,
    spaces: Mapping[str, SearchSpace],
    predictors: PredictorCache,
    device_name: str,
    space_name: str,
    query: PredictorQuery,
) -> DevicePredictor:
    """One version of the device's predictor in the space.

    Raises: DeviceNotFoundError, UnknownSpaceError, ArtifactNotFoundError, DeviceNotReadyError, UnusablePredictorError.
    """
    device = Devices(session).get(device_name)
    space = find_space(spaces, space_name)
    if device.kind is DeviceKind.simulated or is_open(space):
        return _of_model(session, predictors, device, space, query)
    artifacts = Artifacts(session)
    in_use = _in_use(session, device, space)
    artifact = in_use if query.version is None else artifacts.get(device.name, space.name, query.version)
    if artifact is None:
        samples = Devices(session).samples(device.name, space.name)
        raise DeviceNotReadyError(device.name, space.name, samples, MIN_SAMPLES)
    predictor = read_predictor(artifacts, artifact)
    info = PredictorInfo.of(artifact)
    return DevicePredictor(
        device=device.name,
        space=space.name,
        kind=device.kind,
        predictor=info,
        created_at=artifact.created_at,
        retired_at=artifact.retired_at,
        is_in_use=in_use is not None and artifact.version == in_use.version,
        versions=artifacts.versions(device.name, space.name),
        condition=Condition.model_validate(artifact.manifest.get("condition", {})),
        sources=[_source(text) for text in artifact.manifest.get("sources", [])],
        errors=next((each.errors for each in info.candidates if each.name == artifact.predictor), None),
        interval=query.interval,
        samples=_samples(session, artifact, predictor, query),
        next=_next(session, space, device, predictor, query),
    )


def _in_use(session: Session, device: Device, space: SearchSpace) -> Artifact | None:
    """The samples decide, as in `open_costs`."""
    is_ready = Devices(session).samples(device.name, space.name) >= MIN_SAMPLES
    return Artifacts(session).latest(device.name, space.name) if is_ready else None


def _of_model(
    session: Session, predictors: PredictorCache, device: Device, space: SearchSpace, query: PredictorQuery
) -> DevicePredictor:
    """What is not stored: a simulated device's cost model, and what is fitted to all timings for open spaces."""
    info = open_costs(session, predictors, device, space, keys=()).info
    if query.version not in (None, info.version):
        raise ArtifactNotFoundError(device.name, space.name, query.version)
    return DevicePredictor(
        device=device.name,
        space=space.name,
        kind=device.kind,
        predictor=info,
        created_at=None,
        retired_at=None,
        is_in_use=True,
        versions=[info.version],
        condition=Condition(),
        sources=[],
        errors=None,
        interval=query.interval,
        samples=SamplePage(
            total=info.samples, offset=query.offset, items=[], missing=_ANYWHERE if info.samples else None
        ),
        next=[],
    )


def _source(text: str) -> SourceVersion:
    device, _, version = text.rpartition("@")
    return SourceVersion(device=device, version=int(version))


def _samples(session: Session, artifact: Artifact, predictor: LatencyPredictor, query: PredictorQuery) -> SamplePage:
    found = _fitted_samples(session, artifact)
    page = SamplePage(total=artifact.samples, offset=query.offset, items=[])
    if found is None:
        page.missing = _GONE
        return page
    keys, latency_ms = found
    told = _left_out(predictor, latency_ms, query.interval)
    rows = range(len(keys))[query.offset : query.offset + query.limit]
    page.items = [
        FittedSample(architecture=keys[row], latency_ms=latency_ms[row], origin="measured", **told.get(row, _UNTOLD))
        for row in rows
    ]
    return page


_UNTOLD: dict[str, float | None] = {"left_out_ms": None, "lower_ms": None, "upper_ms": None}


def _fitted_samples(session: Session, artifact: Artifact) -> tuple[Sequence[str], FloatArray] | None:
    """What the version was fitted on, sorted by architecture: as it keeps it, or as still stored."""
    kept: dict[str, Any] | None = artifact.manifest.get("samples")
    if kept is not None:
        return kept["architectures"], np.array(kept["latency_ms"])
    keys, latency_ms = Measurements(session).latencies(artifact.device.name, artifact.space)
    is_same = samples_digest(keys, latency_ms) == artifact.manifest.get("samples_sha256")
    return (keys, latency_ms) if is_same else None


def _left_out(
    predictor: LatencyPredictor, latency_ms: FloatArray, interval: float
) -> dict[int, dict[str, float | None]]:
    """For each row that was fitted, the prediction from the others and its bounds; empty in older versions."""
    if not isinstance(predictor, CostLinear | GraphLinear) or not len(predictor.line.left_out_ms):
        return {}
    fitted = cost_linear.fitted_rows(len(latency_ms))
    lower_ms, upper_ms = predictor.line.left_out_interval(latency_ms[fitted], interval)
    columns = zip(
        fitted.tolist(), predictor.line.left_out_ms.tolist(), lower_ms.tolist(), upper_ms.tolist(), strict=True
    )
    return {row: {"left_out_ms": value, "lower_ms": lower, "upper_ms": upper} for row, value, lower, upper in columns}


def _next(
    session: Session, space: SearchSpace, device: Device, predictor: LatencyPredictor, query: PredictorQuery
) -> list[LatencyResult]:
    architectures: list[Architecture] = (
        most_telling(session, space, device.name, query.next_count) if query.next_count else []
    )
    estimate = predictor.predict(architectures)
    lower_ms, upper_ms = estimate.interval(query.interval)
    columns = zip(architectures, estimate.mean_ms.tolist(), lower_ms.tolist(), upper_ms.tolist(), strict=True)
    return [
        LatencyResult(
            architecture=architecture.key, latency_ms=value, lower_ms=lower, upper_ms=upper, origin="predicted"
        )
        for architecture, value, lower, upper in columns
    ]

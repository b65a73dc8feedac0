"""Where a device's costs come from: its samples and predictor, or the cost model of a simulated device."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final, Protocol

import numpy as np
from sqlalchemy.orm import Session

from device_db import Device, DeviceKind, Devices, Measurements
from predictors import MIN_SAMPLES, LatencyPredictor
from predictors.workload_latency import WorkloadLatency
from service.cost_memory import CostMemory
from service.errors import DeviceNotReadyError, FieldError
from service.predictor_cache import PredictorCache
from service.problems import json_pointer
from service.schemas.fields import Origin
from service.schemas.predictions import PredictorInfo
from spaces import Architecture, SearchSpace, Workload
from spaces.base import FloatArray, is_open
from targets import CostArrays, Target, build_target, parse_hardware, segment_costs
from targets.errors import RefusedNetworkError
from targets.formats import NumberFormat, mse_evaluator, sqnr_evaluator

Evaluator = Callable[[Sequence[Architecture]], FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class Latencies:
    """Latency of n architectures, in their order: values and bounds (n,) in ms, and where each comes from.

    Attributes:
        is_unlike: (n,) whether an architecture is unlike all that the predictor was fitted on; None where it cannot
            tell.
        is_extrapolated: (n,) whether a cost model answers beyond what it was fitted to; None where it is no fit.
    """

    value_ms: FloatArray
    lower_ms: FloatArray
    upper_ms: FloatArray
    origins: list[Origin]
    is_unlike: list[bool] | None = None
    is_extrapolated: list[bool] | None = None


# Refused architectures that are told why each.
_REASONS: Final = 20
# What a simulated device may know beside what every device does.
SIMULATED_METRICS: Final = frozenset(
    {"latency_ms", "energy_mj", "area_mm2", "luts", "quantisation_sqnr_db", "quantisation_mse"}
)


@lru_cache(maxsize=1024)
def simulated_metrics(target: Target, *, has_format: bool) -> tuple[str, ...]:
    """Metrics that a target computes, with the weights' error where their number format is known."""
    nothing = target.cost(Workload(()))
    known = {
        "latency_ms": True,
        "energy_mj": nothing.energy_mj is not None,
        "area_mm2": nothing.area_mm2 is not None,
        "luts": "luts" in nothing.resources,
        "quantisation_sqnr_db": has_format,
        "quantisation_mse": has_format,
    }
    return tuple(name for name, is_known in known.items() if is_known)


class DeviceCosts(Protocol):
    """Costs of one device in one space.

    Contract: immutable, thread-safe, deterministic; the order is kept; empty input is allowed.
    """

    @property
    def info(self) -> PredictorInfo:
        """What the numbers come from."""
        ...

    @property
    def evaluators(self) -> Mapping[str, Evaluator]:
        """For each metric that the device has, by its name: batch of n architectures -> (n,) values."""
        ...

    def latencies(self, architectures: Sequence[Architecture], interval: float) -> Latencies:
        """Latency with bounds that hold with the probability `interval`."""
        ...

    def marks(self, architectures: Sequence[Architecture]) -> list[dict[str, Any]]:
        """For each architecture what is to be known of its costs beside them: bounds, and whether to trust them."""
        ...


@dataclass(frozen=True, slots=True)
class SimulatedCosts:
    """Costs that a target computes; each architecture is costed once, whatever the number of metrics.

    Attributes:
        formats: number format of the weights, or one for each set of layer groups; None where one is not known.
    """

    target: Target
    space: SearchSpace
    formats: NumberFormat | Mapping[frozenset[str], NumberFormat] | None = None
    _computed: CostMemory = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        compute = partial(segment_costs, self.target, self.space, is_partial=True)
        object.__setattr__(self, "_computed", CostMemory(compute))

    @property
    def info(self) -> PredictorInfo:
        """The cost model; it has no samples."""
        model = self._costs([]).model
        return PredictorInfo(name=model, version=1, samples=0)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the evaluators."""
        return simulated_metrics(self.target, has_format=self.formats is not None)

    @property
    def evaluators(self) -> Mapping[str, Evaluator]:
        """Latency; energy and area where the target knows them; the weights' error where it has a number format."""
        every: dict[str, Evaluator] = {
            "latency_ms": self._latency_ms,
            "energy_mj": self._energy_mj,
            "area_mm2": self._area_mm2,
            "luts": self._luts,
        }
        if self.formats is not None:
            every["quantisation_sqnr_db"] = sqnr_evaluator(self.space, self.formats)
            every["quantisation_mse"] = mse_evaluator(self.space, self.formats)
        return {name: every[name] for name in self.metrics}

    @property
    def sums(self) -> tuple[str, ...]:
        """Metrics that add over layers."""
        return tuple(name for name in self.metrics if self.target.is_additive and name in ("latency_ms", "energy_mj"))

    def latencies(self, architectures: Sequence[Architecture], interval: float) -> Latencies:
        """A model knows no spread: the bounds equal the value.

        Raises: RefusedNetworkError of the first architecture without a cost, with all of them in its `errors`.
        """
        costs = self._costs(architectures)
        refused = np.flatnonzero(np.isnan(costs.latency_ms)).tolist()
        if refused:
            raise self._refusal(architectures, refused)
        value_ms, beyond = costs.latency_ms, costs.is_extrapolated
        origins: list[Origin] = ["simulated"] * len(architectures)
        is_extrapolated = None if beyond is None else beyond.tolist()
        return Latencies(value_ms, value_ms, value_ms, origins, is_extrapolated=is_extrapolated)

    def marks(self, architectures: Sequence[Architecture]) -> list[dict[str, Any]]:
        """`extrapolated`, and `luts_lower` and `luts_upper`, where the target is a fitted model."""
        costs = self._costs(architectures)
        if costs.is_extrapolated is None or costs.luts_lower is None or costs.luts_upper is None:
            return [{} for _ in architectures]
        rows = zip(costs.is_extrapolated.tolist(), costs.luts_lower.tolist(), costs.luts_upper.tolist(), strict=True)
        return [
            {"extrapolated": is_extrapolated, "luts_lower": lower, "luts_upper": upper}
            for is_extrapolated, lower, upper in rows
        ]

    def _refusal(self, architectures: Sequence[Architecture], refused: Sequence[int]) -> RefusedNetworkError:
        """That of the first one; only some of the others are costed once more for their reason."""
        reasons: list[RefusedNetworkError] = []
        for number in refused[:_REASONS]:
            try:
                self.target.cost(self.space.workload(architectures[number]))
            except RefusedNetworkError as error:
                reasons.append(error)
        first, *_ = reasons
        told = itertools.chain(map(str, reasons), itertools.repeat("has no cost on this device either"))
        pointers = (json_pointer(["architectures", number]) for number in refused)
        first.errors = [FieldError(reason, pointer=pointer) for reason, pointer in zip(told, pointers, strict=False)]
        return first

    def _latency_ms(self, architectures: Sequence[Architecture]) -> FloatArray:
        return self._costs(architectures).latency_ms

    def _energy_mj(self, architectures: Sequence[Architecture]) -> FloatArray:
        energy_mj = self._costs(architectures).energy_mj
        assert energy_mj is not None
        return energy_mj

    def _area_mm2(self, architectures: Sequence[Architecture]) -> FloatArray:
        return np.full(len(architectures), self._costs([]).area_mm2)

    def _luts(self, architectures: Sequence[Architecture]) -> FloatArray:
        luts = self._costs(architectures).luts
        assert luts is not None
        return luts

    def _costs(self, architectures: Sequence[Architecture]) -> CostArrays:
        """NaN for architectures that are refused."""
        if self.target.is_additive:
            return segment_costs(self.target, self.space, architectures)
        return self._computed(architectures)


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredCosts:
    """Samples where there are some, the predictor's mean elsewhere.

    Attributes:
        predictor: fitted to the device's samples.
        info: what is told of it.
        measured_ms: latency by canonical architecture.
    """

    predictor: LatencyPredictor
    info: PredictorInfo
    measured_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def evaluators(self) -> Mapping[str, Evaluator]:
        """Latency alone."""
        return {"latency_ms": lambda architectures: self.latencies(architectures, 0.5).value_ms}

    def latencies(self, architectures: Sequence[Architecture], interval: float) -> Latencies:
        """One batched prediction for all architectures that were not measured."""
        value_ms = np.array([self.measured_ms.get(architecture.key, np.nan) for architecture in architectures])
        lower_ms, upper_ms = value_ms.copy(), value_ms.copy()
        unknown = np.flatnonzero(np.isnan(value_ms)).tolist()
        origins: list[Origin] = ["measured"] * len(architectures)
        if unknown:
            estimate = self.predictor.predict([architectures[index] for index in unknown])
            value_ms[unknown] = estimate.mean_ms
            lower_ms[unknown], upper_ms[unknown] = estimate.interval(interval)
            for index in unknown:
                origins[index] = "predicted"
        is_unlike = None
        if isinstance(self.predictor, WorkloadLatency):
            is_unlike = [False] * len(architectures)
            for index, unlike in zip(
                unknown, self.predictor.is_unlike_samples([architectures[index] for index in unknown]), strict=True
            ):
                is_unlike[index] = unlike
        return Latencies(value_ms, lower_ms, upper_ms, origins, is_unlike)

    def marks(self, architectures: Sequence[Architecture]) -> list[dict[str, Any]]:
        """None."""
        return [{} for _ in architectures]


def open_costs(
    session: Session,
    predictors: PredictorCache,
    device: Device,
    space: SearchSpace,
    keys: Sequence[str] | None = None,
) -> DeviceCosts:
    """Costs of the device in the space.

    Args:
        keys: architectures whose samples are needed; None means all.

    Raises: DeviceNotReadyError for a measured device with too few samples.
    """
    if device.kind is DeviceKind.simulated:
        hardware = parse_hardware(device.config)
        return SimulatedCosts(build_target(hardware), space, hardware.number_format)
    if is_open(space):
        fit = predictors.workloads.of(session, device.name, space)
        info = PredictorInfo(name=fit.predictor.name, version=fit.version, samples=fit.predictor.samples)
        return MeasuredCosts(fit.predictor, info, _measured_ms(session, device.name, space.name, keys))
    # The samples decide, not the artifact: an undone upload may have left a predictor of what is gone.
    samples = Devices(session).samples(device.name, space.name)
    found = predictors.latest(session, device.name, space.name) if samples >= MIN_SAMPLES else None
    if found is None:
        raise DeviceNotReadyError(device.name, space.name, samples, MIN_SAMPLES)
    return MeasuredCosts(
        found.predictor, PredictorInfo.of(found.artifact), _measured_ms(session, device.name, space.name, keys)
    )


def layer_shares(
    session: Session, predictors: PredictorCache, device: Device, space: SearchSpace
) -> Callable[[Architecture], FloatArray]:
    """For an architecture what part of its latency each layer of its workload has, (layers,), adding up to 1.

    Raises: DeviceNotReadyError for a measured device with too few samples.
    """
    if device.kind is DeviceKind.simulated:
        target = build_target(parse_hardware(device.config))
        return lambda architecture: _normalised(
            np.array([layer.latency_ms for layer in target.cost(space.workload(architecture)).layers])
        )
    predictor = predictors.workloads.of(session, device.name, space).predictor
    return lambda architecture: _normalised(predictor.layer_ms(architecture))


def _normalised(parts: FloatArray) -> FloatArray:
    total = parts.sum()
    return parts / total if total > 0 else np.full(len(parts), 1 / max(len(parts), 1))


def _measured_ms(session: Session, device: str, space: str, keys: Sequence[str] | None) -> dict[str, float]:
    measurements = Measurements(session)
    if keys is not None:
        return measurements.lookup(device, space, keys)
    names, values = measurements.latencies(device, space)
    return dict(zip(names, values.tolist(), strict=True))

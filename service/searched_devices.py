"""The devices of a search: costs of each, and every metric of them by the name that a request gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from device_db import DeviceNotFoundError, Devices
from service.codesign import Codesign
from service.device_costs import DeviceCosts, Evaluator, open_costs
from service.errors import FieldError, InvalidRequestError, pointing
from service.predictor_cache import PredictorCache
from service.problems import json_pointer
from service.schemas.searches import SearchRequest
from service.search_metrics import of_device, split_name
from spaces import Architecture, SearchSpace


@dataclass(frozen=True, slots=True)
class SearchedDevices:
    """Costs of a request's devices in its space.

    Attributes:
        costs: by device, the first of them the one that a metric without a device means; at least one.
    """

    costs: Mapping[str, DeviceCosts]

    @property
    def first(self) -> DeviceCosts:
        """Costs of the first device."""
        return next(iter(self.costs.values()))

    @property
    def evaluators(self) -> dict[str, Evaluator]:
        """Each metric of each device, by every name it has."""
        named = {
            of_device(metric, device): evaluate
            for device, costs in self.costs.items()
            for metric, evaluate in costs.evaluators.items()
        }
        return {**self.first.evaluators, **named}

    def upper_ms(self, latency: str, probability: float) -> Evaluator:
        """The evaluator of what a latency, by its name, stays below with the probability, which is above 0.5."""
        _, device = split_name(latency)
        costs = self.first if device is None else self.costs[device]
        level = 2 * probability - 1  # of the central interval with as much above it
        return lambda architectures: costs.latencies(architectures, level).upper_ms

    def members(self, architectures: Sequence[Architecture], interval: float) -> list[dict[str, Any]]:
        """For each architecture the bounds of its costs: the first device's, then of several devices each one's."""
        latencies = {device: costs.latencies(architectures, interval) for device, costs in self.costs.items()}
        marks = {device: costs.marks(architectures) for device, costs in self.costs.items()}
        rows: list[dict[str, Any]] = []
        for index in range(len(architectures)):
            each = {
                device: {
                    "latency_ms": float(found.value_ms[index]),
                    "lower_ms": float(found.lower_ms[index]),
                    "upper_ms": float(found.upper_ms[index]),
                    "origin": found.origins[index],
                    **marks[device][index],
                }
                for device, found in latencies.items()
            }
            first = {name: value for name, value in next(iter(each.values())).items() if name != "latency_ms"}
            rows.append(first | ({"devices": each} if len(each) > 1 else {}))
        return rows


def open_devices(
    session: Session,
    predictors: PredictorCache,
    request: SearchRequest,
    space: SearchSpace,
    keys: Sequence[str] | None = None,
) -> SearchedDevices:
    """Costs of every device of the request.

    Args: keys: architectures whose samples are needed; None means all.
    Raises: InvalidRequestError that points at an unknown device or a value that cannot be used; DeviceNotReadyError.
    """
    costs: dict[str, DeviceCosts] = {}
    for name, pointer in request.named_devices.items():
        with pointing(pointer, DeviceNotFoundError):
            device = Devices(session).get(name)
        if request.options:
            if len(request.named_devices) > 1:
                member = next(iter(request.options))[0]
                reason = f"{member} is chosen for one device, and this search has {len(request.named_devices)}"
                raise InvalidRequestError([FieldError(reason, pointer=json_pointer([member]))])
            costs[name] = Codesign(device, space, request)
        else:
            costs[name] = open_costs(session, predictors, device, space, keys)
    return SearchedDevices(costs)

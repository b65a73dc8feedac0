"""Searches that choose precision and hardware together with the architecture, on a simulated device."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np

from device_db import Device, DeviceKind
from service.device_costs import Evaluator, Latencies, SimulatedCosts
from service.errors import FieldError, InvalidRequestError
from service.mixed_costs import MixedCosts
from service.problems import json_pointer
from service.schemas.predictions import PredictorInfo
from service.schemas.searches import SearchRequest
from spaces import Architecture, SearchSpace, UnknownLayerGroupError, Workload
from spaces.base import FloatArray
from spaces.configured_space import ConfiguredSpace
from spaces.layer_groups import covered_groups
from targets import (
    InvalidHardwareError,
    NotAdditiveError,
    TargetError,
    UnsupportedPrecisionError,
    build_target,
    parse_hardware,
    vary,
)
from targets.formats import UnknownFormatError, bits_per_value, parse_format

MAX_CONFIGURATIONS: Final = 10_000
# How the members of a request's `precision` are called in a hardware description.
_PRECISION_KEYS: Final = {"weight_bits": "native_weight_bits", "activation_bits": "native_activation_bits"}

_Configuration = tuple[int, ...]
# Of a decision in the request: member and key, or precision, groups, the group's name and key.
_Place = tuple[str, ...]


class Codesign:
    """The joint space of a request, and costs in it; a `DeviceCosts` whose architectures are those of `space`.

    Configurations that the model refuses, though each of their values is possible, have NaN for every metric.

    Raises: InvalidRequestError that points at each value that cannot be used.
    """

    def __init__(self, device: Device, space: SearchSpace, request: SearchRequest):
        self._description = device.config
        self._options: Mapping[_Place, Sequence[Any]] = request.options
        if device.kind is not DeviceKind.simulated:
            reason = f"device {device.name!r} is measured: only simulated devices have a precision and keys to choose"
            raise InvalidRequestError([FieldError(reason, pointer=f"/{next(iter(self._options))[0]}")])
        self._groups = _groups(space, request)
        self._check()
        names = {".".join(place): list(map(str, values)) for place, values in self._options.items()}
        self.space = ConfiguredSpace(space, names)
        self._known: dict[_Configuration, Mapping[str, Evaluator] | None] = {}

    @property
    def info(self) -> PredictorInfo:
        """The cost model."""
        return self._first.info

    @property
    def evaluators(self) -> Mapping[str, Evaluator]:
        """Each metric of the device."""
        return {name: self._evaluator(name) for name in self._first.evaluators}

    def latencies(self, architectures: Sequence[Architecture], interval: float) -> Latencies:
        """A model knows no spread: the bounds equal the value."""
        value_ms = self._evaluator("latency_ms")(architectures)
        return Latencies(value_ms, value_ms, value_ms, ["simulated"] * len(architectures))

    def of_architecture(self, evaluate: Evaluator) -> Evaluator:
        """The evaluator of a metric that the configuration has no part in."""
        return lambda architectures: evaluate([self.space.split(each)[0] for each in architectures])

    def members(self, architecture: Architecture) -> dict[str, Any]:
        """What was chosen, as the request names it: {"precision": {..., "groups": {...}}, "hardware": {...}}."""
        found: dict[str, Any] = {}
        for (*path, key), value in self._values(self.space.split(architecture)[1]).items():
            member = found
            for name in path:
                member = member.setdefault(name, {})
            member[key] = value
        return found

    @cached_property
    def _first(self) -> SimulatedCosts | MixedCosts:
        """The first hardware that the model accepts: what it knows and is called, all the others know too."""
        indices = [range(len(values)) if place[0] == "hardware" else (0,) for place, values in self._options.items()]
        refused: TargetError | None = None
        for configuration in itertools.product(*indices):
            try:
                costs = self._costs(configuration)
                if costs.evaluators:
                    return costs
            except TargetError as error:
                refused = error
        pointer = "/precision/groups" if isinstance(refused, NotAdditiveError) else ""
        raise InvalidRequestError([FieldError(str(refused), pointer=pointer)]) from refused

    def _evaluator(self, metric: str) -> Evaluator:
        def evaluate(architectures: Sequence[Architecture]) -> FloatArray:
            rows: dict[_Configuration, tuple[list[int], list[Architecture]]] = {}
            for index, architecture in enumerate(architectures):
                inner, configuration = self.space.split(architecture)
                places, batch = rows.setdefault(configuration, ([], []))
                places.append(index)
                batch.append(inner)
            values = np.full(len(architectures), np.nan)
            for configuration, (places, batch) in rows.items():
                values[places] = self._evaluate(configuration, metric, batch)
            return values

        return evaluate

    def _evaluate(self, configuration: _Configuration, metric: str, batch: Sequence[Architecture]) -> FloatArray:
        try:
            if configuration not in self._known:
                self._known[configuration] = self._costs(configuration).evaluators
            evaluators = self._known[configuration]
            if evaluators is not None and metric in evaluators:
                return evaluators[metric](batch)
        except TargetError:
            self._known[configuration] = None
        return np.full(len(batch), np.nan)

    def _costs(self, configuration: _Configuration) -> SimulatedCosts | MixedCosts:
        values = self._values(configuration)
        network = _changes({place: value for place, value in values.items() if len(place) == 2})
        if not self._groups:
            return self._part(network, None)
        of_group = {
            name: _changes({place: value for place, value in values.items() if place[2:3] == (name,)})
            for name in self._groups
        }
        parts = [self._part(network | of_group[name], covered) for name, covered in self._groups.items()]
        rest = frozenset(self.space.layer_groups).difference(*self._groups.values())
        return MixedCosts((*parts, self._part(network, rest)) if rest else tuple(parts))

    def _part(self, changes: Mapping[str, Any], layer_groups: frozenset[str] | None) -> SimulatedCosts:
        hardware = parse_hardware(vary(self._description, changes))
        return SimulatedCosts(build_target(hardware), self.space.space, hardware.weight_format, layer_groups)

    def _values(self, configuration: _Configuration) -> dict[_Place, Any]:
        return {
            place: values[index] for (place, values), index in zip(self._options.items(), configuration, strict=True)
        }

    def _check(self) -> None:
        """Each value alone must make a description that is valid, and widths that it can compute with."""
        faults = []
        for place, values in self._options.items():
            for index, value in enumerate(values):
                faults += [FieldError(reason, json_pointer([*place, index])) for reason in self._refusals(place, value)]
        count = math.prod(map(len, self._options.values()))
        if count > MAX_CONFIGURATIONS:
            faults.append(FieldError(f"{count:,} configurations are too many, the most is {MAX_CONFIGURATIONS:,}", ""))
        if faults:
            raise InvalidRequestError(faults)

    def _refusals(self, place: _Place, value: object) -> Iterator[str]:
        try:
            build_target(parse_hardware(vary(self._description, _changes({place: value})))).cost(Workload(()))
        except InvalidHardwareError as error:
            yield from (f"{path}: {reason}" for path, reason in error.faults)
        except (UnknownFormatError, UnsupportedPrecisionError) as error:
            yield str(error)


def _groups(space: SearchSpace, request: SearchRequest) -> dict[str, frozenset[str]]:
    """The layer groups that each name of the request stands for. Raises: InvalidRequestError."""
    try:
        return covered_groups(space, request.precision.groups)
    except UnknownLayerGroupError as error:
        pointer = json_pointer(["precision", "groups", error.name])
        raise InvalidRequestError([FieldError(error.reason, pointer=pointer)]) from error


def _changes(values: Mapping[_Place, Any]) -> dict[str, Any]:
    """Keys of the hardware description; a number format brings its own width, and a width of weights its format."""
    changes: dict[str, Any] = {}
    for (member, *_, key), value in values.items():
        if member == "hardware":
            changes[key] = value
        elif key == "weight_format":
            changes |= {"weight_format": value, "native_weight_bits": bits_per_value(parse_format(value))}
        else:
            changes[_PRECISION_KEYS[key]] = value
            if key == "weight_bits":
                changes["weight_format"] = f"int{value:g}" if float(value).is_integer() and 2 <= value <= 15 else None
    return changes

"""Searches that choose precision and hardware together with the architecture, on a simulated device."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, Final

import numpy as np

from device_db import Device, DeviceKind
from service.codesign_candidates import Configuration, Place, check_candidates, named
from service.device_costs import SIMULATED_METRICS, Evaluator, Latencies, SimulatedCosts
from service.errors import FieldError, InvalidRequestError
from service.precision_choice import WEIGHT_KEYS, hardware_changes, mixed_costs
from service.problems import json_pointer
from service.schemas.predictions import PredictorInfo
from service.schemas.searches import SearchRequest
from service.search_metrics import split_name
from spaces import Architecture, SearchSpace, UnknownLayerGroupError, Workload
from spaces.base import FloatArray, is_open
from spaces.configured_space import ConfiguredSpace
from spaces.layer_groups import ENDS, covered_groups, layers_of
from targets import Target, TargetError
from targets.errors import RefusedNetworkError, UnsupportedLayerError

MAX_CONFIGURATIONS: Final = 10_000
# Keys of a hardware description that no hardware depends on, and that which says whose description it is.
_NO_DECISIONS: Final = {
    "name": "only says how the hardware is called",
    "description": "only says what the hardware stands for",
    "target": "names the cost model, whose keys are its own: search on one of its devices instead",
}
_PROBES: Final = 8


class Codesign:
    """The joint space of a request, and costs in it; a `DeviceCosts` whose architectures are those of `space`.

    Configurations that the model refuses, though each of their values is possible, have NaN for every metric.

    Raises: InvalidRequestError for decisions that make no sense, whatever their values; see also `check`.
    """

    def __init__(self, device: Device, space: SearchSpace, request: SearchRequest):
        self._description = device.config
        self._options: Mapping[Place, Sequence[Any]] = request.options
        names = map(split_name, {*request.objectives, *request.constraints})
        self._wanted = SIMULATED_METRICS & {metric for metric, of in names if of in (None, device.name)}
        if device.kind is not DeviceKind.simulated:
            reason = f"device {device.name!r} is measured: only simulated devices have a precision and keys to choose"
            raise InvalidRequestError([FieldError(reason, pointer=f"/{next(iter(self._options))[0]}")])
        self._groups = _groups(space, request)
        _check_decisions(self._options)
        names = {".".join(place): list(map(str, values)) for place, values in self._options.items()}
        self.space = ConfiguredSpace(space, names)
        self._known: dict[Configuration, SimulatedCosts | TargetError] = {}
        self._refusals: dict[Configuration, str | None] = {}
        self._refused_on: dict[Configuration, TargetError] = {}  # of an architecture on a configuration

    def check(self) -> None:
        """Return if each candidate can be used in some configuration and has every metric that is asked for.

        A candidate that the model refuses alone or in all of its combinations is one that it surely refuses for every
        architecture of the space: not one that it refuses for the few that are drawn, where others may get a cost.

        Raises: InvalidRequestError that points at each candidate that cannot be used.
        """
        alone = [[self._refusal_alone(place, value) for value in values] for place, values in self._options.items()]
        check_candidates(self._options, alone, self._refusal)
        for metric in sorted(self._wanted & self.evaluators.keys()):
            check_candidates(self._options, alone, partial(self._lacks, metric))

    @property
    def info(self) -> PredictorInfo:
        """The cost model."""
        return self._first.info

    @property
    def evaluators(self) -> Mapping[str, Evaluator]:
        """Each metric that the first configuration knows, or one that differs from it in a single choice."""
        nothing = [0] * len(self._options)
        near = [
            (*nothing[:position], index, *nothing[position + 1 :])
            for position, values in enumerate(self._options.values())
            for index in range(len(values))
        ]
        found = [costs for each in near if isinstance(costs := self._costs(each), SimulatedCosts)] or [self._first]
        return {name: self._evaluator(name) for costs in found for name in costs.metrics}

    @property
    def warnings(self) -> list[str]:
        """What of the configurations that were met the model refuses."""
        whole = {chosen: error for chosen, error in self._known.items() if isinstance(error, TargetError)}
        kinds = {
            f"the model refuses {len(whole)} of the {len(self._known)} configurations that were met": whole,
            f"the model refuses architectures on {len(self._refused_on)} of the {len(self._known)} configurations that "
            "were met": self._refused_on,
        }
        return [
            f"{what}; they count as failed. The first: {named(self._options, next(iter(errors)))}: "
            f"{next(iter(errors.values()))}"
            for what, errors in kinds.items()
            if errors
        ]

    def latencies(self, architectures: Sequence[Architecture], interval: float) -> Latencies:
        """A model knows no spread: the bounds equal the value."""
        value_ms = self._evaluator("latency_ms")(architectures)
        return Latencies(value_ms, value_ms, value_ms, ["simulated"] * len(architectures))

    def marks(self, architectures: Sequence[Architecture]) -> list[dict[str, Any]]:
        """Of each architecture on its configuration."""
        found = []
        for architecture in architectures:
            inner, configuration = self.space.split(architecture)
            costs = self._costs(configuration)
            found += costs.marks([inner]) if isinstance(costs, SimulatedCosts) else [{}]
        return found

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
    def _first(self) -> SimulatedCosts:
        """The first configuration that the model accepts: how it is called and what it knows."""
        costs: SimulatedCosts | TargetError | None = None
        for configuration in itertools.product(*(range(len(values)) for values in self._options.values())):
            costs = self._costs(configuration)
            if isinstance(costs, SimulatedCosts):
                return costs
        raise InvalidRequestError([FieldError(str(costs), pointer="")])

    def _evaluator(self, metric: str) -> Evaluator:
        def evaluate(architectures: Sequence[Architecture]) -> FloatArray:
            rows: dict[Configuration, tuple[list[int], list[Architecture]]] = {}
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

    def _evaluate(self, configuration: Configuration, metric: str, batch: Sequence[Architecture]) -> FloatArray:
        costs = self._costs(configuration)
        if isinstance(costs, TargetError) or metric not in costs.metrics:
            return np.full(len(batch), np.nan)
        try:
            values = costs.evaluators[metric](batch)
        except TargetError as error:  # of one architecture, perhaps not of the others
            if len(batch) == 1:
                self._refused_on.setdefault(configuration, error)
                return np.full(1, np.nan)
            return np.concatenate([self._evaluate(configuration, metric, [each]) for each in batch])
        if configuration not in self._refused_on and len(failed := np.flatnonzero(np.isnan(values))):
            try:
                costs.target.cost(costs.space.workload(batch[failed[0]]))
            except RefusedNetworkError as error:
                self._refused_on[configuration] = error
        return values

    def _costs(self, configuration: Configuration) -> SimulatedCosts | TargetError:
        """Of the configuration, or why there are none."""
        if configuration not in self._known:
            try:
                self._known[configuration] = self._compute(self._values(configuration))
            except TargetError as error:
                self._known[configuration] = error
        return self._known[configuration]

    def _compute(self, values: Mapping[Place, Any]) -> SimulatedCosts:
        """Raises: TargetError."""
        network = hardware_changes({key: value for (member, key), value in _pairs(values) if member == "precision"})
        network |= hardware_changes({key: value for (member, key), value in _pairs(values) if member == "hardware"})
        of_group = {
            name: hardware_changes({place[3]: value for place, value in values.items() if place[2:3] == (name,)})
            for name in self._groups
        }
        groups = {self._groups[name]: changes for name, changes in of_group.items()}
        costs = mixed_costs(self._description, network, groups, self.space.space)
        costs.target.cost(Workload(()))  # which refuses widths that the hardware cannot compute with
        return costs

    def _values(self, configuration: Configuration) -> dict[Place, Any]:
        return {
            place: values[index] for (place, values), index in zip(self._options.items(), configuration, strict=True)
        }

    def _refusal_alone(self, place: Place, value: object) -> str | None:
        """Why the device with this one change, of all layers, cannot be used."""
        key = place[-1]
        try:
            costs = mixed_costs(self._description, hardware_changes({key: value}), {}, self.space.space)
            costs.target.cost(Workload(()))
        except TargetError as error:
            return _reason(error)
        return self._refusal_of_probes(costs.target)

    def _refusal(self, configuration: Configuration) -> str | None:
        if configuration not in self._refusals:
            costs = self._costs(configuration)
            reason = _reason(costs) if isinstance(costs, TargetError) else self._refusal_of_probes(costs.target)
            self._refusals[configuration] = reason
        return self._refusals[configuration]

    def _lacks(self, metric: str, configuration: Configuration) -> str | None:
        costs = self._costs(configuration)
        is_known = isinstance(costs, SimulatedCosts) and metric in costs.metrics
        return None if is_known else f"{metric} is not known here"

    @cached_property
    def _probes(self) -> list[Architecture]:
        space = self.space.space
        return space.sample(min(_PROBES, space.size), rng=np.random.default_rng(0))

    def _refusal_of_probes(self, target: Target) -> str | None:
        """Why the target refuses every architecture; None where it may accept one, for all that those drawn tell."""
        reason = None
        for architecture in self._probes:
            try:
                target.cost(self.space.space.workload(architecture))
            except TargetError as error:
                is_all = len(self._probes) == self.space.space.size
                if not is_all and self._may_accept_others(target, architecture, error):
                    return None
                reason = f"refused for every architecture: {error}"
            else:
                return None
        return reason

    def _may_accept_others(self, target: Target, refused: Architecture, error: TargetError) -> bool:
        """Whether an architecture's refusal leaves open that the target accepts another one."""
        if not isinstance(error, UnsupportedLayerError):
            return isinstance(error, RefusedNetworkError)
        in_all = layers_of(self.space.space.workload(refused).layers, ENDS)
        return is_open(self.space.space) or all(map(target.supports, in_all))


def _groups(space: SearchSpace, request: SearchRequest) -> dict[str, frozenset[str]]:
    """The layer groups that each name of the request stands for. Raises: InvalidRequestError."""
    try:
        return covered_groups(space, request.precision.groups)
    except UnknownLayerGroupError as error:
        pointer = json_pointer(["precision", "groups", error.name])
        raise InvalidRequestError([FieldError(error.reason, pointer=pointer)]) from error


def _check_decisions(options: Mapping[Place, Sequence[Any]]) -> None:
    """Raises: InvalidRequestError for what is no decision or decided twice, and for too many configurations."""
    faults = []
    for member, *_, key in options:
        if member == "hardware" and key in _NO_DECISIONS:
            faults.append(FieldError(f"{key} is no decision: it {_NO_DECISIONS[key]}", json_pointer(["hardware", key])))
        if member == "hardware" and any(_is_of(place, key) for place in options):
            reason = f"{key} is a precision, and `precision` has candidates for that already"
            faults.append(FieldError(reason, json_pointer(["hardware", key])))
    keys = [next(iter(hardware_changes({key: None}))) for member, key in _hardware_keys(options)]
    faults += [
        FieldError(f"{key} is decided twice", json_pointer(["hardware", key]))
        for (_, key), meant in zip(_hardware_keys(options), keys, strict=True)
        if key != meant and keys.count(meant) > 1
    ]
    for place, values in options.items():
        distinct = [(isinstance(value, bool), value) for value in values]  # True is no 1
        faults += [
            FieldError(f"the candidate {value!r} of {place[-1]} is given twice", json_pointer([*place, index]))
            for index, value in enumerate(values)
            if distinct.index(distinct[index]) < index
        ]
    count = math.prod(map(len, options.values()))
    if count > MAX_CONFIGURATIONS:
        faults.append(FieldError(f"{count:,} configurations are too many, the most is {MAX_CONFIGURATIONS:,}", ""))
    if faults:
        raise InvalidRequestError(faults)


def _is_of(place: Place, key: str) -> bool:
    """Whether a decision about precision is about what a key of a hardware description says too."""
    if place[0] != "precision":
        return False
    keys = hardware_changes({place[-1]: None}).keys()
    return hardware_changes({key: None}).keys() <= (WEIGHT_KEYS if keys & WEIGHT_KEYS else keys)


def _hardware_keys(options: Iterable[Place]) -> list[tuple[str, str]]:
    return [(place[0], place[1]) for place in options if place[0] == "hardware"]


def _pairs(values: Mapping[Place, Any]) -> Iterator[tuple[tuple[str, str], Any]]:
    """Decisions about the whole network."""
    for place, value in values.items():
        if len(place) == 2:
            yield (place[0], place[1]), value


def _reason(error: TargetError) -> str:
    """Without the device's name, which the request has."""
    faults = getattr(error, "faults", ())
    return "; ".join(f"{key}: {reason}" if key else reason for key, reason in faults) or str(error)

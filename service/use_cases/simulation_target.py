"""The hardware of a simulation, as its request changes it, and the target that costs a workload on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from service.errors import FieldError, InvalidRequestError, pointing
from service.precision_choice import WEIGHT_KEYS, group_changes, hardware_changes
from service.problems import json_pointer
from service.schemas.simulation import LayerPrecision, SimulationRequest
from spaces import UnknownLayerGroupError
from spaces.base import Workload
from spaces.layer_groups import HasLayerGroups, covered_groups
from targets import (
    TARGETS,
    HardwareSpec,
    HardwareTarget,
    InvalidHardwareError,
    MixedPrecision,
    Mode,
    NotAdditiveError,
    Target,
    UnknownHardwareError,
    UnknownTargetError,
    UnsupportedPrecisionError,
    WithHost,
    build_target,
    catalogue_description,
    load_target,
    vary_hardware,
)
from targets.llm import comparison_weight_bits
from targets.m4bram import NoConfigurationError


@dataclass(frozen=True, slots=True)
class Changes:
    """Keys of a hardware description that a request changes.

    Attributes:
        values: by key.
        pointers: where in the request each comes from; what follows from another choice has none.
    """

    values: Mapping[str, Any]
    pointers: Mapping[str, str]

    def pointer(self, key: str, otherwise: str) -> str:
        """Of a fault at a key: what changed it, or is alone in having changed anything.

        Args:
            otherwise: of the description.
        """
        for changed, pointer in self.pointers.items():
            if key == changed or key.startswith(f"{changed}."):
                return pointer
        distinct = set(self.pointers.values())
        if len(distinct) == 1:
            return distinct.pop()
        return "/set" if distinct and all(each.startswith("/set/") for each in distinct) else otherwise


class SimulatedHardware:
    """A request's hardware: a description with changes, whole and per group of layers.

    Raises: InvalidRequestError that points at what cannot be used.
    """

    def __init__(self, request: SimulationRequest):
        self._request = request
        self._origin = request.hardware_pointer
        self._description = _description(request)
        self._changes = _changes(request, self._description)
        self.spec = self._varied(self._changes)

    @property
    def mode(self) -> Mode | None:
        """Of the cost model, where it has several."""
        return getattr(self.spec, "mode", None)

    def target(self, layers: HasLayerGroups) -> Target:
        """What costs the request's workload.

        Args:
            layers: the groups that its layers belong to.
        """
        target = self._with_groups(layers)
        if self._request.host is None:
            return target
        with pointing("/host", UnknownHardwareError):
            return WithHost(target, load_target(self._request.host))

    @contextmanager
    def faults(self, changes: Changes | None = None) -> Iterator[None]:
        """Point at what the hardware refuses: where the request changed it, or at its description."""
        changes = changes or self._changes
        try:
            yield
        except UnknownTargetError as error:
            raise InvalidRequestError(
                [FieldError(str(error), pointer=changes.pointer("target", self._origin))]
            ) from error
        except InvalidHardwareError as error:
            faults = [
                FieldError(f"{key}: {reason}" if key else reason, pointer=changes.pointer(key, self._origin))
                for key, reason in error.faults
            ]
            raise InvalidRequestError(faults) from error
        except NoConfigurationError as error:
            pointer = changes.pointers.get(error.short, self._origin)
            raise InvalidRequestError([FieldError(str(error), pointer=pointer)]) from error

    def _varied(self, changes: Changes) -> HardwareSpec:
        with self.faults(changes):
            source = str(self._description.get("name", "without a name"))
            spec = vary_hardware(self._description, changes.values, source=source)
            if self._request.model is not None and "stage" in type(spec).model_fields:
                stage = {"stage": self._request.stage}
                spec = vary_hardware(self._description, {**changes.values, **stage}, source=source)
            return spec

    def _with_groups(self, layers: HasLayerGroups) -> Target:
        names = self._request.precision.groups if self._request.precision is not None else {}
        with _group_faults():
            covered = covered_groups(layers, names)
        whole = self._checked(self.spec, self._changes)
        if not covered:
            return whole
        of_group = {covered[name]: self._of_group(name, precision) for name, precision in names.items()}
        has_rest = frozenset(layers.layer_groups).difference(*of_group)
        with pointing("/precision/groups", NotAdditiveError):
            return MixedPrecision.of(of_group, whole if has_rest else None)

    def _of_group(self, name: str, precision: LayerPrecision) -> HardwareTarget[Any]:
        own = hardware_changes(precision.chosen())
        pointers = {
            key: json_pointer(["precision", "groups", name, member])
            for key, member in zip(own, precision.chosen(), strict=True)
        }
        values = group_changes(self._changes.values, own)
        changes = Changes(values, {key: pointers.get(key, self._changes.pointers.get(key, "")) for key in values})
        return self._checked(self._varied(changes), changes)

    def _checked(self, spec: HardwareSpec, changes: Changes) -> HardwareTarget[Any]:
        """The target, once it is known to compute with its operands."""
        target = build_target(spec)
        try:
            target.cost(Workload(()))
        except UnsupportedPrecisionError as error:
            is_weights = error.bits == target.native_precision.weight_bits
            keys = ("native_weight_bits", "weight_format") if is_weights else ("native_activation_bits",)
            pointer = next((changes.pointers[key] for key in keys if key in changes.pointers), self._origin)
            raise InvalidRequestError([FieldError(str(error), pointer=pointer)]) from error
        return target


def _description(request: SimulationRequest) -> Mapping[str, Any]:
    if request.hardware is not None:
        description = request.hardware
    else:
        assert request.hardware_name is not None
        with pointing(request.hardware_pointer, UnknownHardwareError):
            description = catalogue_description(request.hardware_name)
    if request.mode is not None and not _has_modes(description):
        reason = f"the model {description['target']} has no modes: leave mode out"
        raise InvalidRequestError([FieldError(reason, pointer="/mode")])
    return description


def _has_modes(description: Mapping[str, object]) -> bool:
    """Whether the cost model has several ways to compute; an unknown one is left to `parse_hardware`."""
    model = TARGETS.get(str(description.get("target")))
    return model is None or "mode" in model.schema.model_fields


def _changes(request: SimulationRequest, description: Mapping[str, Any]) -> Changes:
    """Raises: InvalidRequestError for what is chosen twice."""
    values: dict[str, Any] = {}
    pointers: dict[str, str] = {}
    faults: list[FieldError] = []
    for name, (key, value) in zip(request.set, map(_hardware_change, request.set.items()), strict=True):
        pointer = json_pointer(["set", name])
        if key in values:
            faults.append(FieldError(f"{pointers[key]} chooses that too", pointer=pointer))
        values[key], pointers[key] = value, pointer
    if request.model is not None and "stage" in request.set:
        raise InvalidRequestError([FieldError("choose the stage as `stage`", pointer="/set/stage")])
    chosen: list[tuple[str, Any, str]] = []
    if request.mode is not None:
        chosen.append(("mode", request.mode, "/mode"))
    beside = {name: getattr(request, name) for name in ("weight_bits", "activation_bits")}
    inside = {} if request.precision is None else request.precision.chosen()
    for given, path in ((beside, ()), (inside, ("precision",))):
        members = {name: value for name, value in given.items() if value is not None}
        keys = zip(hardware_changes(members).items(), members, strict=True)
        chosen += [(key, value, json_pointer([*path, member])) for (key, value), member in keys]
    for key, value, pointer in chosen:
        rivals = WEIGHT_KEYS if key in WEIGHT_KEYS else {key}
        faults += [
            FieldError(f"{pointer} chooses that too", pointer=other) for k, other in pointers.items() if k in rivals
        ]
        values[key], pointers[key] = value, pointer
    if faults:
        raise InvalidRequestError(faults)
    if request.model is not None and request.hardware is None and not WEIGHT_KEYS & values.keys():
        # The mode refined compares at the widths of published.
        mode: Mode = "figures" if values.get("mode", description.get("mode")) == "figures" else "published"
        compared = comparison_weight_bits(str(request.hardware_name), request.model, request.stage, mode)
        values |= {} if compared is None else {"native_weight_bits": compared}
    return Changes(values, pointers)


def _hardware_change(change: tuple[str, Any]) -> tuple[str, Any]:
    """A key of `set` as the description calls it."""
    ((key, value),) = hardware_changes(dict([change])).items()
    return key, value


@contextmanager
def _group_faults() -> Iterator[None]:
    try:
        yield
    except UnknownLayerGroupError as error:
        pointer = json_pointer(["precision", "groups", error.name])
        raise InvalidRequestError([FieldError(error.reason, pointer=pointer)]) from error

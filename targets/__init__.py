"""What a network costs on a piece of hardware that is described, not measured.

A target is a cost model (code, listed in `TARGETS`) applied to a hardware configuration (data, in `hardware/*.yaml`
or a user's own YAML):

    target = load_target("roofline-edge-npu")
    target.cost(space.workload(architecture)).latency_ms
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from targets.base import Cost, Cycles, LayerCost, Mode, Precision, Target, total_cost
from targets.bitmod import BitMod, BitModHardware
from targets.bitvert import BitSerial, BitSerialHardware
from targets.catalogue import catalogue_description, file_description, hardware_names, validate
from targets.errors import (
    InvalidHardwareError,
    NotAdditiveError,
    NotFittingError,
    TargetError,
    UnknownHardwareError,
    UnknownTargetError,
    UnsupportedLayerError,
    UnsupportedPrecisionError,
)
from targets.fpga.hardware import FpgaHardware
from targets.fpga.target import FpgaUnrolled
from targets.hardware_spec import HardwareSpec
from targets.hardware_target import HardwareTarget
from targets.host import WithHost
from targets.m4bram import M4bram, M4bramHardware
from targets.mixed_precision import MixedPrecision
from targets.roofline import ArithmeticUnit, Roofline, RooflineHardware
from targets.segment_costs import CostArrays, segment_costs
from targets.variants import vary

__all__ = [
    "TARGETS",
    "ArithmeticUnit",
    "BitMod",
    "BitModHardware",
    "BitSerial",
    "BitSerialHardware",
    "Cost",
    "CostArrays",
    "Cycles",
    "FpgaHardware",
    "FpgaUnrolled",
    "HardwareSpec",
    "HardwareTarget",
    "InvalidHardwareError",
    "LayerCost",
    "M4bram",
    "M4bramHardware",
    "MixedPrecision",
    "Mode",
    "NotAdditiveError",
    "NotFittingError",
    "Precision",
    "Roofline",
    "RooflineHardware",
    "Target",
    "TargetError",
    "TargetModel",
    "UnknownHardwareError",
    "UnknownTargetError",
    "UnsupportedLayerError",
    "UnsupportedPrecisionError",
    "WithHost",
    "build_target",
    "catalogue_description",
    "file_description",
    "hardware_names",
    "load_hardware",
    "load_target",
    "parse_hardware",
    "read_hardware",
    "segment_costs",
    "total_cost",
    "vary",
    "vary_hardware",
]


@dataclass(frozen=True, slots=True)
class TargetModel:
    """A cost model: what its hardware descriptions hold, and how one of them becomes a target."""

    schema: type[HardwareSpec]
    build: Callable[[Any], HardwareTarget[Any]]


TARGETS: Final[dict[str, TargetModel]] = {
    "bitvert": TargetModel(BitSerialHardware, BitSerial),
    "m4bram": TargetModel(M4bramHardware, M4bram),
    "roofline": TargetModel(RooflineHardware, Roofline),
    "bitmod": TargetModel(BitModHardware, BitMod),
    "fpga_unrolled": TargetModel(FpgaHardware, FpgaUnrolled),
}


def parse_hardware(description: Mapping[str, object], *, source: str | None = None) -> HardwareSpec:
    """A hardware configuration from its description, as `model_dump()` gives and YAML holds it.

    Args:
        description: the keys of the cost model that its key `target` names.
        source: what errors call the description; its `name` by default.

    Raises:
        InvalidHardwareError: with every key at fault.
        UnknownTargetError: no cost model of that name.
    """
    source = source or str(description.get("name", "without a name"))
    target = description.get("target")
    if not isinstance(target, str):
        raise InvalidHardwareError(source, [("target", f"must name one of {', '.join(TARGETS)}, got {target!r}")])
    if target not in TARGETS:
        raise UnknownTargetError(target, list(TARGETS))
    return validate(description, TARGETS[target].schema, source=source)


def vary_hardware(
    description: Mapping[str, object], changes: Mapping[str, object], *, source: str | None = None
) -> HardwareSpec:
    """A hardware configuration with some keys changed, and with them those that `HardwareSpec.implied` names.

    Args:
        changes: values by key, see `vary`.

    Raises:
        InvalidHardwareError: with every key at fault.
        UnknownTargetError: no cost model of that name.
    """
    model = TARGETS.get(str(changes.get("target", description.get("target"))))
    implied = {} if model is None else model.schema.implied(description, changes)
    return parse_hardware(vary(description, {**changes, **implied}), source=source)


@cache
def load_hardware(name: str) -> HardwareSpec:
    """A hardware configuration of the catalogue. Raises: UnknownHardwareError."""
    return parse_hardware(catalogue_description(name), source=name)


def read_hardware(path: Path) -> HardwareSpec:
    """A hardware configuration from a user's YAML file.

    Raises:
        InvalidHardwareError: the file cannot be read, is not YAML, or has keys at fault.
        UnknownTargetError: no cost model of that name.
    """
    return parse_hardware(file_description(path), source=str(path))


def build_target(hardware: HardwareSpec) -> HardwareTarget[Any]:
    """The target that costs workloads on the hardware."""
    return TARGETS[hardware.target].build(hardware)


def load_target(name: str) -> HardwareTarget[Any]:
    """The target of a hardware configuration of the catalogue. Raises: UnknownHardwareError."""
    return build_target(load_hardware(name))

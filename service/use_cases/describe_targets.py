"""Tell which hardware costs can be computed for."""

from typing import get_args

from service.schemas.simulation import TargetInfo, TargetList
from service.search_metrics import hardware_metrics
from targets import HardwareSpec, build_target, hardware_names, load_hardware
from targets.llm import llm_names


def list_targets() -> TargetList:
    """Every hardware configuration of the catalogue, by name."""
    return TargetList(targets=[_info(load_hardware(name)) for name in hardware_names()], models=list(llm_names()))


def _info(hardware: HardwareSpec) -> TargetInfo:
    mode = type(hardware).model_fields.get("mode")
    return TargetInfo(
        name=hardware.name,
        model=hardware.target,
        description=hardware.description,
        modes=list(get_args(mode.annotation)) if mode is not None else [],
        native_weight_bits=hardware.native_weight_bits,
        native_activation_bits=hardware.native_activation_bits,
        metrics=hardware_metrics(hardware),
        is_additive=build_target(hardware).is_additive,
        hardware=hardware.model_dump(mode="json"),
    )

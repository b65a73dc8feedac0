"""What can be searched for and limited: every metric by name, with its direction and its evaluator."""

from collections.abc import Iterable
from typing import Final, Literal

from device_db import Device, DeviceKind
from service.accuracy_source import AccuracySource
from service.device_costs import DeviceCosts, Evaluator, simulated_metrics
from service.layer_totals import LAYER_TOTALS, total_over_layers
from spaces import SearchSpace
from targets import HardwareSpec, build_target, parse_hardware

_MAXIMISED: Final = frozenset({"accuracy", "quantisation_sqnr_db"})


def direction(metric: str) -> Literal["min", "max"]:
    """In which direction the metric gets better."""
    return "max" if metric in _MAXIMISED else "min"


def metric_names(costs: DeviceCosts) -> list[str]:
    """Every metric known for the device, sorted."""
    return every_metric(costs.evaluators)


def every_metric(of_device: Iterable[str]) -> list[str]:
    """The device's and those that need no device, sorted: what a search takes for objectives and limits."""
    return sorted({"accuracy", *of_device, *LAYER_TOTALS})


def hardware_metrics(hardware: HardwareSpec) -> list[str]:
    """Every metric known for simulated hardware, sorted."""
    has_format = hardware.number_format is not None
    return every_metric(simulated_metrics(build_target(hardware), has_format=has_format))


def device_metrics(device: Device) -> list[str]:
    """Every metric known for the device, sorted; of a measured one that has samples enough."""
    if device.kind is DeviceKind.simulated:
        return hardware_metrics(parse_hardware(device.config))
    return every_metric(["latency_ms"])


def evaluators(space: SearchSpace, costs: DeviceCosts, accuracy: AccuracySource | None) -> dict[str, Evaluator]:
    """Every metric's evaluator; accuracy only where its source is given."""
    totals = {name: total_over_layers(space, of_layer) for name, of_layer in LAYER_TOTALS.items()}
    return {**totals, **costs.evaluators, **({"accuracy": accuracy.evaluate} if accuracy else {})}

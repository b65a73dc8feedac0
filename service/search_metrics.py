"""What can be searched for and limited: the one registry of metrics, and how a request names them.

A metric of a device may name it after an `@`: `latency_ms@pixel3`. Without, it is that of the request's first device.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from device_db import Device, DeviceKind
from service.accuracy_source import AccuracySource
from service.device_costs import Evaluator, simulated_metrics
from service.layer_totals import LAYER_TOTALS, total_over_layers, working_set_bytes
from spaces import SearchSpace
from targets import HardwareSpec, build_target, parse_hardware

_SEPARATOR: Final = "@"


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that a search may optimise or limit.

    Attributes:
        direction: in which it gets better.
        is_of_device: whether devices have it, each its own; the others depend on the architecture alone.
    """

    direction: Literal["min", "max"]
    is_of_device: bool


METRICS: Final[dict[str, Metric]] = {
    "accuracy": Metric("max", is_of_device=False),
    "latency_ms": Metric("min", is_of_device=True),
    "energy_mj": Metric("min", is_of_device=True),
    "area_mm2": Metric("min", is_of_device=True),
    "luts": Metric("min", is_of_device=True),
    "quantisation_sqnr_db": Metric("max", is_of_device=True),
    "quantisation_mse": Metric("min", is_of_device=True),
    "macs": Metric("min", is_of_device=False),
    "params": Metric("min", is_of_device=False),
    "peak_memory_bytes": Metric("min", is_of_device=False),
}


def direction(name: str) -> Literal["min", "max"]:
    """In which direction the metric of that name, with or without a device, gets better."""
    return METRICS[split_name(name)[0]].direction


def split_name(name: str) -> tuple[str, str | None]:
    """The metric and, where the name has one, its device."""
    metric, separator, device = name.partition(_SEPARATOR)
    return metric, device if separator else None


def of_device(metric: str, device: str) -> str:
    """How a request names the metric of one device."""
    return f"{metric}{_SEPARATOR}{device}"


def quantile_name(name: str, probability: float) -> str:
    """The name of the value that a metric stays below with a probability, as in `latency_ms_p95@pixel3`."""
    metric, device = split_name(name)
    quantile = f"{metric}_p{100 * probability:g}"
    return quantile if device is None else of_device(quantile, device)


def architecture_metrics() -> list[str]:
    """Names of the metrics that need no device."""
    return [name for name, metric in METRICS.items() if not metric.is_of_device]


def every_metric(of_devices: Iterable[str]) -> list[str]:
    """The devices' and those that need no device, sorted: what a search takes for objectives and limits."""
    return sorted({*architecture_metrics(), *of_devices})


def hardware_metrics(hardware: HardwareSpec) -> list[str]:
    """Every metric known for simulated hardware, sorted."""
    has_format = hardware.number_format is not None
    return every_metric(simulated_metrics(build_target(hardware), has_format=has_format))


def device_metrics(device: Device) -> list[str]:
    """Every metric known for the device, sorted; of a measured one that has samples enough."""
    if device.kind is DeviceKind.simulated:
        return hardware_metrics(parse_hardware(device.config))
    return every_metric(["latency_ms"])


def architecture_evaluators(space: SearchSpace, accuracy: AccuracySource | None) -> Mapping[str, Evaluator]:
    """Evaluators of the metrics that need no device; accuracy only where its source is given."""
    totals = {name: total_over_layers(space, of_layer) for name, of_layer in LAYER_TOTALS.items()}
    peak = {"peak_memory_bytes": working_set_bytes(space)}
    return {**totals, **peak, **({"accuracy": accuracy.evaluate} if accuracy else {})}

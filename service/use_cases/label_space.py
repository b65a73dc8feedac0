"""Store what a simulated device computes for a whole space as samples, as if it had been measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from math import isfinite

import numpy as np
from sqlalchemy.orm import Session

from device_db import Device, DeviceKind, Devices, MeasurementRow, Measurements, StoreCounts
from service.errors import FieldError, InvalidRequestError, MeasuredDeviceError
from service.lookup import find_space
from spaces import Architecture, NotEnumerableError, SearchSpace, is_enumerable
from targets import Precision, build_target, parse_hardware, segment_costs


@dataclass(frozen=True, slots=True)
class LabelledSpace:
    """What was stored.

    Attributes:
        batch: id of the upload, which `undo` takes.
        architectures: that have a sample now.
        counts: rows; latency and, where the device models it, energy.
    """

    batch: str
    architectures: int
    counts: StoreCounts


def label_space(
    session: Session,
    spaces: Mapping[str, SearchSpace],
    device: str,
    space: str,
    *,
    count: int | None = None,
    rng: np.random.Generator,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> LabelledSpace:
    """Samples of every architecture of the space, or of `count` random ones; doing it twice changes nothing.

    Architectures that do not fit on the hardware are left out.

    Args:
        on_progress: called with the rows stored and their total.

    Raises: DeviceNotFoundError; MeasuredDeviceError; UnknownSpaceError; NotEnumerableError for a whole space that is
        too large; InvalidRequestError for more than it has; what `Target.cost` raises.
    """
    found = Devices(session).get(device)
    if found.kind is not DeviceKind.simulated:
        raise MeasuredDeviceError(device)
    chosen = _architectures(find_space(spaces, space), count, rng)
    rows = _rows(found, find_space(spaces, space), chosen)
    measurements = Measurements(session)
    upload = measurements.begin_upload("label", f"simulated {device} in {space}")
    counts = measurements.store(upload, _reporting(rows, on_progress))
    return LabelledSpace(upload.id, len({row.architecture for row in rows}), counts)


def _architectures(space: SearchSpace, count: int | None, rng: np.random.Generator) -> list[Architecture]:
    if count is not None:
        if count > space.size:
            reason = f"{space.name} has {space.size:,} architectures, fewer than {count:,}"
            raise InvalidRequestError([FieldError(reason, pointer="/count")])
        return space.sample(count, rng=rng)
    if not is_enumerable(space):
        raise NotEnumerableError(space.name, space.size)
    return list(space.enumerate())


def _rows(device: Device, space: SearchSpace, architectures: Sequence[Architecture]) -> list[MeasurementRow]:
    target = build_target(parse_hardware(device.config))
    costs = segment_costs(target, space, architectures, is_partial=True)
    metrics = {("latency_ms", "ms"): costs.latency_ms}
    if costs.energy_mj is not None:
        metrics["energy_mj", "mJ"] = costs.energy_mj
    shape = "x".join(map(str, space.workload(architectures[0]).input_shape)) if architectures else ""
    own_version = version("archcast")
    precision = _precision_name(target.native_precision)
    return [
        MeasurementRow(
            device.name,
            space.name,
            architecture.key,
            value,
            metric,
            unit,
            statistic="model",
            batch_size=1,
            precision=precision,
            runtime=costs.model,
            runtime_version=own_version,
            input_shape=shape,
        )
        for (metric, unit), values in metrics.items()
        for architecture, value in zip(architectures, values.tolist(), strict=True)
        if isfinite(value)  # else it does not fit on the hardware
    ]


def _precision_name(precision: Precision) -> str:
    return f"w{precision.weight_bits:g}a{precision.activation_bits:g}"


def _reporting(rows: Sequence[MeasurementRow], on_progress: Callable[[int, int], None]) -> Iterator[MeasurementRow]:
    for done, row in enumerate(rows, start=1):
        yield row
        if done % 5000 == 0 or done == len(rows):
            on_progress(done, len(rows))

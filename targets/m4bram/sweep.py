"""Costs of one workload on many configurations of a design, as one computation over arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spaces.base import FloatArray, Workload
from targets.base import Precision
from targets.errors import InvalidHardwareError
from targets.m4bram.configuration import Configuration, Configurations, IntArray
from targets.m4bram.design import ACTIVATION_WIDTHS, WEIGHT_WIDTHS
from targets.m4bram.hardware import M4bramHardware
from targets.m4bram.network import Network
from targets.m4bram.run import Run
from targets.m4bram.target import M4bram
from targets.network_ends import with_ends
from targets.sweep_values import Range, field_range, sweep_columns

# Configurations at a time: the dozens of arrays of that size stay within the processor's cache.
_CHUNK: Final = 20_000
FACTORS: Final = tuple(Configuration.model_fields)
_WIDTHS: Final = {"weight_bits": WEIGHT_WIDTHS, "activation_bits": ACTIVATION_WIDTHS}
_FIELDS: Final = ("rvec", "bram_budget", "clock_ghz", "block_delay_ns", "memory_bandwidth_gb_per_s", "vector_lanes")
RANGES: Final[Mapping[str, Range]] = {
    **{key: field_range(Configuration, key) for key in FACTORS},
    **{key: field_range(M4bramHardware, key) for key in _FIELDS},
    **{key: Range(1, widths[-1]) for key, widths in _WIDTHS.items()},
}


@dataclass(frozen=True, slots=True, eq=False)
class SweepCosts:
    """Of c configurations, in their order, all (c,); whether one fits into a budget is for the caller to say.

    Attributes:
        cycles, latency_ms: of the workload's batch.
        dsps: taken.
        brams: block RAMs that the configuration cannot do without for the workload.
    """

    cycles: FloatArray
    latency_ms: FloatArray
    dsps: IntArray
    brams: IntArray


def sweep(
    target: M4bram, workload: Workload, changes: Mapping[str, ArrayLike], precision: Precision | None = None
) -> SweepCosts:
    """Cost of the workload on each variant of the target's hardware.

    Args:
        changes: for each key that varies, c values or one; keys of `RANGES`: unroll factors, numbers of the hardware
            description, and `weight_bits` and `activation_bits` for the precision. BRAMAC's `pvec` and factors of the
            block RAMs follow from the other factors, whatever they are given as.

    Raises:
        InvalidHardwareError: for keys that cannot vary, for values out of their range, and for unroll factors that
            neither the changes nor the hardware's own configuration have.
        UnsupportedLayerError, UnsupportedPrecisionError: as `M4bram.cost`.
    """
    target.check_layers(workload)
    precision = precision or target.native_precision
    target.engine(precision)
    columns, count = sweep_columns(target.name, changes, RANGES)
    own = (target.hardware.configuration or Configuration()).model_dump()
    base = {**own, "rvec": target.hardware.rvec, "weight_bits": precision.weight_bits}
    base["activation_bits"] = precision.activation_bits
    values = {
        key: np.broadcast_to(columns.get(key, np.array([base.get(key, 0.0)])), count)
        for key in columns.keys() | base.keys()
    }
    missing = [key for key in target.hardware.needed_factors if (values[key] < 1).any()]
    if missing:
        raise InvalidHardwareError(
            target.name, [(key, f"{target.hardware.design} needs at least 1") for key in missing]
        )
    found = SweepCosts(*(np.zeros(count, dtype) for dtype in (float, float, np.int64, np.int64)))
    for rows in _alike(values):
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            _fill(found, target, workload, {key: each[chunk] for key, each in values.items()}, chunk)
    return found


def _alike(values: Mapping[str, FloatArray]) -> list[NDArray[np.int64]]:
    """The rows that an engine has in common: those of equal widths and filter columns."""
    widths = [np.searchsorted(known, values[key]) for key, known in _WIDTHS.items()]
    _, inverse = np.unique(np.stack([*widths, values["rvec"]]), axis=1, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(inverse[order])) + 1)


def _fill(
    found: SweepCosts, target: M4bram, workload: Workload, values: dict[str, Any], rows: NDArray[np.int64]
) -> None:
    """The costs of rows that have one engine."""
    precision = Precision(float(values["weight_bits"][0]), float(values["activation_bits"][0]))
    engine = replace(target.engine(precision), rvec=int(values["rvec"][0]))
    network = Network.of(workload)
    configurations = engine.tied(Configurations(**{key: values[key].astype(np.int64) for key in FACTORS}))
    run = Run.start(target.hardware, engine, network, configurations, workload.batch, values)
    cycles = np.zeros(len(rows))
    for layer, times in Counter(replace(layer, name="") for layer in with_ends(workload).layers).items():
        cycles += times * np.maximum(run.compute_cycles(layer), run.memory_cycles(run.memory_bits(layer)))
    found.cycles[rows] = cycles
    found.latency_ms[rows] = cycles / (run.clock_ghz * 1e6)
    found.dsps[rows] = engine.dsps(configurations)
    found.brams[rows] = engine.placed_filter_brams(network, configurations) + engine.least_stream_brams(
        network, configurations
    )

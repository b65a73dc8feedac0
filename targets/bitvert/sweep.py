"""Costs of one workload on many variants of a bit-serial accelerator, as one computation over arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from numpy.typing import ArrayLike

from spaces.base import FloatArray, Workload
from targets.base import Precision
from targets.bitvert.equations import PARTS, evaluate
from targets.bitvert.hardware import WORD_BITS, BitSerialHardware, SramBuffer
from targets.bitvert.run import Run
from targets.bitvert.target import BitSerial
from targets.sram_costs import sram_costs
from targets.sweep_values import Range, field_range, sweep_columns

# Configurations at a time: the dozens of arrays of that size stay within the processor's cache.
_CHUNK: Final = 20_000
_BUFFER_KEYS: Final = ("weight_buffer_bytes", "activation_buffer_bytes")
_WIDTHS: Final = ("weight_bits", "activation_bits")
_FIELDS: Final = (
    *("rows", "columns", "weights_per_pe", "vector_lanes", "prune_group_size", "clock_ghz", "sensitive_fraction"),
    *("dram_bits_per_cycle", "dram_pj_per_bit", "layout_factor", "pe_pj_per_cycle", "row_pj_per_cycle"),
    *("column_pj_per_tile", "scheduler_pj_per_cycle"),
)
RANGES: Final[Mapping[str, Range]] = {
    **{key: field_range(BitSerialHardware, key) for key in _FIELDS},
    **{key: field_range(SramBuffer, "capacity_bytes") for key in _BUFFER_KEYS},
}


@dataclass(frozen=True, slots=True, eq=False)
class SweepCosts:
    """Of c configurations, in their order, all (c,)."""

    cycles: FloatArray
    latency_ms: FloatArray
    energy_mj: FloatArray


def sweep(
    target: BitSerial, workload: Workload, changes: Mapping[str, ArrayLike], precision: Precision | None = None
) -> SweepCosts:
    """Cost of the workload on each variant of the target's hardware.

    Where cycles depend on the bits of the weights, those are counted once for each width of the array that occurs.

    Args:
        changes: for each key that varies, c values or one; keys of `RANGES`, of which `weight_bits` and
            `activation_bits` stand for the precision.

    Raises:
        InvalidHardwareError: for keys that cannot vary and for values out of their range.
        UnsupportedLayerError: as `BitSerial.cost`.
    """
    target.check_layers(workload)
    hardware = target.hardware
    widest = {"weight_bits": hardware.widest_weight_bits, "activation_bits": hardware.widest_activation_bits}
    ranges = {**RANGES, **{key: Range(1, bits) for key, bits in widest.items()}}
    columns, size = sweep_columns(target.name, changes, ranges)
    precision = precision or target.native_precision
    parts = []
    for start in range(0, size, _CHUNK):
        chunk = {
            key: np.broadcast_to(column, size)[start : start + _CHUNK] if len(column) > 1 else float(column[0])
            for key, column in columns.items()
        }
        parts.append(_totals(hardware, workload, precision, chunk, min(_CHUNK, size - start)))
    return SweepCosts(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _totals(
    hardware: BitSerialHardware, workload: Workload, precision: Precision, chunk: Mapping[str, Any], size: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    widths = Precision(*(1 if key in chunk else getattr(precision, key) for key in _WIDTHS))
    variant = _Variant(hardware, chunk)
    # The equations read the description's attributes alone, and take arrays for numbers.
    run = Run.of(cast(BitSerialHardware, variant), workload, widths).with_widths(
        *(chunk.get(key, getattr(precision, key)) for key in _WIDTHS)
    )
    cycles, energy_uj = np.zeros(size), np.zeros(size)
    for figures in evaluate(workload, run):
        cycles += figures.total_cycles
        for part in PARTS:
            energy_uj += figures.energy_uj[part]
    return cycles, cycles / (variant.clock_ghz * 1e6), energy_uj * 1e-3


class _Variant:
    """A hardware description some of whose numbers are arrays."""

    def __init__(self, hardware: BitSerialHardware, chunk: Mapping[str, Any]):
        self._hardware = hardware
        self._changed = {key: value for key, value in chunk.items() if key in _FIELDS}
        for key in _BUFFER_KEYS:
            if key in chunk:
                name = key.removesuffix("_bytes")
                self._changed[name] = _Buffer(getattr(hardware, name), chunk[key])

    def __getattr__(self, name: str) -> Any:
        changed = self._changed
        return changed[name] if name in changed else getattr(self._hardware, name)


class _Buffer:
    """A buffer of many capacities."""

    def __init__(self, buffer: Any, capacity_bytes: Any):
        costs = sram_costs(capacity_bytes, buffer.banks, buffer.port_bits)
        self.capacity_bytes = capacity_bytes
        self.read_pj = costs.read_pj
        self.write_pj_per_word = costs.write_pj * WORD_BITS / buffer.port_bits

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
from targets.bitvert.hardware import WORD_BITS, BitSerialHardware
from targets.bitvert.run import Run
from targets.bitvert.target import BitSerial
from targets.errors import InvalidHardwareError, UnsupportedLayerError
from targets.sram_costs import sram_costs

# Configurations at a time: the dozens of arrays of that size stay within the processor's cache.
_CHUNK: Final = 20_000
_BUFFER_KEYS: Final = ("weight_buffer_bytes", "activation_buffer_bytes")
_WIDTHS: Final = ("weight_bits", "activation_bits")
_WHOLE: Final = ("rows", "columns", "weights_per_pe", "vector_lanes", "prune_group_size")
_FIELDS: Final = (
    *_WHOLE,
    "clock_ghz",
    "sensitive_fraction",
    "dram_bits_per_cycle",
    "dram_pj_per_bit",
    "layout_factor",
    "pe_pj_per_cycle",
    "row_pj_per_cycle",
    "column_pj_per_tile",
    "scheduler_pj_per_cycle",
)
_MAY_BE_ZERO: Final = frozenset({"sensitive_fraction", *(key for key in _FIELDS if "_pj_per_" in key)})
SWEPT: Final = frozenset({*_FIELDS, *_BUFFER_KEYS, *_WIDTHS})


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
        changes: for each key that varies, c values or one; keys of `SWEPT`, of which `weight_bits` and
            `activation_bits` stand for the precision.

    Raises:
        InvalidHardwareError: for keys that cannot vary and for values out of their range.
        UnsupportedLayerError: as `BitSerial.cost`.
    """
    for layer in workload.layers:
        if not target.supports(layer):
            raise UnsupportedLayerError(target.name, layer.name, layer.kind)
    columns = _columns(target.hardware, changes)
    size = max(map(len, columns.values()), default=1)
    precision = precision or target.native_precision
    parts = []
    for start in range(0, size, _CHUNK):
        chunk = {
            key: np.broadcast_to(column, size)[start : start + _CHUNK] if len(column) > 1 else float(column[0])
            for key, column in columns.items()
        }
        parts.append(_totals(target.hardware, workload, precision, chunk, min(_CHUNK, size - start)))
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


def _columns(hardware: BitSerialHardware, changes: Mapping[str, ArrayLike]) -> dict[str, FloatArray]:
    faults = [(key, f"cannot vary; what can: {', '.join(sorted(SWEPT))}") for key in changes if key not in SWEPT]
    columns = {key: np.atleast_1d(np.asarray(values, dtype=np.float64)) for key, values in changes.items()}
    widest = {"weight_bits": hardware.widest_weight_bits, "activation_bits": hardware.widest_activation_bits}
    for key, column in columns.items():
        if column.ndim != 1 or len(column) == 0:
            faults.append((key, "one row of values is needed"))
        elif not np.isfinite(column).all() or (column < 0).any() or (key not in _MAY_BE_ZERO and not column.all()):
            faults.append((key, "values must be positive"))
        elif key in (*_WHOLE, *_BUFFER_KEYS) and not (column == np.rint(column)).all():
            faults.append((key, "values must be whole numbers"))
        elif key in _WIDTHS and not ((column >= 1) & (column <= widest[key])).all():
            faults.append((key, f"values must be 1 to {widest[key]:g}"))
        elif key == "sensitive_fraction" and (column > 1).any():
            faults.append((key, "values must be at most 1"))
    lengths = {len(column) for column in columns.values()} - {1}
    if len(lengths) > 1:
        faults.append(("", f"all keys need as many values, or one; got {sorted(lengths)}"))
    if faults:
        raise InvalidHardwareError(hardware.name, faults)
    return columns

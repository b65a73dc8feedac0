"""Costs of one workload on many variants of the hardware, as one computation over arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from spaces.base import FloatArray, Workload
from targets.base import Precision
from targets.bitmod.equations import evaluate
from targets.bitmod.hardware import BitModHardware
from targets.bitmod.machine import build_machine
from targets.bitmod.target import MAX_BITS, BitMod
from targets.gemm import lower
from targets.sweep_values import Range, field_range, sweep_columns

# Configurations x layers at a time: the dozens of arrays of that size stay within the processor's cache and memory.
_CHUNK: Final = 200_000
_FIELDS: Final = (
    *("rows", "columns", "decode_rows", "decode_columns", "dot_product", "kv_bits"),
    *("pe_pj_per_cycle", "pe_area_um2", "weight_buffer_bytes", "activation_buffer_bytes", "buffer_banks"),
    *("dram_bits_per_cycle", "dram_pj_per_bit", "clock_ghz", "vector_lanes"),
)
RANGES: Final[Mapping[str, Range]] = {
    **{key: field_range(BitModHardware, key) for key in _FIELDS},
    **{key: Range(1, MAX_BITS) for key in ("weight_bits", "activation_bits")},
}


@dataclass(frozen=True, slots=True, eq=False)
class SweepCosts:
    """Of c configurations, in their order, all (c,)."""

    cycles: FloatArray
    latency_ms: FloatArray
    energy_mj: FloatArray
    area_mm2: FloatArray


def sweep(
    target: BitMod, workload: Workload, changes: Mapping[str, ArrayLike], precision: Precision | None = None
) -> SweepCosts:
    """Cost of the workload on each variant of the target's hardware.

    Args:
        changes: for each key that varies, c values or one; keys of `RANGES`, of which `weight_bits` and
            `activation_bits` stand for the precision.

    Raises: InvalidHardwareError for keys that cannot vary and for values out of their range.
    """
    given, size = sweep_columns(target.name, changes, RANGES)
    columns = {key: values[:, None] for key, values in given.items()}
    counts = Counter(workload.layers)
    gemms = lower(list(counts), workload.batch, folds_batch=target.hardware.folds_batch)
    repeats = np.array(list(counts.values()), dtype=np.float64)
    step = max(1, _CHUNK // max(1, len(counts)))
    parts = []
    for start in range(0, size, step):
        chunk = {key: np.broadcast_to(column, (size, 1))[start : start + step] for key, column in columns.items()}
        machine = build_machine(target.hardware, precision or target.native_precision, chunk)
        figures = evaluate(machine, gemms)
        rows = len(next(iter(chunk.values()))) if chunk else 1
        totals = [figures.total_cycles, *figures.energy_pj.values()]
        cycles, *energies = (np.broadcast_to(each, (rows, len(counts))) @ repeats for each in totals)
        clock_ghz = np.broadcast_to(machine.of["clock_ghz"], (rows, 1))[:, 0]
        area_mm2 = np.broadcast_to(machine.area_mm2, (rows, 1))[:, 0]
        parts.append((cycles, cycles / (clock_ghz * 1e6), np.sum(energies, axis=0) * 1e-9, area_mm2))
    return SweepCosts(*(np.concatenate(column) for column in zip(*parts, strict=True)))

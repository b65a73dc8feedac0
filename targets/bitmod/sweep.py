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
from targets.bitmod.machine import build_machine
from targets.bitmod.target import BitMod
from targets.errors import InvalidHardwareError
from targets.gemm import lower

# Configurations x layers at a time: the dozens of arrays of that size stay within the processor's cache and memory.
_CHUNK: Final = 200_000
SWEPT: Final = frozenset(
    {
        "rows",
        "columns",
        "decode_rows",
        "decode_columns",
        "dot_product",
        "kv_bits",
        "pe_pj_per_cycle",
        "pe_area_um2",
        "weight_buffer_bytes",
        "activation_buffer_bytes",
        "buffer_banks",
        "dram_bits_per_cycle",
        "dram_pj_per_bit",
        "clock_ghz",
        "vector_lanes",
        "weight_bits",
        "activation_bits",
    }
)


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
        changes: for each key that varies, c values or one; keys of `SWEPT`, of which `weight_bits` and
            `activation_bits` stand for the precision.

    Raises: InvalidHardwareError for keys that cannot vary and for values that are not positive.
    """
    columns = _columns(target.name, changes)
    counts = Counter(workload.layers)
    gemms = lower(list(counts), workload.batch, folds_batch="folded-batch" in target.hardware.active_refinements)
    repeats = np.array(list(counts.values()), dtype=np.float64)
    size = max(map(len, columns.values()), default=1)
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


def _columns(name: str, changes: Mapping[str, ArrayLike]) -> dict[str, FloatArray]:
    faults = [(key, f"cannot vary; what can: {', '.join(sorted(SWEPT))}") for key in changes if key not in SWEPT]
    columns = {key: np.atleast_1d(np.asarray(values, dtype=np.float64)) for key, values in changes.items()}
    faults += [(key, "values must be positive") for key, column in columns.items() if not (column > 0).all()]
    faults += [(key, "one row of values is needed") for key, column in columns.items() if column.ndim != 1]
    lengths = {len(column) for column in columns.values()} - {1}
    if len(lengths) > 1:
        faults.append(("", f"all keys need as many values, or one; got {sorted(lengths)}"))
    if faults:
        raise InvalidHardwareError(name, faults)
    return {key: column[:, None] for key, column in columns.items()}

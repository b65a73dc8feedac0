"""Cycles and energies of the layers of a workload on a bit-serial array, for one configuration or for many at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spaces.base import Layer, Workload
from targets.bitvert.arithmetic import Arithmetic, arithmetic
from targets.bitvert.numbers import Number, ceil, maximum
from targets.bitvert.run import Run
from targets.bitvert.traffic import Operands, Traffic, operands, sram_write_pj, traffic
from targets.layer_kinds import MOVER_KINDS, PRODUCT_KINDS, RIDING_KINDS, vector_operations
from targets.network_ends import with_ends

Weights = Mapping[str, NDArray[np.int8]]

PARTS: Final = ("compute", "sram_rd", "sram_wr", "dram")

_NO_ARITHMETIC = Arithmetic(0, 0, 0)
_NO_OPERANDS = Operands(0, 0, 0)
_NO_TRAFFIC = Traffic(0, 0, 0, 0, keeps_on_chip=False)


@dataclass(frozen=True, slots=True, eq=False)
class LayerFigures:
    """What a layer takes, for the whole batch.

    Attributes:
        layer: whose figures they are.
        arithmetic: of one repetition.
        operands: of one repetition.
        traffic: of one repetition.
        compute_cycles: of all repetitions, as everything below.
        dram_cycles: of the traffic with the memory.
        total_cycles: that pass on the clock.
        moved_bits: between memory and buffers.
        energy_uj: by part, see `PARTS`.
    """

    layer: Layer
    arithmetic: Arithmetic
    operands: Operands
    traffic: Traffic
    compute_cycles: Number
    dram_cycles: Number
    total_cycles: Number
    moved_bits: Number
    energy_uj: dict[str, Number]


def evaluate(workload: Workload, run: Run, weights: Weights | None = None) -> Iterator[LayerFigures]:
    """Figures of every layer, in order.

    Args:
        weights: int8 tensors of layers by name; synthetic ones for the others.
    """
    last = max((i for i, layer in enumerate(workload.layers) if layer.kind in PRODUCT_KINDS), default=-1)
    inputs_are_on_chip = False
    workload = with_ends(workload)
    for index, layer in enumerate(workload.layers):
        done = _NO_ARITHMETIC
        if layer.kind in RIDING_KINDS:
            if "other-operations" in run.refinements:
                done = _vector_arithmetic(layer, run)
            yield _figures(layer, run, done, _NO_OPERANDS, _NO_TRAFFIC)
            continue
        if layer.kind in PRODUCT_KINDS:
            done = arithmetic(layer, run, None if weights is None else weights.get(layer.name))
        sizes = operands(layer, done, run, is_last=index == last)
        moved = traffic(layer, sizes, done, run, inputs_are_on_chip=inputs_are_on_chip)
        inputs_are_on_chip = moved.keeps_on_chip
        if layer.kind in MOVER_KINDS:
            done = _vector_arithmetic(layer, run)
        yield _figures(layer, run, done, sizes, moved)


def _vector_arithmetic(layer: Layer, run: Run) -> Arithmetic:
    return replace(_NO_ARITHMETIC, cycles=ceil(run.batch * vector_operations(layer) / run.hardware.vector_lanes))


def _figures(layer: Layer, run: Run, done: Arithmetic, sizes: Operands, moved: Traffic) -> LayerFigures:
    hardware = run.hardware
    array_pj = done.cycles * (
        hardware.rows * hardware.columns * hardware.pe_pj_per_cycle + hardware.scheduler_pj_per_cycle
    )
    register_pj = (
        hardware.rows * hardware.row_pj_per_cycle * done.cycles
        + hardware.columns * hardware.column_pj_per_tile * done.tiles
    )
    weight_reads = done.cycles if hardware.weight_read_per == "cycle" else done.tiles
    read_pj = (
        weight_reads * hardware.weight_buffer.read_pj
        + done.tiles * hardware.activation_buffer.read_pj
        + hardware.layout_factor * register_pj
    )
    uses_array = layer.kind in PRODUCT_KINDS
    is_free = layer.kind in RIDING_KINDS
    picojoules = (
        hardware.layout_factor * array_pj if uses_array else 0.0,
        read_pj if uses_array else 0.0,
        0.0 if is_free else sram_write_pj(layer, sizes, moved, done, run),
        moved.bits * hardware.dram_pj_per_bit,
    )
    return LayerFigures(
        layer,
        done,
        sizes,
        moved,
        run.repeats * done.cycles,
        run.repeats * moved.cycles,
        run.repeats * maximum(done.cycles, moved.cycles),
        run.repeats * moved.bits,
        {part: run.repeats * energy * 1e-6 for part, energy in zip(PARTS, picojoules, strict=True)},
    )

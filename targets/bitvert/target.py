"""The cost of a workload on a bit-serial accelerator.

Source: the authors' simulator of Chen et al. 2024, arXiv 2409.05227 (BitVert), which mode `published` agrees with to
the cycle. A layer takes as long as its arithmetic or its memory traffic, whichever is longer:

    cycles  = max(compute, floor(traffic in bits / bits per cycle))
    compute = tiles x cycles of a tile;  tiles = slices of the reduction x blocks of rows x blocks of columns

`Refinements` says what mode `refined` changes. Weights of rules that depend on them are synthetic unless given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spaces.base import Layer, Workload
from targets.base import Cost, Cycles, LayerCost, Precision, total_cost
from targets.bitvert.arithmetic import Arithmetic, arithmetic
from targets.bitvert.hardware import BitSerialHardware
from targets.bitvert.run import Run
from targets.bitvert.shapes import FREE_KINDS, POST_KINDS, PRODUCT_KINDS
from targets.bitvert.traffic import Operands, Traffic, operands, sram_write_pj, traffic
from targets.errors import UnsupportedLayerError, UnsupportedPrecisionError

Weights = Mapping[str, NDArray[np.int8]]

_NO_ARITHMETIC = Arithmetic(0, 0, 0)
_NO_OPERANDS = Operands(0, 0, 0)
_NO_TRAFFIC = Traffic(0, 0, 0, 0, keeps_on_chip=False)


@dataclass(frozen=True, slots=True)
class BitSerial:
    """The cost of workloads on one bit-serial accelerator; a `Target`.

    Attributes:
        hardware: its description.
    """

    hardware: BitSerialHardware

    @property
    def name(self) -> str:
        """The hardware configuration's."""
        return self.hardware.name

    @property
    def native_precision(self) -> Precision:
        """Widths that the hardware description calls native."""
        return Precision(self.hardware.native_weight_bits, self.hardware.native_activation_bits)

    @property
    def is_additive(self) -> bool:
        """Whether no layer changes what another costs, as in mode `refined`."""
        return {"tensor-residency", "refetch-choice"} <= self.hardware.active_refinements

    def supports(self, layer: Layer) -> bool:
        """Convolutions and linear layers; refined, also matrix products, pooling, additions and data movement."""
        if layer.kind in FREE_KINDS or layer.kind in ("conv", "linear"):
            return True
        return "other-operations" in self.hardware.active_refinements and layer.kind in POST_KINDS | PRODUCT_KINDS

    def cost(self, workload: Workload, precision: Precision | None = None, *, weights: Weights | None = None) -> Cost:
        """Cost of one run of the workload's batch, at the native precision by default.

        Args:
            workload: to cost.
            precision: `weight_bits` is what is left of a weight after pruning, where the hardware prunes.
            weights: int8 tensors of layers by name, in the layout of torch, for hardware whose cycles depend on them.

        Raises:
            UnsupportedPrecisionError: operands wider than the array's.
            UnsupportedLayerError: see `supports`.
        """
        precision = precision or self.native_precision
        self._check(precision)
        run = Run(
            self.hardware,
            self.hardware.active_refinements,
            workload.batch if "batching" in self.hardware.active_refinements else 1,
            precision.weight_bits,
            precision.activation_bits,
            _is_transformer(workload),
        )
        repeats = workload.batch // run.batch
        last = max((i for i, layer in enumerate(workload.layers) if layer.kind in PRODUCT_KINDS), default=-1)
        rows: list[LayerCost] = []
        inputs_are_on_chip = False
        for index, layer in enumerate(workload.layers):
            if not self.supports(layer):
                raise UnsupportedLayerError(self.name, layer.name, layer.kind)
            if layer.kind in FREE_KINDS:
                rows.append(self._row(layer, run, repeats, _NO_ARITHMETIC, _NO_OPERANDS, _NO_TRAFFIC))
                continue
            done = _NO_ARITHMETIC
            if layer.kind in PRODUCT_KINDS:
                done = arithmetic(layer, run, None if weights is None else weights.get(layer.name))
            sizes = operands(layer, done, run, is_last=index == last)
            moved = traffic(layer, sizes, done, run, inputs_are_on_chip=inputs_are_on_chip)
            inputs_are_on_chip = moved.keeps_on_chip
            if layer.kind in POST_KINDS:
                done = replace(done, cycles=math.ceil(run.batch * _post_operations(layer) / self.hardware.vector_lanes))
            rows.append(self._row(layer, run, repeats, done, sizes, moved))
        return total_cost(rows, model=self.hardware.target, area_mm2=self.hardware.area_mm2)

    def _check(self, precision: Precision) -> None:
        for bits, widest in (
            (precision.weight_bits, self.hardware.widest_weight_bits),
            (precision.activation_bits, self.hardware.widest_activation_bits),
        ):
            if bits > widest:
                raise UnsupportedPrecisionError(self.name, bits, [widest])

    def _row(
        self, layer: Layer, run: Run, repeats: int, done: Arithmetic, sizes: Operands, moved: Traffic
    ) -> LayerCost:
        """One row for `repeats` times the layer."""
        hardware = self.hardware
        total = repeats * max(done.cycles, moved.cycles)
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
        is_product = layer.kind in PRODUCT_KINDS
        energy_uj = {
            "compute": repeats * hardware.layout_factor * array_pj * 1e-6 if is_product else 0.0,
            "sram_rd": repeats * read_pj * 1e-6 if is_product else 0.0,
            "sram_wr": repeats * sram_write_pj(layer, sizes, moved, done, run) * 1e-6 if sizes.input_bytes else 0.0,
            "dram": repeats * moved.bits * hardware.dram_pj_per_bit * 1e-6,
        }
        return LayerCost(
            name=layer.name,
            latency_ms=total / (hardware.clock_ghz * 1e6),
            energy_mj=math.fsum(energy_uj.values()) * 1e-3,
            macs=repeats * run.batch * layer.macs,
            bytes_moved=repeats * moved.bits / 8,
            cycles=Cycles(repeats * done.cycles, repeats * moved.cycles, total),
            energy_uj=energy_uj,
            details=_details(layer, done, sizes, moved),
        )


def _post_operations(layer: Layer) -> int:
    """Elements that pooling and additions work through; data movement works on none."""
    if layer.kind == "pool":
        return layer.out_elements * layer.kernel_area
    return layer.in_elements if layer.kind == "add" else 0


def _is_transformer(workload: Workload) -> bool:
    """Whether the published model takes the network for one: it has linear layers of several tokens."""
    return any(layer.kind == "linear" and layer.out_height * layer.out_width > 1 for layer in workload.layers)


def _details(layer: Layer, done: Arithmetic, sizes: Operands, moved: Traffic) -> dict[str, float | str]:
    """The columns of the authors' table."""
    is_dense = layer.kind in ("linear", "matmul")
    return {
        "type": {"linear": "fc"}.get(layer.kind, layer.kind),
        "k": layer.kernel,
        "cin": layer.in_channels,
        "cout": layer.out_channels,
        "ih": 1 if is_dense else layer.in_height,
        "oh_or_tokens": layer.out_height * layer.out_width if is_dense else layer.out_height,
        "w_prec_eff": done.weight_bits,
        "fetch_w": moved.weight_fetches,
        "fetch_i": moved.input_fetches,
        "w_bytes": sizes.weight_bytes,
        "i_bytes": sizes.input_bytes,
        "o_bytes": sizes.output_bytes,
    }

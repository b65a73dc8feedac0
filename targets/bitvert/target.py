"""The cost of a workload on a bit-serial accelerator.

Source: the authors' simulator of Chen et al. 2024, arXiv 2409.05227 (BitVert), which mode `published` agrees with to
the cycle. A layer takes as long as its arithmetic or its memory traffic, whichever is longer:

    cycles  = max(compute, floor(traffic in bits / bits per cycle))
    compute = tiles x cycles of a tile;  tiles = slices of the reduction x blocks of rows x blocks of columns

`Refinements` says what mode `refined` changes. Weights of rules that depend on them are synthetic unless given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from spaces.base import Layer, Workload
from targets.base import Cost, Cycles, LayerCost, Precision, total_cost
from targets.bitvert.equations import LayerFigures, Weights, evaluate
from targets.bitvert.hardware import BitSerialHardware
from targets.bitvert.run import Run
from targets.errors import UnsupportedPrecisionError
from targets.hardware_target import HardwareTarget
from targets.layer_kinds import MOVER_KINDS, PRODUCT_KINDS, RIDING_KINDS


@dataclass(frozen=True, slots=True)
class BitSerial(HardwareTarget[BitSerialHardware]):
    """The cost of workloads on one bit-serial accelerator."""

    @property
    def is_additive(self) -> bool:
        """Whether no layer changes what another costs, as in mode `refined`."""
        return {"tensor-residency", "refetch-choice"} <= self.hardware.active_refinements

    def supports(self, layer: Layer) -> bool:
        """Convolutions and linear layers; refined, also matrix products, pooling, additions and data movement."""
        if layer.kind in RIDING_KINDS or layer.kind in ("conv", "linear"):
            return True
        return "other-operations" in self.hardware.active_refinements and layer.kind in MOVER_KINDS | PRODUCT_KINDS

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
        self.check_layers(workload)
        run = Run.of(self.hardware, workload, precision)
        rows = [_row(figures, run) for figures in evaluate(workload, run, weights)]
        return total_cost(rows, model=self.hardware.target, area_mm2=self.hardware.area_mm2)

    def _check(self, precision: Precision) -> None:
        for bits, widest in (
            (precision.weight_bits, self.hardware.widest_weight_bits),
            (precision.activation_bits, self.hardware.widest_activation_bits),
        ):
            if bits > widest:
                raise UnsupportedPrecisionError(self.name, bits, [widest])


def _row(figures: LayerFigures, run: Run) -> LayerCost:
    layer = figures.layer
    return LayerCost(
        name=layer.name,
        latency_ms=figures.total_cycles / (run.hardware.clock_ghz * 1e6),
        energy_mj=math.fsum(figures.energy_uj.values()) * 1e-3,
        macs=run.repeats * run.batch * layer.macs,
        bytes_moved=figures.moved_bits / 8,
        cycles=Cycles(figures.compute_cycles, figures.dram_cycles, figures.total_cycles),
        energy_uj=figures.energy_uj,
        details=_details(figures),
    )


def _details(figures: LayerFigures) -> dict[str, float | str]:
    """The columns of the authors' table."""
    layer, done, sizes, moved = figures.layer, figures.arithmetic, figures.operands, figures.traffic
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

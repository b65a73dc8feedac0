"""BitMoD's cost of a workload, as a `Target`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from spaces.base import Layer, Workload
from targets.base import Cost, Cycles, LayerCost, Precision, total_cost
from targets.bitmod.equations import PARTS, LayerFigures, evaluate
from targets.bitmod.hardware import BitModHardware
from targets.bitmod.machine import Machine, build_machine
from targets.errors import UnsupportedPrecisionError
from targets.gemm import Gemms, lower
from targets.hardware_target import HardwareTarget

MAX_BITS: Final = 16


@dataclass(frozen=True, slots=True)
class BitMod(HardwareTarget[BitModHardware]):
    """A language-model accelerator of the BitMoD model; products run in the array, other layers beside it."""

    @property
    def native_precision(self) -> Precision:
        """Of the stage that the hardware is configured for."""
        return Precision(self.hardware.stage_weight_bits, self.hardware.native_activation_bits)

    def built_for(self, widest: Precision) -> BitMod:
        """With buffers whose ports are as wide as the widest operands need."""
        ports = {"port_weight_bits": widest.weight_bits, "port_activation_bits": widest.activation_bits}
        return BitMod(self.hardware.model_copy(update=ports))

    def cost(self, workload: Workload, precision: Precision | None = None) -> Cost:
        """Cost of one run of the workload's batch, at the native precision by default.

        Raises: UnsupportedPrecisionError for operands of more than 16 bits.
        """
        precision = precision or self.native_precision
        machine = _machine(self, precision)
        distinct = tuple(dict.fromkeys(workload.layers))
        rows = dict(zip(distinct, self._rows(distinct, workload.batch, machine), strict=True))
        return total_cost(
            [rows[layer] for layer in workload.layers], model=self.hardware.target, area_mm2=float(machine.area_mm2)
        )

    def _rows(self, layers: tuple[Layer, ...], batch: int, machine: Machine) -> list[LayerCost]:
        gemms = lower(layers, batch, folds_batch=self.hardware.folds_batch)
        figures = evaluate(machine, gemms)
        return [self._row(layer, index, gemms, figures, machine) for index, layer in enumerate(layers)]

    def _row(self, layer: Layer, index: int, gemms: Gemms, figures: LayerFigures, machine: Machine) -> LayerCost:
        total = float(figures.total_cycles[index])
        energy_uj = {part: float(figures.energy_pj[part][index]) * 1e-6 for part in PARTS}
        return LayerCost(
            name=layer.name,
            latency_ms=total / (self.hardware.clock_ghz * 1e6),
            energy_mj=sum(energy_uj.values()) * 1e-3,
            macs=int(gemms.macs[index]),
            bytes_moved=float(figures.dram_bytes[index]),
            cycles=Cycles(float(figures.compute_cycles[index]), float(figures.dram_cycles[index]), total),
            energy_uj=energy_uj,
            details=_details(index, gemms, figures, machine),
        )


@lru_cache(maxsize=256)
def _machine(target: BitMod, precision: Precision) -> Machine:
    """Raises: UnsupportedPrecisionError."""
    widest = max(precision.weight_bits, precision.activation_bits)
    if widest > MAX_BITS:
        raise UnsupportedPrecisionError(target.name, widest, [MAX_BITS])
    return build_machine(target.hardware, precision)


def _details(index: int, gemms: Gemms, figures: LayerFigures, machine: Machine) -> dict[str, float | str]:
    """The columns of the published simulators' tables."""

    def whole(array: object) -> int:
        return int(array[index])  # pyright: ignore[reportIndexIssue]

    cout, cin, tokens = whole(gemms.cout), whole(gemms.cin), whole(gemms.tokens)
    copies, products = whole(gemms.weight_copies), whole(gemms.products)
    is_matmul = bool(gemms.is_matmul[index])

    def sizes(batch: int, *rest: int) -> str:
        is_flat = machine.mode == "figures" and batch == 1  # the code behind the figures had no batches
        return "x".join(map(str, rest if is_flat else (batch, *rest)))

    return {
        "w_dim(batch x cout x cin)": sizes(copies, cout, cin),
        "i_dim(batch x tok x cin)": sizes(products, tokens, cin),
        "o_dim(batch x tok x cout)": sizes(products, tokens, cout),
        "w_prec": float(machine.kv_bits if is_matmul else machine.weight_bits),
        "i_prec": float(machine.activation_bits),
        "pe_array(hxw)": f"{machine.rows:g}x{machine.columns:g}",
        "pe_dp": int(machine.of["dot_product"]),
        "tiles": whole(figures.tiles),
        "w_bytes": whole(figures.weight_bytes),
        "i_bytes": whole(figures.input_bytes),
        "o_bytes": whole(figures.output_bytes),
        "fetch_w": whole(figures.weight_fetches),
        "fetch_i": whole(figures.input_fetches),
    }

"""The roofline model: a layer takes as long as its arithmetic or its memory traffic, whichever is longer.

Source: Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance model for multicore
architectures", Communications of the ACM 52(4). With b samples per run, for each layer:

    macs        = b * layer.macs
    bytes       = b * (inputs + outputs) * activation_bits / 8 + parameters * weight_bits / 8
    latency     = max(macs / peak, bytes / bandwidth) + launch overhead
    energy      = macs * energy per MAC + bytes * energy per byte

Different from the paper: the roof is applied to each layer, not to a whole program; a launch overhead is added, which
carries most of the latency of small networks; and the energy line is ours (a sum of arithmetic and traffic, as in
Choi et al. 2013, "A roofline model of energy", without the constant power). Every tensor crosses the memory once:
nothing is fused and nothing stays in a cache. Peak and energy per MAC are those of the narrowest arithmetic unit that
holds the wider of the two operands.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from spaces.base import Layer, Workload
from targets.base import Cost, LayerCost, Precision
from targets.errors import UnsupportedPrecisionError
from targets.hardware_spec import Bits, HardwareSpec, NonNegative, Positive
from targets.hardware_target import HardwareTarget

_BITS_PER_BYTE = 8


class ArithmeticUnit(BaseModel):
    """What the hardware does with operands of up to one width.

    Attributes:
        operand_bits: widest operand.
        peak_gmacs_per_s: 10^9 multiply-accumulates per second, all cores together.
        energy_pj_per_mac: of one multiply-accumulate with its operand delivery, where known.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    operand_bits: Bits
    peak_gmacs_per_s: Positive
    energy_pj_per_mac: Positive | None = None


class RooflineHardware(HardwareSpec):
    """A hardware configuration as the roofline model sees it.

    Attributes:
        arithmetic: units by growing width, of which a wider one is neither faster nor cheaper.
        memory_bandwidth_gb_per_s: 10^9 bytes per second between the arithmetic and the memory that holds tensors.
        launch_overhead_us: time to start a layer.
        energy_pj_per_byte: of one byte moved, where known; goes with `energy_pj_per_mac` of every unit.
    """

    target: Literal["roofline"]  # pyright: ignore[reportIncompatibleVariableOverride]  (frozen, so never reassigned)
    # A list in YAML: the one place where strictness would refuse a description that is meant.
    arithmetic: Annotated[tuple[ArithmeticUnit, ...], Field(strict=False)]
    memory_bandwidth_gb_per_s: Positive
    launch_overhead_us: NonNegative
    energy_pj_per_byte: Positive | None = None

    @field_validator("arithmetic", mode="after")
    @classmethod
    def _check_order(cls, units: tuple[ArithmeticUnit, ...]) -> tuple[ArithmeticUnit, ...]:
        if not units:
            raise ValueError("at least one unit is needed")
        for narrow, wide in pairwise(units):
            if wide.operand_bits <= narrow.operand_bits:
                raise ValueError("operand_bits must grow from one unit to the next")
            if wide.peak_gmacs_per_s > narrow.peak_gmacs_per_s:
                raise ValueError(f"peak_gmacs_per_s of {wide.operand_bits} bits is above that of fewer bits")
            if (wide.energy_pj_per_mac or 0) < (narrow.energy_pj_per_mac or 0):
                raise ValueError(f"energy_pj_per_mac of {wide.operand_bits} bits is below that of fewer bits")
        return units

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        known = {unit.energy_pj_per_mac is not None for unit in self.arithmetic} | {self.energy_pj_per_byte is not None}
        if len(known) > 1:
            raise ValueError("energy_pj_per_byte and the energy_pj_per_mac of every unit come together or not at all")
        widest = self.arithmetic[-1].operand_bits
        if max(self.native_weight_bits, self.native_activation_bits) > widest:
            raise ValueError(f"native_weight_bits and native_activation_bits must be at most {widest}, the widest unit")
        return self


@dataclass(frozen=True, slots=True)
class Roofline(HardwareTarget[RooflineHardware]):
    """The roofline cost of a workload on one hardware configuration; every layer has arithmetic or traffic."""

    def cost(self, workload: Workload, precision: Precision | None = None) -> Cost:
        """Cost of one run of the workload's batch, at the native precision by default.

        Raises: UnsupportedPrecisionError for operands wider than the widest arithmetic unit.
        """
        precision = precision or self.native_precision
        unit = self._unit(precision)
        layers = tuple(self._layer_cost(layer, workload.batch, precision, unit) for layer in workload.layers)
        return Cost(
            latency_ms=sum(layer.latency_ms for layer in layers),
            energy_mj=None
            if self.hardware.energy_pj_per_byte is None
            else sum(layer.energy_mj or 0 for layer in layers),
            area_mm2=self.hardware.area_mm2,
            model=self.hardware.target,
            layers=layers,
        )

    def _unit(self, precision: Precision) -> ArithmeticUnit:
        """The narrowest unit that holds the wider operand."""
        bits = max(precision.weight_bits, precision.activation_bits)
        for unit in self.hardware.arithmetic:
            if unit.operand_bits >= bits:
                return unit
        raise UnsupportedPrecisionError(self.name, bits, [unit.operand_bits for unit in self.hardware.arithmetic])

    def _layer_cost(self, layer: Layer, batch: int, precision: Precision, unit: ArithmeticUnit) -> LayerCost:
        macs = batch * layer.macs
        activation_bits = batch * (layer.in_elements + layer.out_elements) * precision.activation_bits
        bytes_moved = (activation_bits + layer.params * precision.weight_bits) / _BITS_PER_BYTE
        # 10^9 per second is 10^6 per millisecond.
        compute_ms = macs / (unit.peak_gmacs_per_s * 1e6)
        memory_ms = bytes_moved / (self.hardware.memory_bandwidth_gb_per_s * 1e6)
        return LayerCost(
            name=layer.name,
            latency_ms=max(compute_ms, memory_ms) + self.hardware.launch_overhead_us * 1e-3,
            energy_mj=self._energy_mj(macs, bytes_moved, unit),
            macs=macs,
            bytes_moved=bytes_moved,
        )

    def _energy_mj(self, macs: int, bytes_moved: float, unit: ArithmeticUnit) -> float | None:
        if unit.energy_pj_per_mac is None or self.hardware.energy_pj_per_byte is None:
            return None
        return (macs * unit.energy_pj_per_mac + bytes_moved * self.hardware.energy_pj_per_byte) * 1e-9

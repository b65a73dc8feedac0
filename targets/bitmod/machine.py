"""The numbers of a hardware description that the equations read: of one configuration, or of c of them as columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spaces.base import FloatArray
from targets.base import Mode, Precision
from targets.bitmod.hardware import BitModHardware, Refinement
from targets.sram_costs import SramCosts, sram_costs

Number = float | FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Machine:
    """Scalars, or columns (c, 1) that broadcast against the (n,) layers.

    Attributes:
        rows, columns: of the array as it is shaped for the stage.
        weight_bits, activation_bits, kv_bits: of this run; in the mode `figures` keys and values have 16 bits.
        weight_port_bits, activation_port_bits: widths of the buffers' ports.
        weight_sram, activation_sram: costs at those widths.
        of: every other key of the hardware description, by name.
    """

    rows: Number
    columns: Number
    weight_bits: Number
    activation_bits: Number
    kv_bits: Number
    weight_port_bits: Number
    activation_port_bits: Number
    weight_sram: SramCosts
    activation_sram: SramCosts
    mode: Mode
    refinements: frozenset[Refinement]
    of: Mapping[str, Any]

    @property
    def area_mm2(self) -> Number:
        """The array and both buffers; with the layout's share of the array where that is refined."""
        factor = self.of["layout_factor"] if "metadata" in self.refinements else 1.0
        array = self.rows * self.columns * self.of["pe_area_um2"] * 1e-6 * factor
        return array + self.weight_sram.area_mm2 + self.activation_sram.area_mm2


def build_machine(
    hardware: BitModHardware, precision: Precision, changes: Mapping[str, FloatArray] | None = None
) -> Machine:
    """The machine of a description, or of c variants of it.

    Args:
        changes: columns (c, 1) for numeric keys of the description, or for `weight_bits` and `activation_bits`.
    """
    of: dict[str, Any] = {**{name: getattr(hardware, name) for name in type(hardware).model_fields}, **(changes or {})}
    is_decoding = hardware.stage == "decode"
    rows, columns = (of["decode_rows"], of["decode_columns"]) if is_decoding else (of["rows"], of["columns"])
    weight_bits = of.get("weight_bits", precision.weight_bits)
    activation_bits = of.get("activation_bits", precision.activation_bits)
    # A bit-serial element takes half of a step's operands per cycle.
    share = np.where(of["is_bit_serial"], 0.5, 1.0)
    widest_weight = np.maximum(weight_bits, hardware.port_weight_bits or 0)
    widest_activation = np.maximum(activation_bits, hardware.port_activation_bits or 0)
    weight_port = of["dot_product"] * np.ceil(widest_weight / 4) * 4 * rows * share
    activation_port = of["dot_product"] * widest_activation * columns * share
    return Machine(
        rows=rows,
        columns=columns,
        weight_bits=weight_bits,
        activation_bits=activation_bits,
        kv_bits=16.0 if hardware.mode == "figures" else of["kv_bits"],
        weight_port_bits=weight_port,
        activation_port_bits=activation_port,
        weight_sram=sram_costs(of["weight_buffer_bytes"], of["buffer_banks"], weight_port),
        activation_sram=sram_costs(of["activation_buffer_bytes"], of["buffer_banks"], activation_port),
        mode=hardware.mode,
        refinements=hardware.active_refinements,
        of=of,
    )

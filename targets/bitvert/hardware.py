"""A bit-serial accelerator as data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from targets.hardware_spec import HardwareSpec, MeanBits, NonNegative, Positive

Count = Annotated[int, Field(ge=1, le=65536)]
CycleRule = Literal[
    "weight_bits", "essential_bits", "column_ones", "nonzero_columns", "pruned_columns", "effectual_columns"
]

_WORD_BITS = 64


class SramBuffer(BaseModel):
    """An on-chip buffer; the energies are of one access of the whole port.

    Attributes:
        capacity_kib: size.
        port_bits: width of the port.
        read_energy_pj: of one read.
        write_energy_pj: of one write.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    capacity_kib: Positive
    port_bits: Count
    read_energy_pj: NonNegative
    write_energy_pj: NonNegative

    @property
    def capacity_bytes(self) -> float:
        """Size."""
        return self.capacity_kib * 1024

    @property
    def write_energy_pj_per_word(self) -> float:
        """Of 64 bits."""
        return self.write_energy_pj * _WORD_BITS / self.port_bits


class BitSerialHardware(HardwareSpec):
    """An array of bit-serial processing elements (PEs) with a weight and an activation buffer.

    A PE holds `weights_per_pe` weights of one output channel; rows are output channels, columns are output pixels or
    tokens. One such slice of all rows and columns is a tile, and `cycle_rule` says how many cycles it takes:

    - `weight_bits`: the width of the weights (Stripes, ANT).
    - `pruned_columns`: as before, but 8 for the sensitive channels (BitVert).
    - `essential_bits`: the most ones in any weight, as sign and magnitude (Pragmatic).
    - `column_ones`: the most ones in any bit column of any row (Bitlet).
    - `nonzero_columns`: the most columns of any row that are not zero, after bit flip (BitWave).
    - `effectual_columns`: columns of at most 8 ones of 16 take one cycle, others two (BitVert without inversion).

    The native weight width is what `cycle_rule` works with: for BitVert and BitWave the columns left after pruning.

    Attributes:
        mode: `published` computes as the authors' simulator, `refined` without its known faults.
        clock_ghz: of the array.
        pe_rows: output channels at a time.
        pe_columns: output pixels or tokens at a time.
        weights_per_pe: weights that a PE works on together.
        widest_weight_bits: width that the array can compute with.
        widest_activation_bits: likewise.
        sensitive_fraction: share of the output channels that keep all their weight bits.
        prune_group_size: weights that are pruned together.
        post_lanes: elements per cycle of the unit behind the array that pools and adds; used in mode `refined` alone.
        weight_buffer: on-chip buffer of weights.
        activation_buffer: on-chip buffer of inputs and outputs.
        weight_read_per: whether the weight buffer is read once per tile or, a column at a time, once per cycle.
        dram_bandwidth_bits_per_cycle: between the chip and its memory.
        dram_energy_pj_per_bit: of traffic with the memory.
        layout_factor: of logic energies, from synthesis to place and route.
        pe_energy_pj_per_cycle: of one PE.
        row_energy_pj_per_cycle: registers of weights, for each row.
        column_energy_pj_per_tile: registers of inputs and their dispatch, for each column.
        scheduler_energy_pj_per_cycle: of the whole array's scheduler, counted as computation.
    """

    target: Literal["bitvert"]  # pyright: ignore[reportIncompatibleVariableOverride]  (frozen, so never reassigned)
    mode: Literal["published", "refined"]
    clock_ghz: Positive
    pe_rows: Count
    pe_columns: Count
    # Counts of ones are kept in bytes.
    weights_per_pe: Annotated[int, Field(ge=1, le=255)]
    cycle_rule: CycleRule
    widest_weight_bits: MeanBits = 8
    widest_activation_bits: MeanBits = 8
    sensitive_fraction: Annotated[float, Field(ge=0, le=1)] = 0.0
    prune_group_size: Count = 32
    post_lanes: Count = 16
    weight_buffer: SramBuffer
    activation_buffer: SramBuffer
    weight_read_per: Literal["tile", "cycle"] = "tile"
    dram_bandwidth_bits_per_cycle: Positive
    dram_energy_pj_per_bit: NonNegative
    layout_factor: Positive
    pe_energy_pj_per_cycle: NonNegative
    row_energy_pj_per_cycle: NonNegative = 0.0
    column_energy_pj_per_tile: NonNegative = 0.0
    scheduler_energy_pj_per_cycle: NonNegative = 0.0

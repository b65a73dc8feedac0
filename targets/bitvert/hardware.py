"""A bit-serial accelerator as data."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from targets.bitvert.refinements import PUBLISHED, REFINEMENTS, Refinement, Refinements
from targets.formats import BinaryPrunedFormat, NumberFormat
from targets.hardware_spec import HardwareSpec, MeanBits, NonNegative, Positive
from targets.sram_costs import sram_costs

Count = Annotated[int, Field(ge=1, le=65536)]
CycleRule = Literal[
    "weight_bits", "essential_bits", "column_ones", "nonzero_columns", "pruned_columns", "effectual_columns"
]

WORD_BITS = 64


class SramBuffer(BaseModel):
    """An on-chip buffer, whose energies come from the table of `targets.sram_costs`.

    Attributes:
        capacity_bytes: size.
        banks: it is made of.
        port_bits: width of an access.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    capacity_bytes: Annotated[int, Field(ge=1, le=2**40)]
    banks: Count
    port_bits: Count

    @property
    def read_pj(self) -> float:
        """Of one access."""
        return _access_pj(self.capacity_bytes, self.banks, self.port_bits)[0]

    @property
    def write_pj_per_word(self) -> float:
        """Of 64 bits."""
        return _access_pj(self.capacity_bytes, self.banks, self.port_bits)[1] * WORD_BITS / self.port_bits


@lru_cache
def _access_pj(capacity_bytes: int, banks: int, port_bits: int) -> tuple[float, float]:
    """Of one read and one write of the whole port."""
    costs = sram_costs(capacity_bytes, banks, port_bits)
    return float(costs.read_pj), float(costs.write_pj)


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
        refinements: with mode `refined`, which of them; all by default.
        clock_ghz: of the array.
        rows: output channels at a time.
        columns: output pixels or tokens at a time.
        weights_per_pe: weights that a PE works on together.
        widest_weight_bits: width that the array can compute with.
        widest_activation_bits: likewise.
        stem_bits: published: least width of weights and inputs of convolutions with more kernel positions than input
            channels, which the authors' ANT keeps.
        sensitive_fraction: share of the output channels that keep all their weight bits.
        prune_group_size: weights that are pruned together.
        vector_lanes: elements per cycle of the unit behind the array that pools and adds, in mode `refined` alone; an
            assumption, since the authors have no such unit.
        weight_buffer: on-chip buffer of weights.
        activation_buffer: on-chip buffer of inputs and outputs.
        weight_read_per: whether the weight buffer is read once per tile or, a column at a time, once per cycle.
        dram_bits_per_cycle: between the chip and its memory.
        dram_pj_per_bit: of traffic with the memory.
        layout_factor: of logic energies, from synthesis to place and route.
        pe_pj_per_cycle: of one PE.
        row_pj_per_cycle: registers of weights, for each row.
        column_pj_per_tile: registers of inputs and their dispatch, for each column.
        scheduler_pj_per_cycle: of the whole array's scheduler, counted as computation.
    """

    target: Literal["bitvert"]  # pyright: ignore[reportIncompatibleVariableOverride]  (frozen, so never reassigned)
    mode: Literal["published", "refined"] = "published"
    refinements: Annotated[tuple[Refinement, ...] | None, Field(strict=False)] = None
    clock_ghz: Positive
    rows: Count
    columns: Count
    # Counts of ones are kept in bytes.
    weights_per_pe: Annotated[int, Field(ge=1, le=255)]
    cycle_rule: CycleRule
    widest_weight_bits: MeanBits = 8
    widest_activation_bits: MeanBits = 8
    stem_bits: MeanBits | None = None
    sensitive_fraction: Annotated[float, Field(ge=0, le=1)] = 0.0
    prune_group_size: Count = 32
    vector_lanes: Count = 16
    weight_buffer: SramBuffer
    activation_buffer: SramBuffer
    weight_read_per: Literal["tile", "cycle"] = "tile"
    dram_bits_per_cycle: Positive
    dram_pj_per_bit: NonNegative
    layout_factor: Positive
    pe_pj_per_cycle: NonNegative
    row_pj_per_cycle: NonNegative = 0.0
    column_pj_per_tile: NonNegative = 0.0
    scheduler_pj_per_cycle: NonNegative = 0.0

    @property
    def number_format(self) -> NumberFormat | None:
        """Of the weights; pruned ones in this hardware's groups, its sensitive channels kept whole."""
        found = super().number_format
        if not isinstance(found, BinaryPrunedFormat):
            return found
        return replace(found, prune_group_size=self.prune_group_size, sensitive_fraction=self.sensitive_fraction)

    @property
    def active_refinements(self) -> Refinements:
        """Those of the mode."""
        if self.mode != "refined":
            return PUBLISHED
        return frozenset(REFINEMENTS if self.refinements is None else self.refinements)

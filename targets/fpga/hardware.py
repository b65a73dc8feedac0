"""An FPGA part that runs a network unrolled, as data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from targets.formats import parse_format
from targets.formats.quantisers import IntegerFormat
from targets.fpga.area import FLOW_LUT_SIZES
from targets.fpga.options import MAX_BITS, Encoding, Options
from targets.hardware_spec import HardwareSpec, NonNegative, Positive

Count = Annotated[int, Field(ge=0, le=1_000_000_000)]


class FpgaHardware(HardwareSpec):
    """A part with its cells, and how networks are put on it.

    Attributes:
        lut_size: inputs of a LUT.
        flow: of synthesis, whose areas count: that of a family with carry chains, or generic. Where LUTs have another
            size than the family's, generic ones count.
        luts, flip_flops, dsps: cells of the part.
        memory_kilobits: of its block RAM.
        max_luts: LUTs that a network may take where that is less than the usable ones; for it layers are folded.
        usable_share: of each of these that a placed design can take.
        max_clock_ghz: of the clock network.
        logic_ns: of a path between registers beside the carry chain: clock to output, routing, set-up; and of each
            row of full adders in front of the chain.
        carry_ns_per_bit: of a carry chain; the slowest path of a network sets the clock.
        dsp_multiply_accumulates: of one DSP in a cycle, up to `dsp_bits` for the wider operand.
        sparsity: share of the weights that are zero. Nothing is spent on them where a layer is unrolled.
        encoding: of constant weights, see `targets.fpga.options`.
        wanted_interval_cycles: from one sample to the next, which suffice: nothing is spent on a quicker pace.
        extrapolates: whether sums may be longer and operands wider than those that were synthesised.
    """

    target: Literal["fpga_unrolled"]  # pyright: ignore[reportIncompatibleVariableOverride]  (frozen)
    lut_size: Literal[4, 5, 6]
    flow: Literal["generic", "ice40", "xc7"] = "generic"
    luts: Count
    flip_flops: Count
    dsps: Count = 0
    memory_kilobits: Count = 0
    max_luts: Positive | None = None
    usable_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    max_clock_ghz: Positive
    logic_ns: NonNegative
    carry_ns_per_bit: NonNegative
    dsp_multiply_accumulates: Annotated[int, Field(ge=1, le=16)] = 1
    dsp_bits: Annotated[int, Field(ge=1, le=64)] = 18
    sparsity: Annotated[float, Field(ge=0, le=0.99)] = 0.0
    encoding: Encoding = "csd"
    wanted_interval_cycles: Annotated[int, Field(ge=1, le=2**40)] = 1
    extrapolates: bool = False

    @field_validator("weight_format", mode="after")
    @classmethod
    def _check_integers(cls, name: str | None) -> str | None:
        if name is not None and not isinstance(parse_format(name), IntegerFormat):
            raise ValueError("constants of the logic are integers, such as int4")
        return name

    def options(self, weight_bits: int, activation_bits: int) -> Options:
        """Of the circuits; activations behind a ReLU have no sign."""
        return Options(weight_bits, activation_bits, encoding=self.encoding)

    @property
    def area_flow(self) -> str:
        """A flow of `targets.fpga.synthesis`."""
        is_family = self.flow != "generic" and FLOW_LUT_SIZES[self.flow] == self.lut_size
        return self.flow if is_family else f"lut{self.lut_size}"

    @property
    def widest_operands(self) -> int:
        """Bits up to which circuits are described."""
        return MAX_BITS

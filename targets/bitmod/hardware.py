"""Hardware descriptions of the BitMoD model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, get_args

from pydantic import Field

from targets.base import Mode
from targets.formats import NumberFormat, format_at_width, parse_format
from targets.hardware_spec import HardwareSpec, MeanBits, NonNegative, Positive
from targets.llm.workload import Stage

# What the mode `refined` changes; each alone by the key `refinements`. See `targets.bitmod.equations`.
Refinement = Literal["fused-attention", "exact-widths", "fill-and-drain", "operand-energy", "metadata", "folded-batch"]
REFINEMENTS: Final[tuple[Refinement, ...]] = get_args(Refinement)
Count = Annotated[int, Field(ge=1, le=2**40)]
NonNegativeCount = Annotated[int, Field(ge=0, le=2**40)]


class BitModHardware(HardwareSpec):
    """An array of `rows` x `columns` processing elements; rows take output channels, columns take tokens.

    Attributes:
        mode: `published` (the authors' latest code), `figures` (the code behind the paper's figures) or `refined`.
        refinements: with mode `refined`, which of them; all by default.
        stage: which of the two shapes of the array is in use.
        rows, columns: of the array when it reads prompts, and for networks that are no language models.
        decode_rows, decode_columns: of the array when it writes tokens.
        decode_weight_bits: native width of weights when it writes tokens, where it is another one.
        dot_product: multiplications of one element per step.
        is_bit_serial: two bits of the weight per cycle, instead of all.
        subword_bits: bit-parallel elements multiply one weight of this width or two of half of it, where they can.
        kv_bits: width of keys and values.
        port_weight_bits, port_activation_bits: operands that the buffers' ports are built for, where those are wider
            than the ones in use.
        pe_pj_per_cycle: energy of one element, before place and route.
        pe_area_um2: area of one element, before place and route.
        layout_factor: energy after place and route over that before; refined: area too.
        weight_buffer_bytes, activation_buffer_bytes: capacity.
        buffer_banks: of each.
        dram_bits_per_cycle: bandwidth.
        dram_pj_per_bit: read or write.
        clock_ghz: of array and memory interface.
        vector_lanes: element-wise operations per cycle, of pooling and additions.
        vector_pj_per_op: energy of one of them.
        pipeline_cycles: refined: to fill and drain the elements' pipeline, per layer.
        dram_latency_cycles: refined: until the first operand arrives, per layer.
        group_size: weights that share a scale.
        scale_bits: of a group's scale, part of the mean width of weights; 0 where scales are per channel.
        selector_bits: refined: of a group's choice of data type, which the mean width leaves out.
    """

    target: Literal["bitmod"]  # pyright: ignore[reportIncompatibleVariableOverride]  (frozen, so never reassigned)
    mode: Mode = "published"
    refinements: Annotated[tuple[Refinement, ...] | None, Field(strict=False)] = None
    stage: Stage = "prefill"
    rows: Count
    columns: Count
    decode_rows: Count
    decode_columns: Count
    decode_weight_bits: MeanBits | None = None
    dot_product: Count
    is_bit_serial: bool
    subword_bits: Count | None = None
    kv_bits: MeanBits
    port_weight_bits: MeanBits | None = None
    port_activation_bits: MeanBits | None = None
    pe_pj_per_cycle: Positive
    pe_area_um2: Positive
    layout_factor: Annotated[float, Field(ge=1, le=100)]
    weight_buffer_bytes: Count
    activation_buffer_bytes: Count
    buffer_banks: Count
    dram_bits_per_cycle: Positive
    dram_pj_per_bit: Positive
    clock_ghz: Positive
    vector_lanes: Count
    vector_pj_per_op: NonNegative
    pipeline_cycles: NonNegativeCount
    dram_latency_cycles: NonNegativeCount
    group_size: Count = 128
    scale_bits: NonNegativeCount = 0
    selector_bits: NonNegativeCount = 0

    @property
    def stage_weight_bits(self) -> float:
        """Native width of weights in the stage."""
        return (self.decode_weight_bits if self.stage == "decode" else None) or self.native_weight_bits

    @property
    def number_format(self) -> NumberFormat | None:
        """That of the stage: of the same kind, where decoding has a width of its own."""
        if self.weight_format is None or self.stage_weight_bits == self.native_weight_bits:
            return super().number_format
        name = format_at_width(self.weight_format, self.stage_weight_bits - self.scale_bits / self.group_size)
        return None if name is None else parse_format(name)

    @classmethod
    def implied(cls, description: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
        """Also, that weights of another width are those of both stages."""
        found = super().implied(description, changes)
        if {"native_weight_bits", "weight_format"} & changes.keys() and "decode_weight_bits" not in changes:
            found["decode_weight_bits"] = None
        return found

    @classmethod
    def _scale_share(cls, description: Mapping[str, object]) -> float:
        scale_bits, group_size = description.get("scale_bits", 0), description.get("group_size", 128)
        if isinstance(scale_bits, int) and isinstance(group_size, int) and group_size > 0:
            return scale_bits / group_size
        return 0.0

    @property
    def active_refinements(self) -> frozenset[Refinement]:
        """Those of the mode."""
        if self.mode != "refined":
            return frozenset()
        return frozenset(REFINEMENTS if self.refinements is None else self.refinements)

    @property
    def folds_batch(self) -> bool:
        """Whether samples that share weights become tokens of one product.

        As in the authors' code: decoding has one product of `batch` tokens, reading prompts one for each sample.
        """
        return self.stage == "decode" or "folded-batch" in self.active_refinements

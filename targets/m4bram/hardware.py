"""An FPGA accelerator of the family as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from targets.hardware_spec import HardwareSpec, Positive
from targets.m4bram.configuration import Configuration, Configurations
from targets.m4bram.design import ACTIVATION_WIDTHS, DESIGNS, WEIGHT_WIDTHS
from targets.m4bram.engine import Engine
from targets.m4bram.refinements import PUBLISHED, REFINEMENTS, Refinement, Refinements
from targets.m4bram.rules import broken_rules

Count = Annotated[int, Field(ge=1, le=1_000_000)]


class M4bramHardware(HardwareSpec):
    """A design on a chip with some DSPs and block RAMs.

    Attributes:
        mode: `published` computes as the authors' simulators, `refined` without their known faults.
        refinements: with mode `refined`, which of them; all by default.
        design: DLA, SY-M4S, DP-M4S, SY-M4L, DP-M4L, the last four with -no-DSP, BRAMAC-1DA or BRAMAC-2SA.
        clock_ghz: of the fabric and the DSPs.
        block_delay_ns: of a block RAM that computes, which runs at twice the clock where it is double-pumped; in mode
            `refined` alone.
        rvec: filter columns at a time.
        dsp_budget: DSPs of the chip.
        bram_budget: block RAMs of the chip.
        configuration: unroll factors as the design allows them, of no more DSPs and of no more block RAMs at once than
            the budgets have at the native widths; where there are none, they are searched for within the budgets, for
            each workload anew.
        objective: of that search: fewest cycles, or the authors' speed squared per area relative to DLA; mode
            `refined` always wants the fewest cycles.
        memory_bandwidth_gb_per_s: between the chip and its memory; in mode `refined` alone.
        vector_lanes: elements per cycle of the units that pool and add, in mode `refined` alone; an assumption, since
            the authors have no such units.
    """

    target: Literal["m4bram"]  # pyright: ignore[reportIncompatibleVariableOverride]  (frozen, so never reassigned)
    mode: Literal["published", "refined"] = "published"
    refinements: Annotated[tuple[Refinement, ...] | None, Field(strict=False)] = None
    design: str
    clock_ghz: Positive
    block_delay_ns: Positive = 1.047
    rvec: Annotated[int, Field(ge=1, le=64)] = 3
    dsp_budget: Count
    bram_budget: Count
    configuration: Configuration | None = None
    objective: Literal["cycles", "speedup_per_area"] = "cycles"
    memory_bandwidth_gb_per_s: Positive
    vector_lanes: Count = 64

    @property
    def active_refinements(self) -> Refinements:
        """Those of the mode."""
        if self.mode != "refined":
            return PUBLISHED
        return frozenset(REFINEMENTS if self.refinements is None else self.refinements)

    @model_validator(mode="after")
    def _check_design(self) -> Self:
        if self.design not in DESIGNS:
            raise ValueError(f"design must be one of {', '.join(DESIGNS)}, got {self.design!r}")
        if self.configuration is not None:
            missing = [name for name in self.needed_factors if getattr(self.configuration, name) < 1]
            if missing:
                raise ValueError(f"configuration of {self.design} needs {', '.join(missing)} of at least 1")
            self._check_configuration(self.configuration)
        return self

    def _check_configuration(self, configuration: Configuration) -> None:
        engine = self._native_engine()
        factors = engine.tied(Configurations.of(configuration))
        taken = {
            "dsp_budget": (int(engine.dsps(factors)[0]), "DSPs", self.dsp_budget),
            "bram_budget": (int(engine.filter_bandwidth_brams(factors)[0]), "block RAMs for weights", self.bram_budget),
        }
        for key, (least, of_what, budget) in taken.items():
            if least > budget:
                raise ValueError(
                    f"the configuration takes {least} {of_what}, {key} is {budget}; configuration null has one "
                    "searched for within the budget"
                )
        if broken := broken_rules(engine, configuration):
            raise ValueError(f"configuration of {self.design} needs {', '.join(broken)}")

    @property
    def needed_factors(self) -> tuple[str, ...]:
        """Unroll factors that the design has, all others being 0."""
        return {
            "dla": ("dsp_qvec", "dsp_cvec", "dsp_kvec"),
            "no-dsp": ("bram_qvec", "bram_cvec", "bram_kvec"),
        }.get(DESIGNS[self.design].family, tuple(Configuration.model_fields))

    def _native_engine(self) -> Engine:
        """At the native widths; operands that are too wide for the design count as its widest ones."""
        weight_bits, activation_bits = (
            min(width for width in widths if width >= min(bits, widths[-1]))
            for bits, widths in (
                (self.native_weight_bits, WEIGHT_WIDTHS),
                (self.native_activation_bits, ACTIVATION_WIDTHS),
            )
        )
        design = DESIGNS[self.design]
        return Engine(design, *design.widths(weight_bits, activation_bits), self.rvec)

    @classmethod
    def implied(cls, description: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
        """Also, that another budget or design has the configuration searched for."""
        found = super().implied(description, changes)
        is_fixed = any(key.partition(".")[0] == "configuration" for key in changes)
        if {"design", "dsp_budget", "bram_budget"} & changes.keys() and not is_fixed:
            found["configuration"] = None
        return found

"""The accelerators of the family by name, and what the widths of the operands mean to each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

WEIGHT_WIDTHS: Final = (2, 4, 8)
ACTIVATION_WIDTHS: Final = tuple(range(2, 9))

BLOCK_ROWS: Final = 128
BLOCK_MUX: Final = 4
BRAM_AREA: Final = 40
DSP_AREA: Final = 30


@dataclass(frozen=True, slots=True)
class Design:
    """An accelerator: DSPs, block RAMs that compute, or both.

    Attributes:
        name: key in `DESIGNS`.
        family: "dla" computes in DSPs, "m4bram" in both on columns of their own, "bramac" in both on the same
            channels, "no-dsp" is M4BRAM without DSPs.
        is_large: whether the dummy array in each block RAM is the large one (L, or 2SA: two arrays).
        is_double_pumped: whether the array runs at twice the clock (DP, or 1DA).
        bram_area_factor: area of a block RAM relative to a plain one.
        block_width: bits of a word of a block RAM.
    """

    name: str
    family: Literal["dla", "m4bram", "bramac", "no-dsp"]
    is_large: bool = False
    is_double_pumped: bool = False
    bram_area_factor: float = 1.0
    block_width: int = 32

    def widths(self, weight_bits: int, activation_bits: int) -> tuple[int, int]:
        """Of weights and activations as the design computes with them: BRAMAC has one width for both."""
        if self.family != "bramac":
            return weight_bits, activation_bits
        bits = min(width for width in WEIGHT_WIDTHS if width >= max(weight_bits, activation_bits))
        return bits, bits

    def iteration_cycles(self, weight_bits: int, activation_bits: int) -> int:
        """Cycles in which a block RAM multiplies two weights by all bits of their activations."""
        _, bits = self.widths(weight_bits, activation_bits)
        return 2 + (math.ceil(bits / 2) if self.is_double_pumped else bits)

    def lanes(self, weight_bits: int) -> int:
        """Multiply-accumulates of a block RAM in one iteration."""
        return self.block_width // weight_bits * (4 if self.is_large else 2)

    @property
    def readout_cycles(self) -> int:
        """Cycles to read the accumulators of a block RAM."""
        return 8 if self.is_large else 4

    @property
    def bram_columns(self) -> int:
        """Output columns that a BRAMAC array adds."""
        return 2 if self.is_large else 1

    def area(self, brams: NDArray[np.float64], dsps: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) in the authors' units: a plain block RAM is 40, a DSP 30."""
        return BRAM_AREA * self.bram_area_factor * brams + DSP_AREA * dsps


def multipliers_per_dsp(weight_bits: int, activation_bits: int) -> int:
    """Products of a DSP per cycle: two multipliers, each of which narrow operands share."""
    widest_packed = {2: (5, 4), 4: (2, 4), 8: (5, 2)}[weight_bits]
    narrow, packed = widest_packed
    return 2 * (packed if activation_bits <= narrow else packed // 2)


_ALL: Final = (
    Design("DLA", "dla"),
    Design("SY-M4S", "m4bram", bram_area_factor=1.196),
    Design("DP-M4S", "m4bram", is_double_pumped=True, bram_area_factor=1.196),
    Design("SY-M4L", "m4bram", is_large=True, bram_area_factor=1.334),
    Design("DP-M4L", "m4bram", is_large=True, is_double_pumped=True, bram_area_factor=1.334),
    Design("SY-M4S-no-DSP", "no-dsp", bram_area_factor=1.196),
    Design("DP-M4S-no-DSP", "no-dsp", is_double_pumped=True, bram_area_factor=1.196),
    Design("SY-M4L-no-DSP", "no-dsp", is_large=True, bram_area_factor=1.334),
    Design("DP-M4L-no-DSP", "no-dsp", is_large=True, is_double_pumped=True, bram_area_factor=1.334),
    Design("BRAMAC-1DA", "bramac", is_double_pumped=True, bram_area_factor=1.17, block_width=40),
    Design("BRAMAC-2SA", "bramac", is_large=True, bram_area_factor=1.34, block_width=40),
)
DESIGNS: Final[dict[str, Design]] = {design.name: design for design in _ALL}

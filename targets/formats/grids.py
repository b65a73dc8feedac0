"""Levels of the number formats, ascending, without scale.

Sources: Chen et al. 2025, "BitMoD" (arXiv 2411.11745), sec. 3, for FP3, FP4 and their extra values; Dotzel et al. 2024,
"Learning from Students" (arXiv 2405.03103), for E2M1 with supernormal values; Guo et al. 2022, "ANT" (arXiv
2208.14286), for flint; Li et al. 2020, "Additive Powers-of-Two Quantization" (arXiv 1909.13144), for APoT.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from spaces.base import FloatArray


def integer(bits: int) -> FloatArray:
    """Symmetric integers: -(2^(b-1) - 1) .. 2^(b-1) - 1."""
    return _mirrored(np.arange(2 ** (bits - 1)))


def floating(exponent_bits: int, mantissa_bits: int) -> FloatArray:
    """Floating point with subnormals and without infinities, in units of the smallest one (which is 0.5 in E2M1)."""
    fractions = np.arange(2**mantissa_bits)
    binades = [(2**mantissa_bits + fractions) * 2**exponent for exponent in range(2**exponent_bits - 1)]
    return _mirrored(np.concatenate([fractions, *binades]))


def flint(bits: int) -> FloatArray:
    """ANT's flint: the place of the leading one decides how many bits are left for the fraction.

    Integers below 2^(b-2), then binades of half as many steps each, and one last power of two.
    """
    magnitudes = list(range(2 ** (bits - 2)))
    for fraction_bits in range(bits - 3, -1, -1):
        start = 2 ** (2 * bits - 5 - fraction_bits)
        magnitudes += [start + step * start // 2**fraction_bits for step in range(2**fraction_bits)]
    return _mirrored(np.array([*magnitudes, 2 ** (2 * bits - 4)]))


def additive_powers_of_two() -> FloatArray:
    """APoT4: sums of one of {0, 1/8, 1/2, 1} and one of {0, 1/4}, in units of the largest sum."""
    sums = np.add.outer([0, 0.125, 0.5, 1], [0, 0.25]).ravel()
    return _mirrored(np.sort(sums) / 1.25)


def extended(grid: FloatArray, value: float) -> FloatArray:
    """The grid with one more level, in the place of the code for negative zero."""
    return np.sort(np.append(grid, value))


def _mirrored(magnitudes: np.ndarray) -> FloatArray:
    """0 and the magnitudes with both signs, ascending."""
    positive = np.asarray(magnitudes[1:], dtype=np.float64)
    return np.concatenate([-positive[::-1], [0.0], positive])


E2M1: Final = floating(2, 1) / 2
FP3: Final = floating(2, 0)
# BitMoD's units: of the smallest level, so E2M1 doubled.
FP4: Final = floating(2, 1)
# Extra resolution and extra asymmetry, of either sign, in the order in which BitMoD tries them (sec. 3.2).
BITMOD: Final = {
    3: tuple(extended(FP3, value) for value in (3, -3, 6, -6)),
    4: tuple(extended(FP4, value) for value in (10, -10, 16, -16)),
}
SUPER_RANGE: Final = extended(E2M1, 8)
SUPER_PRECISION: Final = extended(E2M1, 5)
APOT4: Final = additive_powers_of_two()
APOT4_SUPER_PRECISION: Final = extended(APOT4, 0.5)

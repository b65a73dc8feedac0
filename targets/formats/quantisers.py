"""The kinds of number formats: integers, one grid, the best of several grids, and a shared power of two.

Sources as in `targets.formats.grids`; MX: Rouhani et al. 2023, "Microscaling Data Formats" (arXiv 2310.10537), in
BitMoD's form, whose elements are scaled so that half the largest level stands for the shared exponent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spaces.base import FloatArray
from targets.formats.base import GROUP_SIZE, Floats, Groups, Quantised, in_groups

_DType = type[np.floating[Any]]
_SCALE_BITS = 8


@dataclass(frozen=True, slots=True)
class IntegerFormat:
    """Integers: symmetric around 0, or with a zero point between the group's smallest and largest value."""

    name: str
    bits: int
    is_symmetric: bool = True

    @property
    def metadata_bits(self) -> int:
        """Scale, and zero point where there is one."""
        return _SCALE_BITS if self.is_symmetric else _SCALE_BITS + self.bits

    def quantise(self, values: Floats, group_size: int = GROUP_SIZE, dtype: _DType = np.float32) -> Quantised:
        """Round to the nearest integer, ties to even."""
        groups = in_groups(values, group_size, dtype)
        if self.is_symmetric:
            largest = 2 ** (self.bits - 1) - 1
            scale = _step(np.abs(groups.values).max(axis=1), largest)
            zero = np.full_like(scale, largest)
            steps = 2 * largest
        else:
            steps = 2**self.bits - 1
            low = groups.values.min(axis=1)
            scale = _step(groups.values.max(axis=1) - low, steps)
            zero = np.clip(np.rint(-low / scale), 0, steps)
        codes = np.clip(np.rint(groups.values / scale[:, None]) + zero[:, None], 0, steps).astype(np.int16)
        levels = np.arange(steps + 1, dtype=dtype)[None]
        return Quantised(codes, levels, np.zeros(len(codes), np.int8), scale, zero, groups)


@dataclass(frozen=True, slots=True, eq=False)
class GridFormat:
    """The nearest level of a grid; ties go to the smaller one. Scale = largest magnitude / largest level.

    Attributes:
        scaling_level: the level that the group's largest magnitude becomes; the largest magnitude of the grid by
            default. Where it is smaller than that, a grid is one-sided and clips the other sign.
    """

    name: str
    bits: int
    grid: FloatArray
    scaling_level: float | None = None

    @property
    def metadata_bits(self) -> int:
        """Scale."""
        return _SCALE_BITS

    def quantise(self, values: Floats, group_size: int = GROUP_SIZE, dtype: _DType = np.float32) -> Quantised:
        """As the class says."""
        groups = in_groups(values, group_size, dtype)
        codes, scale = _to_grid(groups, self.grid, self.scaling_level, dtype)
        zero = np.zeros_like(scale)
        return Quantised(codes, self.grid[None].astype(dtype), np.zeros(len(codes), np.int8), scale, zero, groups)


@dataclass(frozen=True, slots=True, eq=False)
class AdaptiveFormat:
    """For each group the grid with the least squared error, the first of equals: BitMoD's mixture of data types.

    Attributes:
        grids: of the same number of levels.
    """

    name: str
    bits: int
    grids: tuple[FloatArray, ...]

    @property
    def metadata_bits(self) -> int:
        """Scale and the choice of the grid."""
        return _SCALE_BITS + (len(self.grids) - 1).bit_length()

    def quantise(self, values: Floats, group_size: int = GROUP_SIZE, dtype: _DType = np.float32) -> Quantised:
        """As the class says."""
        groups = in_groups(values, group_size, dtype)
        tried = [_to_grid(groups, grid, None, dtype) for grid in self.grids]
        errors = [
            _group_error(groups, grid.astype(dtype)[codes] * scale[:, None])
            for grid, (codes, scale) in zip(self.grids, tried, strict=True)
        ]
        chosen = np.argmin(errors, axis=0)
        rows = np.arange(len(chosen))
        codes = np.stack([codes for codes, _ in tried])[chosen, rows]
        scale = np.stack([scale for _, scale in tried])[chosen, rows]
        levels = np.stack([np.pad(grid, (0, self._most - len(grid)), mode="edge") for grid in self.grids])
        return Quantised(codes, levels.astype(dtype), chosen.astype(np.int8), scale, np.zeros_like(scale), groups)

    @property
    def _most(self) -> int:
        return max(map(len, self.grids))


@dataclass(frozen=True, slots=True, eq=False)
class MicroscalingFormat:
    """A grid scaled by the power of two at or below the group's largest magnitude; groups of 32 in the standard."""

    name: str
    bits: int
    grid: FloatArray

    @property
    def metadata_bits(self) -> int:
        """The shared exponent."""
        return 8

    def quantise(self, values: Floats, group_size: int = 32, dtype: _DType = np.float32) -> Quantised:
        """The nearest level; ties go to the smaller one."""
        groups = in_groups(values, group_size, dtype)
        largest = np.abs(groups.values).max(axis=1).astype(np.float64)
        exponent = np.floor(np.log2(np.where(largest > 0, largest, 1.0)))
        scale = (2.0**exponent).astype(dtype)
        levels = self.grid / (self.grid.max() / 2)
        codes = _nearest(groups.values / scale[:, None], levels, np.float64)
        zero = np.zeros_like(scale)
        return Quantised(codes, levels[None].astype(dtype), np.zeros(len(codes), np.int8), scale, zero, groups)


def _to_grid(
    groups: Groups, grid: FloatArray, scaling_level: float | None, dtype: _DType
) -> tuple[NDArray[np.int16], Floats]:
    scale = _step(np.abs(groups.values).max(axis=1), scaling_level or float(np.abs(grid).max()))
    return _nearest(groups.values / scale[:, None], grid, dtype), scale


def _nearest(values: Floats, grid: FloatArray, dtype: _DType) -> NDArray[np.int16]:
    """Index of the nearest level; a value halfway belongs to the smaller one."""
    levels = grid.astype(dtype)
    # Halved first: the sum of two large half-precision levels could overflow.
    return np.searchsorted(levels[:-1] / 2 + levels[1:] / 2, values, side="left").astype(np.int16)


def _step(extent: Floats, levels: float) -> Floats:
    """Distance of neighbouring levels; 1 for a group of zeros, and where half precision has no number that small."""
    step = extent / extent.dtype.type(levels)
    return np.where(step > 0, step, extent.dtype.type(1))


def _group_error(groups: Groups, dequantised: Floats) -> FloatArray:
    """(groups,) sum of squared errors, without what only fills up."""
    difference = dequantised.astype(np.float64) - groups.values
    return np.square(np.where(groups.is_filling, 0.0, difference)).sum(axis=1)

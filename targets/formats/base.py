"""What every number format speaks of: groups of values, their codes and scales, and the NumberFormat protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
GROUP_SIZE = 128


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Values cut into groups along the last axis; the last group of a row may be filled up.

    Attributes:
        values: (groups, size), filled up with the row's last value.
        is_filling: (groups, size) True where a value only fills up.
        shape: of the values before.
    """

    values: Floats
    is_filling: NDArray[np.bool_]
    shape: tuple[int, ...]

    def restore(self, values: Floats) -> Floats:
        """Values (groups, size) in the shape of before."""
        length = self.shape[-1]
        return values.reshape(*self.shape[:-1], -1)[..., :length]


def in_groups(values: Floats, size: int, dtype: type[np.floating[Any]]) -> Groups:
    """Cut (..., n) values into groups of `size`, in the arithmetic of `dtype`. Raises: ValueError for no values."""
    if values.size == 0 or values.ndim == 0:
        raise ValueError(f"there is nothing to quantise in an array of shape {values.shape}")
    if size < 1:
        raise ValueError(f"a group needs at least 1 value, got {size}")
    missing = -values.shape[-1] % size
    padding = [(0, 0)] * (values.ndim - 1) + [(0, missing)]
    filled = np.pad(values.astype(dtype), padding, mode="edge").reshape(-1, size)
    is_filling = np.zeros(values.shape, dtype=bool)
    is_filling = np.pad(is_filling, padding, constant_values=True).reshape(-1, size)
    return Groups(filled, is_filling, values.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Quantised:
    """Codes with what turns them back into numbers: (levels[candidate, code] - zero) * scale.

    Attributes:
        codes: (groups, size) index of each value's level.
        levels: (candidates, levels) grids that a group may choose from.
        candidate: (groups,) the grid that each group chose.
        scale: (groups,) step of each group.
        zero: (groups,) the level that stands for 0.
        groups: how the values were cut.
    """

    codes: NDArray[np.int16]
    levels: Floats
    candidate: NDArray[np.int8]
    scale: Floats
    zero: Floats
    groups: Groups

    def dequantise(self) -> Floats:
        """The numbers that the codes stand for, in the shape and arithmetic of the quantisation."""
        levels = self.levels[self.candidate[:, None], self.codes]
        return self.groups.restore((levels - self.zero[:, None]) * self.scale[:, None])


class NumberFormat(Protocol):
    """How a group of values becomes a few bits each.

    Contract: immutable, deterministic, keeps the order, never changes its input.
    """

    @property
    def name(self) -> str:
        """As `parse_format` reads it."""
        ...

    @property
    def bits(self) -> int:
        """Of a code."""
        ...

    @property
    def metadata_bits(self) -> int:
        """Stored with each group: scale, zero point, choice of grid."""
        ...

    def quantise(
        self, values: Floats, group_size: int = GROUP_SIZE, dtype: type[np.floating[Any]] = np.float32
    ) -> Quantised:
        """Codes of (..., n) values, grouped along the last axis.

        Args:
            dtype: of all arithmetic, scales included; half precision is what the accelerators of the papers use.
        """
        ...


def bits_per_value(number_format: NumberFormat, group_size: int = GROUP_SIZE) -> float:
    """Storage with the group's share of scale and choices."""
    return number_format.bits + number_format.metadata_bits / group_size

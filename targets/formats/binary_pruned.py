"""Integers with pruned bit columns as a number format: what is left of weights on BitVert and BitWave.

Source: Chen et al. 2024, arXiv 2409.05227, see `targets.bbs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from targets.bbs import METHODS
from targets.formats.base import GROUP_SIZE, Floats, Groups, Quantised, in_groups

_COLUMNS: Final = 8
_LARGEST: Final = 127
# Pruned values may leave 8 bits, see `binary_prune`.
_FURTHEST: Final = 2 * _LARGEST


@dataclass(frozen=True, slots=True)
class BinaryPrunedFormat:
    """8-bit integers, scaled per row, whose groups keep `bits` of their 8 columns.

    Attributes:
        name: as `parse_format` reads it.
        bits: columns that are left, 2 to 8.
        method: key of `targets.bbs.METHODS`.
        prune_group_size: values that are pruned together, where no smaller group is asked for.
        sensitive_fraction: share of the rows, those of the largest scale, that keep all columns.
    """

    name: str
    bits: int
    method: str
    prune_group_size: int = 32
    sensitive_fraction: float = 0.0

    @property
    def metadata_bits(self) -> int:
        """The count of redundant columns and the constant of each pruned group."""
        return 8 if self.bits < _COLUMNS else 0

    def quantise(
        self, values: Floats, group_size: int = GROUP_SIZE, dtype: type[np.floating[Any]] = np.float32
    ) -> Quantised:
        """Rows, that is output channels, are (..., n)."""
        groups = in_groups(values, min(group_size, self.prune_group_size), dtype)
        largest = np.abs(values).max(axis=-1).ravel().astype(dtype)
        row_scale = np.where(largest > 0, largest / dtype(_LARGEST), dtype(1))
        scale = np.repeat(row_scale, len(groups.values) // len(row_scale))
        whole = np.clip(np.rint(groups.values / scale[:, None]), -_LARGEST, _LARGEST).astype(np.int8)
        pruned = self._pruned(whole, groups)
        sensitive = np.argsort(-row_scale, kind="stable")[: int(self.sensitive_fraction * len(row_scale))]
        keeps = np.repeat(np.isin(np.arange(len(row_scale)), sensitive), len(scale) // len(row_scale))
        codes = np.where(keeps[:, None], whole.astype(np.int16), pruned) + np.int16(_FURTHEST)
        levels = np.arange(-_FURTHEST, _FURTHEST + 1, dtype=dtype)[None]
        return Quantised(codes, levels, np.zeros(len(codes), np.int8), scale, np.zeros_like(scale), groups)

    def _pruned(self, whole: NDArray[np.int8], groups: Groups) -> NDArray[np.int16]:
        """Groups at the end of a row are pruned without what fills them up."""
        pruned = whole.astype(np.int16)
        if self.bits == _COLUMNS:
            return pruned
        lengths = (~groups.is_filling).sum(axis=1)
        for length in np.unique(lengths):
            rows = lengths == length
            pruned[rows, :length] = METHODS[self.method](whole[rows, :length], _COLUMNS - self.bits)
        return pruned

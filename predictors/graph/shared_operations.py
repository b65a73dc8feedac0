"""Ids of operations that spaces have in common, so that what is learned on one space holds for another.

FLAN gives each space a block of ids and copies rows of the source's block to the target's, in the order in which both
list their operations. Here the same operation has the same id from the start, whatever a space calls it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from arch_encodings.learned.vocabulary import MASK
from spaces.base import IntArray, SearchSpace

# What else operations are called that do about the same; a name that is not here stands for itself.
_SAME: Final[Mapping[str, str]] = {
    "conv1x1-bn-relu": "nor_conv_1x1",
    "conv3x3-bn-relu": "nor_conv_3x3",
    "maxpool3x3": "pool_3x3",
    "max_pool_3x3": "pool_3x3",
    "avg_pool_3x3": "pool_3x3",
}


@dataclass(frozen=True, slots=True)
class SharedOperations:
    """Attributes: ids: kind of operation -> id; none is `PAD` or `MASK`."""

    ids: Mapping[str, int]

    @classmethod
    def of(cls, spaces: Iterable[SearchSpace]) -> SharedOperations:
        """Of all operations of the spaces, in their order."""
        kinds = dict.fromkeys(_SAME.get(op, op) for space in spaces for op in space.op_names)
        return cls({kind: MASK + 1 + number for number, kind in enumerate(kinds)})

    @property
    def size(self) -> int:
        """Rows that an embedding table needs."""
        return 1 + max(self.ids.values(), default=MASK)

    def covers(self, space: SearchSpace) -> bool:
        """Whether every operation of the space has an id."""
        return all(_SAME.get(op, op) in self.ids for op in space.op_names)

    def of_space(self, space: SearchSpace) -> IntArray:
        """(operations,) ids of the space's `op_names`. Raises: KeyError unless `covers`."""
        return np.array([self.ids[_SAME.get(op, op)] for op in space.op_names], dtype=np.int64)

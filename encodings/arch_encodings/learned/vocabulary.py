"""One vocabulary of operations over several spaces: every (space, operation) has an id of its own.

Ids of different spaces are disjoint and the two reserved ids mean no operation, unlike in FLAN's code, where PAD and
MASK coincide with operations and single-cell spaces overlap. A trained encoder keeps its vocabulary by names, so its
ids outlive the addition of spaces and the reordering of operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from spaces.base import IntArray, SearchSpace

PAD: Final = 0
MASK: Final = 1
_RESERVED: Final = 2


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Ids of the operations of some spaces.

    Attributes:
        ids: space name -> operation name -> id; all ids differ, none is `PAD` or `MASK`.
    """

    ids: Mapping[str, Mapping[str, int]]

    def __post_init__(self):
        used = [number for ops in self.ids.values() for number in ops.values()]
        if len(set(used)) != len(used) or any(number < _RESERVED for number in used):
            raise ValueError("ids must differ from each other and from the reserved ones")

    @classmethod
    def of(cls, spaces: Iterable[SearchSpace]) -> Vocabulary:
        """Consecutive ids in the order of the spaces and of their `op_names`; each space may occur once."""
        ids: dict[str, dict[str, int]] = {}
        free = _RESERVED
        for space in spaces:
            ids[space.name] = {op: free + local for local, op in enumerate(space.op_names)}
            free += len(space.op_names)
        return cls(ids)

    @property
    def size(self) -> int:
        """Rows that an embedding table indexed by ids needs, the reserved ones included."""
        return 1 + max((number for ops in self.ids.values() for number in ops.values()), default=MASK)

    def covers(self, space: SearchSpace) -> bool:
        """Whether every operation of the space has an id."""
        return set(space.op_names) <= set(self.ids.get(space.name, ()))

    def of_space(self, space: SearchSpace) -> IntArray:
        """(operations,) ids of the space's `op_names`. Raises: KeyError unless `covers`."""
        ids = self.ids[space.name]
        return np.array([ids[op] for op in space.op_names], dtype=np.int64)

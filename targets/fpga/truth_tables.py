"""The functions that the low bits of a sum are of the bits that it adds, so that equal ones can be told.

A table has a bit for each assignment of the variables, the first variable changing fastest. All bits of it are computed
at once, each integer standing for one bit of the sum under every assignment.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

# As many as the largest LUT has inputs.
MOST_VARIABLES: Final = 6
_ROWS: Final = 1 << MOST_VARIABLES
_ONES: Final = (1 << _ROWS) - 1
_VARIABLES: Final = tuple(
    sum(1 << row for row in range(_ROWS) if row >> variable & 1) for variable in range(MOST_VARIABLES)
)


class Function(NamedTuple):
    """A bit of a sum.

    Attributes:
        variables: numbers of the bits that it depends on, ascending.
        table: its values.
    """

    variables: tuple[int, ...]
    table: int

    @property
    def is_trivial(self) -> bool:
        """Whether it is constant or one of the variables, and so takes no logic."""
        return len(self.variables) <= 1 and self.table in (0, _ONES, _VARIABLES[0])


def functions(columns: Sequence[Sequence[int]], signs: Sequence[int]) -> list[Function]:
    """Of each bit of a sum of terms.

    Args:
        columns: numbers of each term's bits, the lowest first, 0 for one that is zero; up to `MOST_VARIABLES` others.
        signs: +1 or -1 of each term.
    """
    variables = sorted({bit for column in columns for bit in column if bit})
    places = {bit: place + 1 for place, bit in enumerate(variables)} | {0: 0}
    known = _functions(tuple([tuple([places[bit] for bit in column]) for column in columns]), tuple(signs))
    return [Function(tuple([variables[place] for place in chosen]), table) for chosen, table in known]


@lru_cache(maxsize=65_536)
def _functions(columns: tuple[tuple[int, ...], ...], signs: tuple[int, ...]) -> list[Function]:
    total = [0] * len(columns[0])
    for column, sign in zip(columns, signs, strict=True):
        flipped = carry = 0 if sign > 0 else _ONES
        for place, variable in enumerate(column):
            bit = (_VARIABLES[variable - 1] if variable else 0) ^ flipped
            before = total[place]
            total[place] = before ^ bit ^ carry
            carry = (before & bit) | (carry & (before ^ bit))
    return [_reduced(table) for table in total]


def _reduced(table: int) -> Function:
    """Without the variables that make no difference."""
    used = []
    for variable in reversed(range(MOST_VARIABLES)):
        mask, shift = _VARIABLES[variable], 1 << variable
        low = table & ~mask & _ONES
        if (table & mask) >> shift == low:
            table = _without(low, shift)
        else:
            used.append(variable)
    return Function(tuple(reversed(used)), table)


def _without(low: int, block: int) -> int:
    """The table with the rows where the variable is one left out, twice over, so that every table has as many rows."""
    kept = sum((low >> row & ((1 << block) - 1)) << row // 2 for row in range(0, _ROWS, 2 * block))
    return kept | kept << _ROWS // 2

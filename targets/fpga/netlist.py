"""The distinct bits of an unrolled circuit: what a synthesis tool is left with when it has merged what is equal.

Bits are numbered, equal ones alike: the low bits of a sum that only one term reaches are that term's, zeros that shifts
bring are constants, and a sum of the same terms, whatever power of two they share, is the same bits. So a product that
several trees need, 3x and 6x, or a register that two of them would fill alike, is there once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from targets.fpga.intervals import bits_of

ZERO: Final = 0
# Inputs of a bit beyond which nobody asks how many they are: more than any LUT has.
MOST_INPUTS: Final = 8
_FEWEST_LUT_INPUTS: Final = 4


@dataclass(frozen=True, slots=True)
class Word:
    """A value as numbers of its bits, the lowest first."""

    bits: tuple[int, ...]
    low: int
    high: int

    def column(self, exponent: int, width: int) -> tuple[int, ...]:
        """Bits of the value times 2^exponent, those above its own being its sign or zero."""
        above = self.bits[-1] if self.low < 0 else ZERO
        return ((ZERO,) * exponent + self.bits + (above,) * (width - len(self.bits) - exponent))[:width]


class Path(NamedTuple):
    """A way from registers or inputs to a bit.

    Attributes:
        wide_additions: that it enters where they are wider than a LUT.
        saved_rows: rows of full adders before their carries, one for each term beyond the second, where the sum is
            wider than a LUT.
        wide_bits: that it follows carries over, where they are wider than a LUT.
        chain_bits: of the additions that it enters, up to where it is, of any width.
    """

    wide_additions: int = 0
    saved_rows: int = 0
    wide_bits: int = 0
    chain_bits: int = 0

    @property
    def logic(self) -> float:
        """Orders ways by their LUTs, a carry counted as half of one."""
        return self.wide_additions + self.saved_rows + self.wide_bits / 2 + self.chain_bits / 1024

    @property
    def chain(self) -> float:
        """Orders ways by the time that they take where carries have chains of their own."""
        return self.wide_additions + self.saved_rows + self.chain_bits / 4

    def entering(self, place: int, rows: int, *, is_wide: bool) -> Path:
        """Into a bit of an addition."""
        return Path(
            self.wide_additions + is_wide,
            self.saved_rows + (rows if is_wide else 0),
            self.wide_bits,
            self.chain_bits + place,
        )

    def carried(self, *, is_wide: bool) -> Path:
        """On to the next bit of the addition."""
        return self._replace(wide_bits=self.wide_bits + is_wide, chain_bits=self.chain_bits + 1)


@dataclass(frozen=True, slots=True)
class Addition:
    """A sum that is there once.

    Attributes:
        terms: that are added, a negation of the first one included.
        inputs: of each bit, from the first that is not a term's; as many as registers and inputs have a part in it, up
            to `MOST_INPUTS`.
        path: to its highest bit.
    """

    terms: int
    inputs: tuple[int, ...]
    path: Path


class Netlist:
    """A `targets.fpga.arithmetic.Builder` that numbers bits."""

    def __init__(self, *, is_registered: bool):
        self._is_registered = is_registered
        self._numbers: dict[Hashable, int] = {}
        self._registers: dict[int, int] = {}
        # Of bits that are neither registers nor inputs, which circuits without registers add too.
        self._inputs: dict[int, frozenset[int]] = {}
        self._paths: dict[int, Path] = {}
        self.additions: dict[int, Addition] = {}

    @property
    def registers(self) -> frozenset[int]:
        """Bits that are stored."""
        return frozenset(self._registers.values())

    def entering(self, name: Hashable, bits: int, low: int, high: int) -> Word:
        """An input, or what a register before the arithmetic holds."""
        return Word(tuple([self._number((name, place)) for place in range(bits)]), low, high)

    def delayed(self, name: str, value: Word) -> Word:
        """What follows a value, where there are registers."""
        return Word(self._stored(value.bits), value.low, value.high)

    def sum(self, name: str, terms: Sequence[tuple[Word, int, int]], low: int, high: int) -> Word:
        """The sum, stored."""
        width = bits_of(low, high)
        columns = [word.column(exponent, width) for word, exponent, _ in terms]
        signs = [sign for _, _, sign in terms]
        bits: list[int] = []
        for column in zip(*columns, strict=True):
            present = [place for place, bit in enumerate(column) if bit]
            if len(present) > 1 or (present and signs[present[0]] < 0):
                break
            bits.append(column[present[0]] if present else ZERO)
        if len(bits) < width:
            bits += self._added([column[len(bits) :] for column in columns], signs)
        return Word(self._stored(tuple(bits)), low, high)

    def _number(self, key: Hashable) -> int:
        return self._numbers.setdefault(key, len(self._numbers) + len(self._registers) + 1)

    def _stored(self, bits: tuple[int, ...]) -> tuple[int, ...]:
        if not self._is_registered:
            return bits
        known = self._registers
        return tuple([bit and known.setdefault(bit, len(self._numbers) + len(known) + 1) for bit in bits])

    def _added(self, columns: list[tuple[int, ...]], signs: list[int]) -> list[int]:
        """Bits of the sum of what no single term gives."""
        number = self._number(("sum", tuple(sorted(zip(columns, signs, strict=True)))))
        bits = [self._number((number, place)) for place in range(len(columns[0]))]
        if number not in self.additions:
            terms = max(sum(any(column) for column in columns) + (max(signs) < 0), 2)
            inputs = self._counted(bits, columns)
            path = _first_path(inputs, terms) if self._is_registered else self._found_path(bits, columns, inputs, terms)
            self.additions[number] = Addition(terms, inputs, path)
        return bits

    def _counted(self, bits: list[int], columns: list[tuple[int, ...]]) -> tuple[int, ...]:
        known: set[int] = set()
        counts: list[int] = []
        for bit, column in zip(bits, zip(*columns, strict=True), strict=True):
            if len(known) < MOST_INPUTS:
                for each in column:
                    if each:
                        known |= self._inputs.get(each) or {each}
            counts.append(min(len(known), MOST_INPUTS))
            if not self._is_registered:
                self._inputs[bit] = frozenset(known)
        return tuple(counts)

    def _found_path(self, bits: list[int], columns: list[tuple[int, ...]], inputs: tuple[int, ...], terms: int) -> Path:
        path: Path | None = None
        for place, (bit, column, count) in enumerate(zip(bits, zip(*columns, strict=True), inputs, strict=True)):
            is_wide, rows = count > _FEWEST_LUT_INPUTS, terms - 2
            ways = [self._paths.get(each, Path()).entering(place, rows, is_wide=is_wide) for each in column if each]
            if path is not None:
                ways.append(path.carried(is_wide=is_wide))
            path = self._paths[bit] = max(ways, key=lambda way: way.logic)
        return path or Path()


def _first_path(inputs: tuple[int, ...], terms: int) -> Path:
    """The longest way through an addition of registers: by its rows into the first wide bit."""
    bits, narrow = len(inputs), bisect_right(inputs, _FEWEST_LUT_INPUTS)
    if narrow == bits:
        return Path(chain_bits=bits - 1)
    return Path(1, terms - 2, bits - narrow - 1, bits - 1)

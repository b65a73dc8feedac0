"""The distinct bits of an unrolled circuit: what a synthesis tool is left with when it has merged what is equal.

Bits are numbered, equal ones alike: the low bits of a sum that only one term reaches are that term's, zeros that shifts
bring are constants, and a sum of the same terms, whatever power of two they share, is the same bits. So a product that
several trees need, 3x and 6x, or a register that two of them would fill alike, is there once. Bits that depend on no
more than a LUT has inputs are also known by the function that they are, which other sums may have too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from targets.fpga.intervals import bits_of
from targets.fpga.truth_tables import MOST_VARIABLES, functions

ZERO: Final = 0
LUT_SIZES: Final = (4, 5, 6)
# Inputs of a bit beyond which nobody asks how many they are.
MOST_INPUTS: Final = 10
FEWEST_TERMS: Final = 2


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
        paired_bits: that more than one term has a bit for.
        functions: numbers of what the bits of up to `MOST_VARIABLES` inputs are, 0 for what needs no logic.
        paths: to its highest bit, by the size of LUTs.
    """

    terms: int
    inputs: tuple[int, ...]
    paired_bits: int
    functions: tuple[int, ...]
    paths: Mapping[int, Path]

    def narrow(self, lut_size: int) -> int:
        """Bits that fit into a LUT each."""
        return bisect_right(self.inputs, lut_size)

    def rows(self, inputs: int, lut_size: int) -> int:
        """Of full adders that a bit has before the carry: none for two terms, few where it has few inputs."""
        return min(self.terms - FEWEST_TERMS, inputs - lut_size)


class Netlist:
    """A `targets.fpga.arithmetic.Builder` that numbers bits."""

    def __init__(self, *, is_registered: bool):
        self._is_registered = is_registered
        self._numbers: dict[Hashable, int] = {}
        self._registers: dict[int, int] = {}
        # Of bits that are neither registers nor inputs, which circuits without registers add too.
        self._inputs: dict[int, frozenset[int]] = {}
        self._paths: dict[int, dict[int, Path]] = {size: {} for size in LUT_SIZES}
        self._functions: dict[Hashable, int] = {}
        self.additions: dict[int, Addition] = {}
        # Bits of negative terms of additions of two: a carry chain takes them inverted.
        self.inverted: set[int] = set()

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
            terms = max(sum(any(column) for column in columns) + (max(signs) < 0), FEWEST_TERMS)
            inputs = self._counted(bits, columns)
            paired = sum(len(column) - column.count(ZERO) > 1 for column in zip(*columns, strict=True))
            added = Addition(terms, inputs, paired, self._named(bits, columns, signs, inputs), {})
            paths = {
                size: _first_path(added, size) if self._is_registered else self._found_path(bits, columns, added, size)
                for size in LUT_SIZES
            }
            self.additions[number] = replace(added, paths=paths)
            if terms == FEWEST_TERMS:
                subtracted = (column for column, sign in zip(columns, signs, strict=True) if sign < 0)
                self.inverted.update(bit for column in subtracted for bit in column if bit)
        return bits

    def _named(
        self, bits: list[int], columns: list[tuple[int, ...]], signs: list[int], inputs: tuple[int, ...]
    ) -> tuple[int, ...]:
        """Numbers of functions; of logic below logic nobody knows what it is, so that each is its own."""
        narrow = bisect_right(inputs, MOST_VARIABLES)
        low = [column[:narrow] for column in columns]
        if not narrow:
            return ()
        known = self._functions
        if any(bit in self._inputs for column in low for bit in column):
            return tuple([known.setdefault(bit, len(known) + 1) for bit in bits[:narrow]])
        found = functions(low, signs)
        return tuple([0 if one.is_trivial else known.setdefault(one, len(known) + 1) for one in found])

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

    def _found_path(self, bits: list[int], columns: list[tuple[int, ...]], added: Addition, lut_size: int) -> Path:
        path: Path | None = None
        paths = self._paths[lut_size]
        for place, (bit, column, count) in enumerate(zip(bits, zip(*columns, strict=True), added.inputs, strict=True)):
            is_wide, rows = count > lut_size, added.rows(count, lut_size)
            ways = [paths.get(each, Path()).entering(place, rows, is_wide=is_wide) for each in column if each]
            if path is not None:
                ways.append(path.carried(is_wide=is_wide))
            path = paths[bit] = max(ways, key=lambda way: way.logic)
        return path or Path()


def _first_path(added: Addition, lut_size: int) -> Path:
    """The longest way through an addition of registers: by its rows into the first wide bit."""
    bits, narrow = len(added.inputs), added.narrow(lut_size)
    if narrow == bits:
        return Path(chain_bits=bits - 1)
    return Path(1, added.rows(added.inputs[-1], lut_size), bits - narrow - 1, bits - 1)

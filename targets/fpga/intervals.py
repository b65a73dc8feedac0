"""Signals of a circuit with the range of their values, each exactly as wide as the range needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signal:
    """A named number with the smallest and the largest value it takes."""

    name: str
    low: int
    high: int

    @property
    def is_signed(self) -> bool:
        """Whether two's complement holds it."""
        return self.low < 0

    @property
    def bits(self) -> int:
        """Fewest bits that hold the whole range, at least one."""
        return bits_of(self.low, self.high)

    @property
    def declaration(self) -> str:
        """Type, range and name as Verilog declares it."""
        return f"{'signed ' if self.is_signed else ''}[{self.bits - 1}:0] {self.name}"

    def shifted(self, exponent: int = 0) -> str:
        """A signed Verilog operand of the value times 2^exponent; it keeps its bits whatever the context's width."""
        zeros = f", {exponent}'b0" if exponent else ""
        if self.is_signed:
            return f"$signed({{{self.name}{zeros}}})" if zeros else self.name
        return f"$signed({{1'b0, {self.name}{zeros}}})"


def bits_of(low: int, high: int) -> int:
    """Fewest bits that hold every integer from low to high, in two's complement where low is negative."""
    if low < 0:
        return max((-low - 1).bit_length(), max(high, 0).bit_length()) + 1
    return max(high.bit_length(), 1)


def signed_sum(terms: list[tuple[str, int]]) -> str:
    """Verilog of a sum of operands with signs."""
    first, *others = terms
    text = first[0] if first[1] > 0 else f"-{first[0]}"
    return text + "".join(f" {'+' if sign > 0 else '-'} {operand}" for operand, sign in others)

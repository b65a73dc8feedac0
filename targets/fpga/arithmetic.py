"""The additions of unrolled sums of products, in an order that Verilog is written in and that cells are counted in.

Weights of zero have neither product nor place in the tree. Signs of weights turn additions into subtractions on the way
down, so that a product holds the magnitude and only a sum of nothing but negative terms is negated, in its last adder.
No value is ever cut off: each one is as wide as the range of its sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from targets.fpga.options import Encoding, Options
from targets.fpga.weights import signed_digits


class Ranged(Protocol):
    """A value with the smallest and the largest number that it takes."""

    @property
    def low(self) -> int:
        """The smallest."""
        ...

    @property
    def high(self) -> int:
        """The largest."""
        ...


Value = TypeVar("Value", bound=Ranged)


class Builder(Protocol[Value]):
    """What values are made with: stored in registers where the circuit is pipelined."""

    def sum(self, name: str, terms: Sequence[tuple[Value, int, int]], low: int, high: int) -> Value:
        """The sum of (value, exponent, sign): values times 2^exponent, those with a positive sign first."""
        ...

    def delayed(self, name: str, value: Value) -> Value:
        """A value that only waits for others."""
        ...


def _binary_digits(value: int) -> list[tuple[int, int]]:
    sign = -1 if value < 0 else 1
    return [(exponent, sign) for exponent in range(abs(value).bit_length()) if abs(value) >> exponent & 1]


DIGITS: Final = {"csd": signed_digits, "plain": _binary_digits}


def product_terms(weight: int, operand: Value, encoding: Encoding) -> list[tuple[Value, int, int]]:
    """Shifted operands with signs that sum to weight times operand, a positive one first where there is one."""
    digits = sorted(DIGITS[encoding](weight), reverse=True)
    digits.sort(key=lambda digit: -digit[1])
    return [(operand, exponent, sign) for exponent, sign in digits]


def scaled_range(weight: int, low: int, high: int) -> tuple[int, int]:
    """Range of weight times a value from low to high."""
    ends = weight * low, weight * high
    return min(ends), max(ends)


def sum_of_products(
    builder: Builder[Value], weights: Sequence[int], entering: Callable[[int], Value], options: Options, *, levels: int
) -> Value:
    """Products, and a binary tree of adders.

    Args:
        builder: of the values.
        weights: none of them zero.
        entering: the operand of each weight, by its place.
        options: widths and form.
        levels: levels of adders that the pipelined sum takes, at least those of its own tree.
    """
    terms: list[tuple[Value, int]] = []
    for place, weight in enumerate(weights):
        operand = entering(place)
        # A lone product has no adder to take its sign, so it is stored with it.
        sign = 1 if len(weights) == 1 or weight > 0 else -1
        shifted = product_terms(sign * weight, operand, options.encoding)
        low, high = scaled_range(sign * weight, operand.low, operand.high)
        terms.append((builder.sum(f"p{place}", shifted, low, high), sign))
    level = 0
    while len(terms) > 1:
        level += 1
        pairs = [terms[start : start + 2] for start in range(0, len(terms), 2)]
        terms = [_combine(builder, f"s{level}_{place}", pair, len(pairs) == 1) for place, pair in enumerate(pairs)]
    total = terms[0][0]
    if options.pipelined:
        for delay in range(level, levels):
            total = builder.delayed(f"d{delay + 1}", total)
    return total


def _combine(builder: Builder[Value], name: str, pair: list[tuple[Value, int]], is_root: bool) -> tuple[Value, int]:
    if len(pair) == 1:
        value, sign = pair[0]
        return builder.delayed(name, value), sign
    sign = 1 if is_root else max(term_sign for _, term_sign in pair)
    terms = sorted(((value, 0, term_sign * sign) for value, term_sign in pair), key=lambda term: -term[2])
    ranges = [scaled_range(term_sign, value.low, value.high) for value, _, term_sign in terms]
    return builder.sum(name, terms, sum(low for low, _ in ranges), sum(high for _, high in ranges)), sign


def systolic_sums(
    builder: Builder[Value], weights: NDArray[np.int64], entering: Callable[[int], Value], options: Options
) -> list[Value | None]:
    """The sums that leave the columns of an array of cells, each south <= north + weight * west and east <= west.

    Args:
        builder: of the values.
        weights: (n, p). Elements go as far east as a weight needs them; sums begin at the first weight that
            is not zero.
        entering: element k of a row at the west of the array; asked for where a weight needs it.
        options: widths and form.
    """
    rows = [_eastward(builder, k, row, entering) for k, row in enumerate(weights)]
    sums: list[Value | None] = []
    for j, column in enumerate(weights.T.tolist()):
        north: Value | None = None
        for k, weight in enumerate(column):
            if weight or north is not None:
                terms, low, high = ([(north, 0, 1)], north.low, north.high) if north is not None else ([], 0, 0)
                if weight:
                    west = rows[k][j]
                    least, most = scaled_range(weight, west.low, west.high)
                    terms, low, high = (
                        [*terms, *product_terms(weight, west, options.encoding)],
                        low + least,
                        high + most,
                    )
                north = builder.sum(f"s{k}_{j}", terms, low, high)
        sums.append(north)
    return sums


def _eastward(builder: Builder[Value], k: int, row: NDArray[np.int64], entering: Callable[[int], Value]) -> list[Value]:
    used = np.flatnonzero(row)
    if not used.size:
        return []
    values = [entering(k)]
    for j in range(1, int(used[-1]) + 1):
        values.append(builder.delayed(f"x{k}_{j}", values[-1]))
    return values

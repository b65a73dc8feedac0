"""Verilog of one sum of products with constant weights: shifted sums per product, then a binary adder tree.

Weights of zero have neither product nor place in the tree. Signs of weights turn additions into subtractions on the
way down, so that a product holds the magnitude and only a sum of nothing but negative terms is negated, in its last
adder. No value is ever cut off: each signal is as wide as the range of its sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from targets.fpga.intervals import Signal, signed_sum
from targets.fpga.options import Encoding, Options
from targets.fpga.primitives import adder_levels
from targets.fpga.weights import signed_digits


def _binary_digits(value: int) -> list[tuple[int, int]]:
    sign = -1 if value < 0 else 1
    return [(exponent, sign) for exponent in range(abs(value).bit_length()) if abs(value) >> exponent & 1]


DIGITS: Final = {"csd": signed_digits, "plain": _binary_digits}


def product_terms(weight: int, operand: Signal, encoding: Encoding) -> list[tuple[str, int]]:
    """Shifted operands with signs that sum to weight times operand, a positive one first where there is one."""
    digits = sorted(DIGITS[encoding](weight), reverse=True)
    digits.sort(key=lambda digit: -digit[1])
    return [(operand.shifted(exponent), sign) for exponent, sign in digits]


def scaled_range(weight: int, low: int, high: int) -> tuple[int, int]:
    """Range of weight times a value from low to high."""
    ends = weight * low, weight * high
    return min(ends), max(ends)


@dataclass(frozen=True, slots=True)
class Core:
    """A Verilog module of one sum of products.

    Attributes:
        name: of the module.
        taps: positions of the weights other than zero; the port `x` packs their operands, the first lowest.
        output: the port `y`, or None where every weight is zero and there is no module.
        text: the module, empty where there is none.
    """

    name: str
    taps: tuple[int, ...]
    output: Signal | None
    text: str


def build_core(name: str, weights: list[int], options: Options, *, levels: int) -> Core:
    """The module that sums the products of weights and operands.

    Args:
        weights: of one output, zeros included.
        levels: levels of adders that the pipelined module takes, at least those of its own tree: outputs of one
            circuit leave together.
    """
    taps = tuple(index for index, weight in enumerate(weights) if weight)
    if not taps:
        return Core(name, taps, None, "")
    low, high = options.activation_range
    bits = options.activation_bits
    writer = _Writer(is_registered=options.pipelined)
    terms: list[tuple[Signal, int]] = []
    for place, tap in enumerate(taps):
        weight = weights[tap]
        operand = Signal(f"x{place}", low, high)
        writer.lines.append(f"  wire {operand.declaration} = x[{place * bits + bits - 1}:{place * bits}];")
        # A lone product has no adder to take its sign, so it is stored with it.
        sign = 1 if len(taps) == 1 or weight > 0 else -1
        value = Signal(f"p{place}", *scaled_range(sign * weight, low, high))
        writer.assign(value, signed_sum(product_terms(sign * weight, operand, options.encoding)))
        terms.append((value, sign))
    level = 0
    while len(terms) > 1:
        level += 1
        pairs = [terms[start : start + 2] for start in range(0, len(terms), 2)]
        terms = [_combine(writer, f"s{level}_{place}", pair, len(pairs) == 1) for place, pair in enumerate(pairs)]
    total = terms[0][0]
    if options.pipelined:
        for delay in range(level, levels):
            delayed = Signal(f"d{delay + 1}", total.low, total.high)
            writer.assign(delayed, total.name)
            total = delayed
    output = Signal("y", total.low, total.high)
    clock = "input clk, " if options.pipelined else ""
    head = f"module {name}({clock}input [{len(taps) * bits - 1}:0] x, output {output.declaration});"
    return Core(name, taps, output, "\n".join([head, *writer.lines, f"  assign y = {total.name};", "endmodule", ""]))


def _combine(writer: _Writer, name: str, pair: list[tuple[Signal, int]], is_root: bool) -> tuple[Signal, int]:
    sign = 1 if is_root else max(term_sign for _, term_sign in pair)
    signs = [term_sign * sign for _, term_sign in pair]
    ranges = [scaled_range(term_sign, term.low, term.high) for (term, _), term_sign in zip(pair, signs, strict=True)]
    value = Signal(name, sum(low for low, _ in ranges), sum(high for _, high in ranges))
    operands = sorted(zip((term.shifted() for term, _ in pair), signs, strict=True), key=lambda operand: -operand[1])
    # A term without a partner only waits for the others.
    writer.assign(value, signed_sum(operands) if len(pair) > 1 else pair[0][0].name)
    return value, sign


class _Writer:
    """Lines of a module body whose values are registers or wires."""

    def __init__(self, *, is_registered: bool):
        self.lines: list[str] = []
        self._is_registered = is_registered

    def assign(self, value: Signal, expression: str) -> None:
        if self._is_registered:
            self.lines += [f"  reg {value.declaration};", f"  always @(posedge clk) {value.name} <= {expression};"]
        else:
            self.lines.append(f"  wire {value.declaration} = {expression};")


def levels_of(columns: list[list[int]]) -> int:
    """Levels of the deepest tree of several sums of products."""
    return max(adder_levels(sum(weight != 0 for weight in weights)) for weights in columns)

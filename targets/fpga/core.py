"""Verilog of one sum of products with constant weights: shifted sums per product, then a binary adder tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from targets.fpga.arithmetic import sum_of_products
from targets.fpga.intervals import Signal, signed_sum
from targets.fpga.options import Options
from targets.fpga.primitives import adder_levels


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


class VerilogBuilder:
    """Lines of a module body whose values are registers or wires; a `targets.fpga.arithmetic.Builder`."""

    def __init__(self, *, is_registered: bool):
        self.lines: list[str] = []
        self._is_registered = is_registered

    def sum(self, name: str, terms: Sequence[tuple[Signal, int, int]], low: int, high: int) -> Signal:
        """A signal of the sum."""
        return self._assign(
            Signal(name, low, high), signed_sum([(value.shifted(exponent), sign) for value, exponent, sign in terms])
        )

    def delayed(self, name: str, value: Signal) -> Signal:
        """A signal that follows another."""
        return self._assign(Signal(name, value.low, value.high), value.name)

    def _assign(self, value: Signal, expression: str) -> Signal:
        if self._is_registered:
            self.lines += [f"  reg {value.declaration};", f"  always @(posedge clk) {value.name} <= {expression};"]
        else:
            self.lines.append(f"  wire {value.declaration} = {expression};")
        return value


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
    bits = options.activation_bits
    builder = VerilogBuilder(is_registered=options.pipelined)

    def entering(place: int) -> Signal:
        value = Signal(f"x{place}", *options.activation_range)
        builder.lines.append(f"  wire {value.declaration} = x[{place * bits + bits - 1}:{place * bits}];")
        return value

    total = sum_of_products(builder, [weights[tap] for tap in taps], entering, options, levels=levels)
    output = Signal("y", total.low, total.high)
    clock = "input clk, " if options.pipelined else ""
    head = f"module {name}({clock}input [{len(taps) * bits - 1}:0] x, output {output.declaration});"
    body = [head, *builder.lines, f"  assign y = {total.name};", "endmodule", ""]
    return Core(name, taps, output, "\n".join(body))


def levels_of(columns: list[list[int]]) -> int:
    """Levels of the deepest tree of several sums of products."""
    return max(adder_levels(sum(weight != 0 for weight in weights)) for weights in columns)

"""Units that folded layers share, as Verilog and as cells by the flow of synthesis.

A multiply-accumulate unit of LUTs takes a weight and an activation in every cycle: a tree of adders with registers
behind each, whose leaves are the weight where a bit of the activation is one, and an accumulator. Pooling takes the
larger one of two activations, additions (and pooling by means) their sum.

    luts = a p + b s,   p: product of the widths, s: bits of the accumulator;   c per bit of a sum, m of a maximum

The factors and how far off they are come from units that were synthesised, by `benchmarks/fpga_units.py`;
`unit_costs.json` keeps them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp
from statistics import NormalDist
from typing import Final

from targets.fpga.circuit import TOP_MODULE

_FILE: Final = "unit_costs.json"


@dataclass(frozen=True, slots=True)
class UnitCosts:
    """LUTs of units in one flow.

    Attributes:
        product: for each pair of a weight's bit and an activation's.
        accumulator: for each bit of it.
        addition: for each bit of a sum of two.
        maximum: for each bit of the larger one of two.
        deviation: of the logarithm of a unit's LUTs from these.
    """

    product: float
    accumulator: float
    addition: float
    maximum: float
    deviation: float

    @property
    def factor(self) -> float:
        """Between the LUTs of a unit and the bounds of their 90 % interval."""
        return exp(NormalDist().inv_cdf(0.95) * self.deviation)

    def multiply_accumulate(self, weight_bits: int, activation_bits: int, sum_bits: int) -> float:
        """LUTs of a unit whose accumulator has so many bits."""
        return self.product * weight_bits * activation_bits + self.accumulator * sum_bits


@cache
def load_unit_costs() -> dict[str, UnitCosts]:
    """By flow: those that come with the package."""
    content = json.loads(files("targets.fpga").joinpath(_FILE).read_text(encoding="utf-8"))
    return {flow: UnitCosts(**costs) for flow, costs in content["flows"].items()}


@dataclass(frozen=True, slots=True)
class _Row:
    """A term of the tree: its lowest bit's place and how many bits it has."""

    name: str
    place: int
    bits: int


def multiplier_registers(weight_bits: int, activation_bits: int) -> int:
    """Bits of registers in the tree, the product's included."""
    return sum(row.bits for level in _levels(weight_bits, activation_bits) for row in level)


def multiplier_verilog(weight_bits: int, activation_bits: int, *, name: str = "multiplier") -> str:
    """A module with `clk`, `w` (signed), `x` (unsigned) and their product `p`.

    It comes `adder_levels(activation_bits)` cycles after them, one at least.
    """
    lines = [
        f"module {name}(input clk, input signed [{weight_bits - 1}:0] w, input [{activation_bits - 1}:0] x,",
        f"  output signed [{weight_bits + activation_bits - 1}:0] p);",
    ]
    before = _leaves(weight_bits, activation_bits)
    lines += [
        f"  wire signed [{weight_bits - 1}:0] {row.name} = x[{row.place}] ? w : {weight_bits}'sd0;" for row in before
    ]
    for level in _levels(weight_bits, activation_bits):
        for number, row in enumerate(level):
            low, *high = before[2 * number : 2 * number + 2]
            added = f" + ({high[0].name} <<< {high[0].place - low.place})" if high else ""
            lines += [
                f"  reg signed [{row.bits - 1}:0] {row.name};",
                f"  always @(posedge clk) {row.name} <= {low.name}{added};",
            ]
        before = level
    return "\n".join([*lines, f"  assign p = {before[0].name};", "endmodule", ""])


def accumulator_verilog(weight_bits: int, activation_bits: int, sum_bits: int) -> str:
    """The top module of a multiply-accumulate unit; `clear` starts a sum."""
    return (
        multiplier_verilog(weight_bits, activation_bits)
        + f"""
module {TOP_MODULE}(input clk, input clear, input signed [{weight_bits - 1}:0] w, input [{activation_bits - 1}:0] x,
  output reg signed [{sum_bits - 1}:0] y);
  wire signed [{weight_bits + activation_bits - 1}:0] p;
  multiplier m(clk, w, x, p);
  always @(posedge clk) y <= (clear ? {sum_bits}'sd0 : y) + p;
endmodule
"""
    )


def pair_verilog(bits: int, *, is_maximum: bool) -> str:
    """The top module that adds two operands of so many bits or takes the larger one."""
    result = "a > b ? a : b" if is_maximum else "a + b"
    return f"""module {TOP_MODULE}(input clk, input [{bits - 1}:0] a, input [{bits - 1}:0] b,
  output reg [{bits - 1}:0] y);
  always @(posedge clk) y <= {result};
endmodule
"""


def _leaves(weight_bits: int, activation_bits: int) -> list[_Row]:
    return [_Row(f"leaf{place}", place, weight_bits) for place in range(activation_bits)]


def _levels(weight_bits: int, activation_bits: int) -> list[list[_Row]]:
    """Sums of pairs, level by level down to the product; a row without another one waits."""
    levels: list[list[_Row]] = []
    rows = _leaves(weight_bits, activation_bits)
    while not levels or len(rows) > 1:
        pairs = [rows[start : start + 2] for start in range(0, len(rows), 2)]
        rows = [
            _Row(
                f"sum{len(levels)}_{number}",
                pair[0].place,
                pair[-1].place + pair[-1].bits - pair[0].place + (len(pair) > 1),
            )
            for number, pair in enumerate(pairs)
        ]
        levels.append(rows)
    return levels

"""What units of folded layers take, by synthesis: `python benchmarks/fpga_units.py --write` fits `unit_costs.json`.

Multiply-accumulate units of 2 to 16 bits, sums and maxima of as many. The errors are those of units that were left out
of the fit, one at a time.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from report import markdown_table, write_section
from scipy.optimize import nnls

from spaces.base import FloatArray
from targets.fpga.synthesis import synthesise
from targets.fpga.units import UnitCosts, accumulator_verilog, multiplier_registers, pair_verilog
from targets.fpga.yosys import yosys_version

_COSTS = Path(__file__).resolve().parents[1] / "targets" / "fpga" / "unit_costs.json"
_FLOWS = ("lut4", "lut5", "lut6", "ice40", "xc7")
_WIDTHS = (
    (2, 2),
    (2, 4),
    (4, 2),
    (3, 3),
    (2, 8),
    (8, 2),
    (4, 4),
    (3, 6),
    (5, 5),
    (4, 8),
    (8, 4),
    (6, 8),
    (8, 8),
    (12, 12),
    (16, 16),
)
_LENGTHS = (16, 512)
_PAIR_BITS = (2, 3, 4, 6, 8, 10, 12, 16)


@dataclass(frozen=True, slots=True)
class _Source:
    verilog: str


def main() -> None:
    """Prints the errors; with --write keeps the costs and rewrites docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    costs: dict[str, UnitCosts] = {}
    rows: list[list[str]] = []
    for flow in _FLOWS:
        costs[flow], errors = _fit(flow)
        names = ("product", "accumulator", "addition", "maximum")
        rows.append([flow, *(f"{getattr(costs[flow], name):.2f}" for name in names), *errors])
    header = ["flow", "product", "accumulator", "addition", "maximum", "units: median", "largest", "sums", "maxima"]
    body = f"""### Units of folded layers

LUTs that synthesis counts for the units of folded layers (`targets.fpga.units`): for each product of bits, each bit of
the accumulator, of a sum of two and of a maximum. Errors are relative: median and largest of
{len(_WIDTHS) * len(_LENGTHS)} multiply-accumulate units of 2 to 16 bits, each left out of the fit, and medians of
{len(_PAIR_BITS)} sums and maxima. Yosys {yosys_version()}.

{markdown_table(header, rows)}"""
    print(body)
    if arguments.write:
        content = {
            "flows": {flow: asdict(each) for flow, each in costs.items()},
            "tool": f"yosys {yosys_version()}",
            "command": "python benchmarks/fpga_units.py --write",
            "date": datetime.now(UTC).date().isoformat(),
        }
        _COSTS.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        write_section("fpga_units", body)


def _fit(flow: str) -> tuple[UnitCosts, list[str]]:
    known: list[tuple[float, float]] = []
    units: list[int] = []
    for weight_bits, activation_bits in _WIDTHS:
        for length in _LENGTHS:
            sum_bits = weight_bits + activation_bits + (length - 1).bit_length()
            result = synthesise(_Source(accumulator_verilog(weight_bits, activation_bits, sum_bits)), flow)
            registers = multiplier_registers(weight_bits, activation_bits) + sum_bits
            if abs(result.flip_flops - registers) > 0.1 * registers:
                raise AssertionError(f"{flow}, {weight_bits}x{activation_bits}: {result.flip_flops} != {registers}")
            known.append((weight_bits * activation_bits, sum_bits))
            units.append(result.luts)
    x, y = np.array(known, float), np.array(units, float)
    left_out = np.array([x[row] @ _solve(np.delete(x, row, 0), np.delete(y, row)) for row in range(len(y))])
    errors = np.abs(left_out / y - 1)
    pairs = [
        [synthesise(_Source(pair_verilog(bits, is_maximum=each)), flow).luts for bits in _PAIR_BITS]
        for each in (False, True)
    ]
    bits = np.array(_PAIR_BITS, float)
    factors = [float(np.median(np.array(found) / bits)) for found in pairs]
    of_pairs = [
        float(np.median(np.abs(factor * bits / found - 1))) for factor, found in zip(factors, pairs, strict=True)
    ]
    product, accumulator = (round(float(each), 3) for each in _solve(x, y))
    deviation = float(np.sqrt(np.mean(np.log(left_out / y) ** 2)))
    addition, maximum = (round(factor, 3) for factor in factors)
    costs = UnitCosts(product, accumulator, addition, maximum, round(deviation, 4))
    return costs, [f"{error:.1%}" for error in (np.median(errors), errors.max(), *of_pairs)]


def _solve(x: FloatArray, y: FloatArray) -> FloatArray:
    """Factors of the least relative error, none below zero."""
    return nnls(x / y[:, None], np.ones(len(y)))[0]


if __name__ == "__main__":
    main()

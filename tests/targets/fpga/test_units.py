"""Units of folded layers: what they compute and what synthesis counts for them."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from targets.fpga.synthesis import synthesise
from targets.fpga.units import accumulator_verilog, load_unit_costs, multiplier_registers, multiplier_verilog
from targets.fpga.yosys import run_yosys


@dataclass(frozen=True)
class Source:
    verilog: str


@pytest.mark.parametrize(("weight_bits", "activation_bits"), [(2, 2), (3, 5), (4, 1), (5, 3)])
def test_multiplier_equals_a_product_behind_as_many_registers(weight_bits: int, activation_bits: int, tmp_path: Path):
    latency = max((activation_bits - 1).bit_length(), 1)
    bits = weight_bits + activation_bits
    delays = "".join(f"  always @(posedge clk) p{step + 1} <= p{step};\n" for step in range(latency))
    registers = ", ".join(f"p{step + 1}" for step in range(latency))
    reference = f"""module reference(input clk, input signed [{weight_bits - 1}:0] w, input [{activation_bits - 1}:0] x,
  output signed [{bits - 1}:0] p);
  wire signed [{bits - 1}:0] p0 = w * $signed({{1'b0, x}});
  reg signed [{bits - 1}:0] {registers};
{delays}  assign p = p{latency};
endmodule
"""
    (tmp_path / "units.v").write_text(multiplier_verilog(weight_bits, activation_bits) + reference)
    # Registers start with anything, so what leaves the two is compared once that is gone.
    run_yosys(
        tmp_path,
        "read_verilog units.v\nproc\nflatten\nopt_clean\n"
        "miter -equiv -flatten reference multiplier both\nhierarchy -top both\n"
        f"sat -verify -seq {latency} -tempinduct -prove trigger 0 both\n",
    )


@pytest.mark.parametrize(("weight_bits", "activation_bits"), [(3, 7), (8, 6)])
def test_cells_of_a_unit_are_near_those_of_synthesis(weight_bits: int, activation_bits: int):
    sum_bits = weight_bits + activation_bits + 6
    found = synthesise(Source(accumulator_verilog(weight_bits, activation_bits, sum_bits)), "ice40")
    costs = load_unit_costs()["ice40"].multiply_accumulate(weight_bits, activation_bits, sum_bits)
    assert costs == pytest.approx(found.luts, rel=0.15)
    assert multiplier_registers(weight_bits, activation_bits) + sum_bits == pytest.approx(found.flip_flops, rel=0.1)

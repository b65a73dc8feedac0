"""Synthesis of a circuit: how many LUTs, carry cells and flip-flops it takes and how deep its logic is."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Protocol

from targets.fpga.circuit import TOP_MODULE
from targets.fpga.errors import SynthesisError
from targets.fpga.yosys import DEFAULT_MEMORY_MB, DEFAULT_TIMEOUT_S, run_yosys, yosys_version

TOOL: Final = "yosys"


@dataclass(frozen=True, slots=True)
class Flow:
    """A family of fabric and how Yosys maps a circuit to it.

    Attributes:
        command: of Yosys, from Verilog to cells.
        luts: cell names of look-up tables, with wildcards; inverters that a LUT absorbs are none.
        arithmetic: of carry chains.
        flip_flops: of registers.
    """

    command: str
    luts: tuple[str, ...]
    arithmetic: tuple[str, ...]
    flip_flops: tuple[str, ...]


def _generic(inputs: int) -> Flow:
    return Flow(f"synth -flatten -top {TOP_MODULE} -lut {inputs}", ("$lut",), (), ("$_*DFF*_",))


FLOWS: Final[dict[str, Flow]] = {
    "lut4": _generic(4),
    "lut5": _generic(5),
    "lut6": _generic(6),
    "ice40": Flow(f"synth_ice40 -top {TOP_MODULE}", ("SB_LUT4",), ("SB_CARRY",), ("SB_DFF*",)),
    # Registers stay registers: a shift register in a LUT would hide them in some circuits and not in others.
    "xc7": Flow(
        f"synth_xilinx -family xc7 -flatten -nodsp -nosrl -noiopad -noclkbuf -top {TOP_MODULE}",
        ("LUT?",),
        ("CARRY4",),
        ("FD?E",),
    ),
    "intel_alm": Flow(
        f"synth_intel_alm -family cyclonev -nodsp -noiopad -noclkbuf -top {TOP_MODULE}",
        ("MISTRAL_ALUT?",),
        ("MISTRAL_ALUT_ARITH",),
        ("MISTRAL_FF",),
    ),
}


class HasVerilog(Protocol):
    """A circuit, or anything else with a top module `unrolled`."""

    @property
    def verilog(self) -> str:
        """Of all its modules."""
        ...


@dataclass(frozen=True, slots=True)
class SynthesisResult:
    """What a circuit takes in one family of fabric.

    Attributes:
        luts: look-up tables.
        arithmetic_cells: cells of carry chains, of the family's own kind: one bit in `ice40` and `intel_alm`, four in
            `xc7`, none in the generic families.
        flip_flops: one-bit registers.
        depth: cells on the longest path between registers or ports.
        tool: that counted.
        tool_version: of it.
        seconds: that it took.
    """

    luts: int
    arithmetic_cells: int
    flip_flops: int
    depth: int
    tool: str
    tool_version: str
    seconds: float


def synthesise(
    circuit: HasVerilog,
    flow: str,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    memory_mb: int = DEFAULT_MEMORY_MB,
    is_cancelled: Callable[[], bool] | None = None,
) -> SynthesisResult:
    """Counts the cells of a circuit in a process of its own.

    Args:
        circuit: to map.
        flow: one of `FLOWS`.
        timeout_s: after which it is given up.
        memory_mb: that it may take.
        is_cancelled: asked several times a second; true ends it.

    Raises:
        SynthesisCancelledError: `is_cancelled` said so.
        SynthesisError: Yosys failed, or ran out of time or memory.
        ToolMissingError: Yosys is not installed.
    """
    family = FLOWS[flow]
    version = yosys_version()
    script = f"read_verilog circuit.v\n{family.command}\n{counting(family, TOP_MODULE)}"
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="archcast-fpga-") as name:
        folder = Path(name)
        (folder / "circuit.v").write_text(circuit.verilog)
        run_yosys(folder, script, timeout_s=timeout_s, memory_mb=memory_mb, is_cancelled=is_cancelled)
        counts = counted(folder, family, TOP_MODULE)
    return SynthesisResult(**counts, tool=TOOL, tool_version=version, seconds=time.perf_counter() - began)


def counting(family: Flow, top: str) -> str:
    """Commands of Yosys, behind those of the family, whose files `counted` reads."""
    flip_flops = " ".join(f"t:{pattern.replace('$', chr(92) + '$')}" for pattern in family.flip_flops)
    return (
        f"opt_clean -purge\ntee -q -o stat.json stat -json -top {top}\n"
        f"tee -q -o depth.txt ltp -noff * {flip_flops} %d\n"
    )


def counted(folder: Path, family: Flow, top: str) -> dict[str, int]:
    """LUTs, carry cells, flip-flops and depth, by the names of `SynthesisResult`. Raises: SynthesisError."""
    modules = json.loads((folder / "stat.json").read_text())["modules"]
    cells = modules[f"\\{top}"]["num_cells_by_type"]
    return {
        "luts": _count(cells, family.luts),
        "arithmetic_cells": _count(cells, family.arithmetic),
        "flip_flops": _count(cells, family.flip_flops),
        "depth": _depth((folder / "depth.txt").read_text()),
    }


def _count(cells: dict[str, int], patterns: tuple[str, ...]) -> int:
    return sum(number for name, number in cells.items() if any(fnmatchcase(name, pattern) for pattern in patterns))


def _depth(text: str) -> int:
    found = re.search(r"\(length=(\d+)\)", text)
    if found is None:
        raise SynthesisError("Yosys", "told no depth")
    return int(found[1])

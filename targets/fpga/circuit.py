"""An unrolled circuit: a primitive with constant weights as synthesizable Verilog."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from targets.fpga.options import Options
from targets.fpga.primitives import Primitive

TOP_MODULE: Final = "unrolled"


@dataclass(frozen=True, slots=True)
class Circuit:
    """A circuit with the port conventions that its simulation needs.

    Ports: `x` packs the inputs of one cycle, `y` the outputs, the first lowest; `clk` where there are registers;
    circuits that read a layer over several cycles have `rst` and `valid_in` and tell by `valid_out` and `last_out` when
    `y` holds an output and the layer's last one. Of a systolic array `valid_in` comes with the first element of a row
    and `valid_out` has a bit per column.

    Attributes:
        primitive: the layer.
        options: widths and form.
        weights: integers of the primitive's weight shape.
        verilog: modules, the last of them `unrolled`.
        latency_cycles: clock edges from the first input of a layer to its last output, 0 where it is combinational.
        input_elements: values in `x`.
        output_elements: values in `y`.
        output_bits: of each.
        is_output_signed: whether they are two's complement.
        has_clock: whether there are registers.
        is_stream: whether a layer takes several cycles, told by the ports of control.
    """

    primitive: Primitive
    options: Options
    weights: NDArray[np.int64] = field(repr=False, compare=False)
    verilog: str = field(repr=False)
    latency_cycles: int
    input_elements: int
    output_elements: int
    output_bits: int
    is_output_signed: bool
    has_clock: bool
    is_stream: bool

    @property
    def input_bits(self) -> int:
        """Width of `x`."""
        return self.input_elements * self.options.activation_bits

    @property
    def circuit_hash(self) -> str:
        """SHA-256 of the options and the Verilog text: equal circuits have equal hashes."""
        options = json.dumps(asdict(self.options), sort_keys=True)
        return hashlib.sha256(f"{options}\n{self.verilog}".encode()).hexdigest()

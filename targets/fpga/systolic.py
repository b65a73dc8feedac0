"""Verilog of the weight-stationary systolic matrix product."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from targets.fpga.arithmetic import systolic_sums
from targets.fpga.circuit import TOP_MODULE, Circuit
from targets.fpga.controller import control_flags, controller
from targets.fpga.core import VerilogBuilder
from targets.fpga.errors import InvalidCircuitError
from targets.fpga.intervals import Signal, bits_of
from targets.fpga.options import Options
from targets.fpga.primitives import GemmSystolic
from targets.fpga.wiring import Stream


def systolic_circuit(primitive: GemmSystolic, weights: NDArray[np.int64], options: Options) -> Circuit:
    """The array of n x p cells, each with south <= north + weight * west and east <= west.

    Element k of a row arrives k cycles after its element 0, output j leaves j cycles after output 0. A cell of weight
    zero keeps the registers that others need.

    Raises:
        InvalidCircuitError: without pipeline registers, which are what makes it an array.
    """
    if not options.pipelined:
        raise InvalidCircuitError(primitive.name, [("pipelined", "must be true: the array consists of its registers")])
    builder = VerilogBuilder(is_registered=True)
    bits = options.activation_bits

    def entering(k: int) -> Signal:
        value = Signal(f"x{k}_0", *options.activation_range)
        builder.lines.append(f"  wire {value.declaration} = x[{(k + 1) * bits - 1}:{k * bits}];")
        return value

    sums = systolic_sums(builder, weights, entering, options)
    low = min((total.low for total in sums if total), default=0)
    high = max((total.high for total in sums if total), default=0)
    output_bits = bits_of(low, high)
    ports = (
        f"input clk, input rst, input valid_in, output [{primitive.p - 1}:0] valid_out, output last_out, "
        f"input [{primitive.n * bits - 1}:0] x, output [{primitive.p * output_bits - 1}:0] y"
    )
    outputs = [
        f"  assign y[{(j + 1) * output_bits - 1}:{j * output_bits}] = {total.shifted() if total else 0};"
        for j, total in enumerate(sums)
    ]
    top = [
        f"module {TOP_MODULE}({ports});",
        *control_flags(primitive.n + primitive.p - 1, valid_bits=primitive.p),
        *builder.lines,
        *outputs,
        "endmodule",
        "",
    ]
    return Circuit(
        primitive=primitive,
        options=options,
        weights=weights,
        verilog="\n".join(
            [f"// {primitive!r}, {options!r}", controller(Stream(band_beats=primitive.m)), "\n".join(top)]
        ),
        latency_cycles=primitive.latency_cycles,
        input_elements=primitive.n,
        output_elements=primitive.p,
        output_bits=output_bits,
        is_output_signed=low < 0,
        has_clock=True,
        is_stream=True,
    )

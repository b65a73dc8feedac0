"""Verilog of the weight-stationary systolic matrix product."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from targets.fpga.circuit import TOP_MODULE, Circuit
from targets.fpga.controller import control_flags, controller
from targets.fpga.core import product_terms, scaled_range
from targets.fpga.errors import InvalidCircuitError
from targets.fpga.intervals import Signal, bits_of, signed_sum
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
    body: list[str] = []
    sums = [_column(body, weights, j, options) for j in range(primitive.p)]
    bits = options.activation_bits
    inputs = [line for k in range(primitive.n) for line in _row_delays(weights, k, options)]
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
        *inputs,
        *body,
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


def _operand(k: int, j: int, options: Options) -> Signal:
    return Signal(f"x{k}_{j}", *options.activation_range)


def _row_delays(weights: NDArray[np.int64], k: int, options: Options) -> list[str]:
    """Element k on its way east, as far as a weight needs it."""
    used = np.flatnonzero(weights[k])
    bits = options.activation_bits
    lines: list[str] = []
    for j in range(used[-1] + 1 if used.size else 0):
        value = _operand(k, j, options)
        if j:
            west = _operand(k, j - 1, options).name
            lines += [f"  reg {value.declaration};", f"  always @(posedge clk) {value.name} <= {west};"]
        else:
            lines.append(f"  wire {value.declaration} = x[{(k + 1) * bits - 1}:{k * bits}];")
    return lines


def _column(lines: list[str], weights: NDArray[np.int64], j: int, options: Options) -> Signal | None:
    """The partial sums of column j on their way south, from the first weight that is not zero."""
    north: Signal | None = None
    for k, weight in enumerate(weights[:, j].tolist()):
        if not weight and north is None:
            continue
        low, high = scaled_range(weight, *options.activation_range)
        terms = product_terms(weight, _operand(k, j, options), options.encoding)
        if north is not None:
            terms = [(north.shifted(), 1), *terms]
            low, high = low + north.low, high + north.high
        south = Signal(f"s{k}_{j}", low, high)
        lines += [f"  reg {south.declaration};", f"  always @(posedge clk) {south.name} <= {signed_sum(terms)};"]
        north = south
    return north

"""Synthesizable Verilog of the unrolled layers, generated from their constant weights.

Differs from Kratos: sums grow instead of wrapping around at the data width, weights are signed and exactly as sparse
as they are, every part-select is checked by simulation, and the controllers count layers without a wait state.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from targets.fpga.circuit import TOP_MODULE, Circuit
from targets.fpga.controller import control_flags, controller
from targets.fpga.core import Core, build_core, levels_of
from targets.fpga.intervals import Signal, bits_of
from targets.fpga.options import Options
from targets.fpga.primitives import GemmSystolic, Primitive
from targets.fpga.systolic import systolic_circuit
from targets.fpga.weights import checked_weights
from targets.fpga.wiring import WIRINGS, Wiring


def generate(primitive: Primitive, weights: ArrayLike, options: Options | None = None) -> Circuit:
    """The circuit of a layer with these weights.

    Args:
        primitive: the layer.
        weights: integers of `primitive.weight_shape` that `options.weight_bits` hold; quantised real weights will do.
        options: widths and form.

    Returns:
        The same text for the same arguments.

    Raises:
        InvalidCircuitError: weights of another shape or range, or a systolic array without registers.
    """
    options = options or Options()
    checked = checked_weights(weights, shape=primitive.weight_shape, bits=options.weight_bits)
    if isinstance(primitive, GemmSystolic):
        return systolic_circuit(primitive, checked, options)
    wiring: Wiring = WIRINGS[type(primitive)](primitive, checked)
    levels = levels_of(wiring.columns)
    cores = [build_core(f"core_{index}", column, options, levels=levels) for index, column in enumerate(wiring.columns)]
    outputs = [core.output for core in cores if core.output]
    low = min((output.low for output in outputs), default=0)
    high = max((output.high for output in outputs), default=0)
    output_bits = bits_of(low, high)
    latency = 0
    if wiring.stream:
        latency = (wiring.stream.bands - 1) * wiring.stream.band_beats + wiring.stream.last_output_beat
    if options.pipelined:
        latency += levels + 2
    modules = [core.text for core in cores if core.output]
    if wiring.stream:
        modules.append(controller(wiring.stream))
    modules.append(_top(wiring, cores, options, levels=levels, output_bits=output_bits))
    return Circuit(
        primitive=primitive,
        options=options,
        weights=checked,
        verilog="\n".join([f"// {primitive!r}, {options!r}", *modules]),
        latency_cycles=latency,
        input_elements=wiring.beat_elements,
        output_elements=len(wiring.instances),
        output_bits=output_bits,
        is_output_signed=low < 0,
        has_clock=options.pipelined or wiring.stream is not None,
        is_stream=wiring.stream is not None,
    )


def _top(wiring: Wiring, cores: list[Core], options: Options, *, levels: int, output_bits: int) -> str:
    bits = options.activation_bits
    has_clock = options.pipelined or (wiring.stream is not None)
    ports = ["input clk"] if has_clock else []
    if wiring.stream:
        ports += ["input rst", "input valid_in", "output valid_out", "output last_out"]
    ports += [
        f"input [{wiring.beat_elements * bits - 1}:0] x",
        f"output [{len(wiring.instances) * output_bits - 1}:0] y",
    ]
    lines = [f"module {TOP_MODULE}({', '.join(ports)});"]
    lines += _window(wiring, bits, is_registered=options.pipelined)
    if wiring.stream:
        lines += control_flags(levels + 2 if options.pipelined else 0)
    for index, (column, positions) in enumerate(wiring.instances):
        lines += _instance(index, cores[column], positions, options, output_bits)
    return "\n".join([*lines, "endmodule", ""])


def _window(wiring: Wiring, bits: int, *, is_registered: bool) -> list[str]:
    """The newest beats, the oldest lowest: registers, of which the newest is the input itself without a pipeline."""
    beat = wiring.beat_elements * bits
    window = wiring.stream.window if wiring.stream else 1
    stored = window if is_registered else window - 1
    if not stored:
        return [f"  wire [{beat - 1}:0] window = x;"]
    enable = "if (valid_in) " if wiring.stream else ""
    kept = f"{{x, past[{stored * beat - 1}:{beat}]}}" if stored > 1 else "x"
    lines = [f"  reg [{stored * beat - 1}:0] past;", f"  always @(posedge clk) {enable}past <= {kept};"]
    newest = "past" if is_registered else "{x, past}"
    return [*lines, f"  wire [{window * beat - 1}:0] window = {newest};"]


def _instance(index: int, core: Core, positions: list[int], options: Options, output_bits: int) -> list[str]:
    low = index * output_bits
    part = f"y[{low + output_bits - 1}:{low}]"
    if core.output is None:
        return [f"  assign {part} = 0;"]
    bits = options.activation_bits
    places = [positions[tap] for tap in reversed(core.taps)]
    operands = ", ".join(f"window[{place * bits + bits - 1}:{place * bits}]" for place in places)
    value = Signal(f"y{index}", core.output.low, core.output.high)
    clock = ".clk(clk), " if options.pipelined else ""
    return [
        f"  wire {value.declaration};",
        f"  {core.name} instance_{index}({clock}.x({{{operands}}}), .y({value.name}));",
        f"  assign {part} = {value.shifted()};",
    ]

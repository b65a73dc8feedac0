"""Verilog of the controller of circuits that read one beat per cycle: which beats complete an output."""

from __future__ import annotations

from targets.fpga.wiring import Stream


def _counter(name: str, states: int) -> str:
    return f"  reg [{max((states - 1).bit_length(), 1) - 1}:0] {name};"


def controller(stream: Stream) -> str:
    """The module `controller`: `valid` while a beat arrives that completes an output, `last` at the layer's last.

    It counts the beats of a band, the beats since an output where there is a stride, and the bands. The next layer may
    follow at once; gaps between beats are allowed.
    """
    last_beat, last_band = stream.band_beats - 1, stream.bands - 1
    lines = [
        "module controller(input clk, input rst, input valid_in, output valid, output last);",
        _counter("beat", stream.band_beats),
        f"  wire ends = beat == {last_beat};",
        f"  wire full = beat >= {stream.window - 1};",
        "  always @(posedge clk)",
        "    if (rst) beat <= 0;",
        "    else if (valid_in) beat <= ends ? 0 : beat + 1;",
    ]
    due = "1'b1"
    if stream.stride > 1:
        due = "phase == 0"
        lines += [
            _counter("phase", stream.stride),
            "  always @(posedge clk)",
            "    if (rst) phase <= 0;",
            f"    else if (valid_in) phase <= ends | ~full | phase == {stream.stride - 1} ? 0 : phase + 1;",
        ]
    is_last_band = "1'b1"
    if stream.bands > 1:
        is_last_band = f"band == {last_band}"
        lines += [
            _counter("band", stream.bands),
            "  always @(posedge clk)",
            "    if (rst) band <= 0;",
            f"    else if (valid_in & ends) band <= {is_last_band} ? 0 : band + 1;",
        ]
    lines += [
        f"  assign valid = valid_in & full & ({due});",
        f"  assign last = valid_in & beat == {stream.last_output_beat} & ({is_last_band});",
        "endmodule",
        "",
    ]
    return "\n".join(lines)


def control_flags(delay: int, *, valid_bits: int = 1) -> list[str]:
    """Lines of the top module that let `valid_out` and `last_out` follow the controller after so many cycles.

    Args:
        delay: of the flags.
        valid_bits: width of `valid_out`; its highest bit has the whole delay, each one below a cycle less.
    """
    lines = [
        "  wire valid, last;",
        "  controller control(.clk(clk), .rst(rst), .valid_in(valid_in), .valid(valid), .last(last));",
    ]
    for flag, bits in (("valid", valid_bits), ("last", 1)):
        if not delay:
            lines.append(f"  assign {flag}_out = {flag};")
            continue
        shifted = f"{{{flag}_delay[{delay - 2}:0], {flag}}}" if delay > 1 else flag
        lines += [
            f"  reg [{delay - 1}:0] {flag}_delay;",
            f"  always @(posedge clk) {flag}_delay <= rst ? 0 : {shifted};",
            f"  assign {flag}_out = {flag}_delay[{delay - 1}:{delay - bits}];",
        ]
    return lines

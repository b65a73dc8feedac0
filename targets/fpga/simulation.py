"""Bit-exact simulation of a circuit by Yosys: what leaves it when a layer's inputs go in."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from targets.fpga.circuit import TOP_MODULE, Circuit
from targets.fpga.primitives import GemmSystolic
from targets.fpga.streams import ORDERS
from targets.fpga.yosys import run_yosys

_STEP_TIME: Final = 10  # of the waveform
_SCRIPT: Final = f"""read_verilog circuit.v
hierarchy -check -top {TOP_MODULE}
proc
flatten
opt_clean
sim -q -r inputs.yw -vcd outputs.vcd {TOP_MODULE}
"""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a circuit computed.

    Attributes:
        outputs: per layer an array of the primitive's output shape.
        last_steps: per layer the step at which its last output was there; the first input is put in at step 0.
    """

    outputs: list[NDArray[np.int64]]
    last_steps: list[int]


def simulate(
    circuit: Circuit, layers: Sequence[NDArray[np.integer[Any]]], *, idle_cycles: Sequence[int] = ()
) -> Simulated:
    """Runs layers through the circuit, the next directly behind the last.

    Args:
        circuit: to run. What a circuit without `valid_out` yields is read `latency_cycles` after its input; other
            circuits tell themselves.
        layers: inputs of the primitive's input shape.
        idle_cycles: cycles without input before each beat, for circuits that have `valid_in`; none by default.

    Raises:
        SynthesisError: the simulator failed.
        ToolMissingError: Yosys is not installed.
    """
    split = ORDERS[type(circuit.primitive)].split
    beats = np.concatenate([split(circuit.primitive, np.asarray(layer, np.int64)) for layer in layers])
    starts = np.arange(len(beats))
    if len(idle_cycles):
        starts = starts + np.cumsum(idle_cycles)
    skew = int(isinstance(circuit.primitive, GemmSystolic))
    count = int(starts[-1]) + 2 + circuit.latency_cycles + skew * circuit.input_elements
    inputs = np.zeros((count, circuit.input_elements), np.int64)
    for element in range(circuit.input_elements):
        inputs[starts + skew * element, element] = beats[:, element]
    waves = _run(circuit, inputs, starts)
    return _collect(circuit, waves, layers=len(layers), skew=skew)


def _run(circuit: Circuit, inputs: NDArray[np.int64], starts: NDArray[np.int64]) -> dict[str, list[str]]:
    """Bits of `y`, `valid_out` and `last_out` at every step from the first input on; step 0 of the trace resets."""
    is_valid = np.zeros(len(inputs), bool)
    is_valid[starts] = True
    mask = (1 << circuit.options.activation_bits) - 1
    packed = [
        "".join(f"{value & mask:0{circuit.options.activation_bits}b}" for value in reversed(row))
        for row in inputs.tolist()
    ]
    signals = {"x": [packed[0], *packed]}
    if circuit.is_stream:
        signals["rst"] = ["1"] + ["0"] * len(packed)
        signals["valid_in"] = ["0", *("1" if valid else "0" for valid in is_valid)]
    trace = {
        "format": "Yosys Witness Trace",
        "generator": "archcast",
        "clocks": [{"path": ["\\clk"], "edge": "posedge", "offset": 0}] if circuit.has_clock else [],
        "signals": [
            {"path": [f"\\{name}"], "offset": 0, "width": len(values[0]), "init_only": False}
            for name, values in signals.items()
        ],
        # A step lists its bits from the last signal's highest to the first one's lowest.
        "steps": [{"bits": "".join(reversed(values))} for values in zip(*signals.values(), strict=True)],
    }
    with tempfile.TemporaryDirectory(prefix="archcast-fpga-") as name:
        folder = Path(name)
        (folder / "circuit.v").write_text(circuit.verilog)
        (folder / "inputs.yw").write_text(json.dumps(trace))
        run_yosys(folder, _SCRIPT)
        waves = _read_waves((folder / "outputs.vcd").read_text(), steps=len(packed) + 1)
    return {name: values[1:] for name, values in waves.items()}


def _read_waves(text: str, *, steps: int) -> dict[str, list[str]]:
    """Values of the output ports at each step of a value change dump; bits without a value are `x`."""
    identifiers: dict[str, str] = {}
    values: dict[str, str] = {}
    waves: dict[str, list[str]] = {}

    def fill(until: int) -> None:
        for identifier, name in identifiers.items():
            samples = waves.setdefault(name, [])
            samples += [values.get(identifier, "x")] * (min(until, steps) - len(samples))

    for line in text.splitlines():
        words = line.split()
        if line.startswith("$var") and words[4] in ("y", "valid_out", "last_out"):
            identifiers[words[3]] = words[4]
        elif line.startswith("#"):
            # What holds at a time is known when the next one begins.
            fill(-(-int(line[1:]) // _STEP_TIME))
        elif line.startswith("b") and words[1] in identifiers:
            values[words[1]] = words[0][1:]
    fill(steps)
    return waves


def _collect(circuit: Circuit, waves: dict[str, list[str]], *, layers: int, skew: int) -> Simulated:
    elements = range(circuit.output_elements)
    if not circuit.is_stream:
        lasts = [circuit.latency_cycles + layer for layer in range(layers)]
        values = [[_element(circuit, waves["y"][step], element) for step in lasts] for element in elements]
    else:
        values = [
            [
                _element(circuit, word, element)
                for word, valid in zip(waves["y"], waves["valid_out"], strict=True)
                if valid[-1 - element * skew] == "1"
            ]
            for element in elements
        ]
        lasts = [step for step, last in enumerate(waves["last_out"]) if last == "1"]
    join = ORDERS[type(circuit.primitive)].join
    beats = np.array(values, np.int64).T
    return Simulated([join(circuit.primitive, layer) for layer in np.split(beats, layers)], lasts)


def _element(circuit: Circuit, bits: str, element: int) -> int:
    end = len(bits) - element * circuit.output_bits
    value = int(bits[end - circuit.output_bits : end], 2)
    return (
        value - (1 << circuit.output_bits)
        if circuit.is_output_signed and bits[end - circuit.output_bits] == "1"
        else value
    )

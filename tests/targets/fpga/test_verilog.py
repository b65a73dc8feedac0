from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from targets.fpga.options import Options
from targets.fpga.primitives import PRIMITIVES
from targets.fpga.simulation import simulate
from targets.fpga.verilog import generate
from targets.fpga.weights import seeded_weights

pytest.importorskip("pyosys")


@st.composite
def primitives(draw, name):
    size = st.integers(1, 4)
    make: Any = PRIMITIVES[name]
    if name.startswith("gemm"):
        return make(draw(size), draw(st.integers(1, 6)), draw(size))
    filter_size = draw(st.integers(1, 3))
    extents = [filter_size + draw(st.integers(0, 3)) for _ in range(2 if "2d" in name else 1)]
    stride = 1 if name == "conv2d-rp" else draw(st.integers(1, 3))
    return make(*extents, draw(st.integers(1, 2)), filter_size, draw(st.integers(1, 3)), stride)


@st.composite
def all_options(draw, name):
    return Options(
        weight_bits=draw(st.integers(1, 6)),
        activation_bits=draw(st.integers(1, 6)),
        signed_activations=draw(st.booleans()),
        encoding=draw(st.sampled_from(["csd", "plain"])),
        pipelined=name == "gemms-rp" or draw(st.booleans()),
    )


def _random_inputs(circuit, rng):
    low, high = circuit.options.activation_range
    return rng.integers(low, high + 1, circuit.primitive.input_shape)


@pytest.mark.parametrize("name", PRIMITIVES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_circuit_computes_its_layers_bit_for_bit(name, data):
    primitive = data.draw(primitives(name))
    options = data.draw(all_options(name))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    sparsity = data.draw(st.sampled_from([0, 0.5, 0.9, 1]))
    weights = seeded_weights(primitive.weight_shape, bits=options.weight_bits, sparsity=sparsity, rng=rng)
    circuit = generate(primitive, weights, options)
    layers = [_random_inputs(circuit, rng) for _ in range(3)]
    idle_cycles = ()
    if circuit.is_stream:
        idle_cycles = data.draw(st.sampled_from([(), rng.integers(0, 3, 3 * primitive.beats)]))
        idle_cycles = [0, *idle_cycles[1:]] if len(idle_cycles) else ()

    simulated = simulate(circuit, layers, idle_cycles=idle_cycles)

    for inputs, outputs in zip(layers, simulated.outputs, strict=True):
        assert outputs.tolist() == primitive.reference(weights, inputs).tolist()
    if not len(idle_cycles):
        expected = [circuit.latency_cycles + layer * primitive.initiation_interval for layer in range(3)]
        assert simulated.last_steps == expected
    nonzeros = (weights != 0).sum(axis=0 if name.startswith("gemm") else tuple(range(1, weights.ndim))).max()
    if options.pipelined:
        assert circuit.latency_cycles == primitive.pipelined_latency_cycles(int(nonzeros))

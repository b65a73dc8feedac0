"""What must hold of any published accelerator on any network, most of it in the mode `refined`."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from spaces.base import Layer, Workload
from spaces.nb201 import Nb201
from targets import (
    Cycles,
    InvalidHardwareError,
    Precision,
    build_target,
    hardware_names,
    load_hardware,
    parse_hardware,
    segment_costs,
)

MODELS = {name: load_hardware(name).target for name in hardware_names() if hasattr(load_hardware(name), "mode")}
BANDWIDTH = {"bitmod": "dram_bits_per_cycle", "bitvert": "dram_bits_per_cycle", "m4bram": "memory_bandwidth_gb_per_s"}
# Not BitWave: rounding may carry into a column that was empty.
MONOTONE = [name for name in MODELS if name != "bitwave"]
WIDEST = {"bitmod": 16, "bitvert": 8, "m4bram": 8}
names = st.sampled_from(list(MODELS))


def make_target(name, **changes):
    return build_target(parse_hardware({**load_hardware(name).model_dump(), "mode": "refined", **changes}))


def cycles_of(target, workload, *precision) -> Cycles:
    found = target.cost(workload, *precision).cycles
    assert found is not None
    return found


def make_layer(kind, channels, outputs, side, kernel, is_grouped):
    grouped = is_grouped and kind == "conv"
    return Layer(
        "layer",
        kind,
        channels,
        channels if grouped or kind in ("pool", "add") else outputs,
        side,
        side,
        side,
        side,
        kernel if kind in ("conv", "pool") else 1,
        groups=channels if grouped else 1,
        inputs=2 if kind == "add" else 1,
    )


layers = st.builds(
    make_layer,
    st.sampled_from(["conv", "linear", "matmul", "pool", "add", "norm"]),
    st.integers(1, 200),
    st.integers(1, 200),
    st.integers(1, 30),
    st.sampled_from([1, 3, 7]),
    st.booleans(),
)
workloads = st.builds(Workload, st.lists(layers, max_size=4).map(tuple), batch=st.integers(1, 5))


@settings(deadline=None, max_examples=100)
@given(names, workloads, st.floats(1, 100))
def test_refined_more_bandwidth_is_never_slower(name, workload, factor):
    key, plain = BANDWIDTH[MODELS[name]], make_target(name)
    wide = make_target(name, **{key: getattr(plain.hardware, key) * factor})
    assert wide.cost(workload).latency_ms <= plain.cost(workload).latency_ms * (1 + 1e-12)


@settings(deadline=None, max_examples=100)
@given(names, workloads, st.sampled_from(["rows", "columns"]), st.integers(2, 4))
def test_refined_more_elements_are_never_slower(name, workload, key, factor):
    assume(MODELS[name] != "m4bram")
    plain = make_target(name)
    larger = make_target(name, **{key: getattr(plain.hardware, key) * factor})
    assert cycles_of(larger, workload).compute <= cycles_of(plain, workload).compute * (1 + 1e-12)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([name for name, model in MODELS.items() if model == "m4bram"]),
    workloads,
    st.sampled_from(["pvec", "dsp_qvec", "dsp_cvec", "bram_qvec"]),
    st.integers(1, 3),
)
def test_refined_more_multipliers_are_never_slower(name, workload, factor, more):
    plain = make_target(name)
    configuration = plain.hardware.configuration.model_dump()
    # BRAMAC computes one row, and its channels are tied to each other.
    assume(configuration[factor] and not (name == "bramac" and factor in ("pvec", "dsp_cvec")))
    configuration[factor] += more
    try:
        larger = make_target(name, configuration=configuration, dsp_budget=100_000, bram_budget=100_000)
    except InvalidHardwareError:  # the design's rules tie its factors to each other
        reject()
    assert cycles_of(larger, workload).compute <= cycles_of(plain, workload).compute


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(MONOTONE), workloads, st.integers(1, 16), st.integers(1, 16), st.integers(0, 7), st.integers(0, 7)
)
def test_refined_fewer_bits_are_never_slower(name, workload, weight_bits, activation_bits, fewer_w, fewer_a):
    target, widest = make_target(name), WIDEST[MODELS[name]]
    weight_bits, activation_bits = min(weight_bits, widest), min(activation_bits, widest)
    wide = cycles_of(target, workload, Precision(weight_bits, activation_bits))
    narrow = cycles_of(target, workload, Precision(max(1, weight_bits - fewer_w), max(1, activation_bits - fewer_a)))
    assert narrow.compute <= wide.compute * (1 + 1e-12)
    if MODELS[name] == "bitvert" and weight_bits == 8:
        return  # eight bits need no metadata, seven do
    assert narrow.dram <= wide.dram * (1 + 1e-12)


@settings(deadline=None, max_examples=100)
@given(names, workloads, st.integers(1, 4))
def test_refined_larger_batch_is_never_cheaper(name, workload, more):
    target = make_target(name)
    larger, smaller = target.cost(replace(workload, batch=workload.batch + more)), target.cost(workload)
    assert larger.latency_ms >= smaller.latency_ms * (1 - 1e-12)
    assert (larger.energy_mj or 0) >= (smaller.energy_mj or 0) * (1 - 1e-12)


@settings(deadline=None, max_examples=100)
@given(names, workloads, st.integers(0, 4))
def test_refined_cost_adds_over_layers(name, workload, split):
    target = make_target(name)
    parts = [
        target.cost(replace(workload, layers=part, reads=()))
        for part in (workload.layers[:split], workload.layers[split:])
    ]
    whole = target.cost(workload)
    assert sum(part.latency_ms for part in parts) == pytest.approx(whole.latency_ms)
    assert sum(part.energy_mj or 0 for part in parts) == pytest.approx(whole.energy_mj or 0)


@settings(deadline=None, max_examples=60)
@given(names, workloads)
def test_published_batch_runs_sample_by_sample(name, workload):
    assume(MODELS[name] != "bitmod")  # where samples that decode share their weights
    target = make_target(name, mode="published")
    supported = tuple(layer for layer in workload.layers if target.supports(layer))
    one, many = target.cost(Workload(supported)), target.cost(Workload(supported, batch=3))
    assert many.latency_ms == pytest.approx(3 * one.latency_ms)


@pytest.mark.parametrize("name", MODELS)
def test_whole_nb201_is_costed_at_once(name):
    space = Nb201()
    architectures = list(space.enumerate())
    target = make_target(name)
    costs = segment_costs(target, space, architectures)
    assert costs.latency_ms.shape == (15_625,)
    some = np.random.default_rng(0).integers(0, 15_625, 3)
    expected = [target.cost(space.workload(architectures[index])).latency_ms for index in some]
    np.testing.assert_allclose(costs.latency_ms[some], expected, rtol=1e-9)

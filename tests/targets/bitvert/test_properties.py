"""What must hold of any bit-serial accelerator on any network."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.base import Layer, Workload
from spaces.nb201 import Nb201
from targets import (
    InvalidHardwareError,
    Precision,
    UnsupportedPrecisionError,
    hardware_names,
    load_hardware,
    parse_hardware,
    segment_costs,
)

DESIGNS = [name for name in hardware_names() if load_hardware(name).target == "bitvert"]
# Not BitWave: rounding may carry into a column that was empty.
MONOTONE = [name for name in DESIGNS if name != "bitwave"]
designs = st.sampled_from(DESIGNS)


def make_layer(kind, channels, outputs, side, kernel, groups):
    is_conv = kind == "conv"
    grouped = groups and is_conv
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
    st.integers(1, 80),
    st.integers(1, 80),
    st.integers(1, 20),
    st.sampled_from([1, 3, 7]),
    st.booleans(),
)
workloads = st.builds(Workload, st.lists(layers, max_size=4).map(tuple), batch=st.integers(1, 5))


@settings(deadline=None, max_examples=60)
@given(designs, workloads, st.floats(1, 100))
def test_refined_more_bandwidth_is_never_slower(make_target, name, workload, factor):
    plain = make_target(name, mode="refined")
    wide = make_target(name, mode="refined", dram_bits_per_cycle=128.0 * factor)
    assert wide.cost(workload).latency_ms <= plain.cost(workload).latency_ms


@settings(deadline=None, max_examples=60)
@given(designs, workloads, st.sampled_from([("rows", 2), ("rows", 4), ("columns", 2), ("columns", 3)]))
def test_refined_more_elements_are_never_slower(make_target, name, workload, change):
    key, factor = change
    plain = make_target(name, mode="refined")
    larger = make_target(name, mode="refined", **{key: getattr(plain.hardware, key) * factor})
    assert larger.cost(workload).cycles.compute <= plain.cost(workload).cycles.compute * (1 + 1e-12)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(MONOTONE), workloads, st.integers(1, 8), st.integers(0, 7), st.integers(1, 8))
def test_refined_fewer_bits_are_never_slower(make_target, name, workload, bits, fewer, activation_bits):
    target = make_target(name, mode="refined")
    wide = target.cost(workload, Precision(bits, activation_bits))
    narrow = target.cost(workload, Precision(max(1, bits - fewer), activation_bits))
    assert narrow.cycles.compute <= wide.cycles.compute * (1 + 1e-12)
    if name.startswith("bitvert") and bits == 8:
        return  # eight bits need no metadata, seven do
    assert narrow.cycles.dram <= wide.cycles.dram * (1 + 1e-12)


@settings(deadline=None, max_examples=60)
@given(designs, workloads, st.integers(1, 4))
def test_refined_larger_batch_is_never_cheaper(make_target, name, workload, more):
    target = make_target(name, mode="refined")
    larger = target.cost(replace(workload, batch=workload.batch + more))
    assert larger.latency_ms >= target.cost(workload).latency_ms * (1 - 1e-12)
    assert (larger.energy_mj or 0) >= (target.cost(workload).energy_mj or 0) * (1 - 1e-12)


@settings(deadline=None, max_examples=60)
@given(designs, workloads, st.integers(0, 4))
def test_refined_cost_adds_over_layers(make_target, name, workload, split):
    target = make_target(name, mode="refined")
    parts = [target.cost(replace(workload, layers=part)) for part in (workload.layers[:split], workload.layers[split:])]
    assert sum(part.latency_ms for part in parts) == pytest.approx(target.cost(workload).latency_ms)
    assert sum(part.energy_mj for part in parts) == pytest.approx(target.cost(workload).energy_mj)


@settings(deadline=None, max_examples=40)
@given(designs, workloads)
def test_published_batch_runs_sample_by_sample(make_target, name, workload):
    supported = tuple(layer for layer in workload.layers if make_target(name).supports(layer))
    one = make_target(name).cost(Workload(supported))
    many = make_target(name).cost(Workload(supported, batch=3))
    assert many.latency_ms == pytest.approx(3 * one.latency_ms)


def test_speed_order_of_the_designs_is_the_papers(make_target):
    workload = Workload((Layer("linear", "linear", 768, 3072, 128, 1, 128, 1),))
    cycles = {name: make_target(name).cost(workload).cycles.total for name in DESIGNS}
    order = ["bitvert-moderate", "bitvert-conservative", "bitwave", "bitlet", "bitvert-no-bbs", "stripes"]
    assert [cycles[name] for name in order] == sorted(cycles[name] for name in order)


def test_given_weights_decide_the_cycles(make_target):
    workload = Workload((Layer("linear", "linear", 64, 32, 16, 1, 16, 1),))
    sparse = {"linear": np.eye(32, 64, dtype=np.int8)}
    target = make_target("pragmatic")
    assert target.cost(workload, weights=sparse).cycles.compute == 4
    assert target.cost(workload).cycles.compute > 8
    assert target.cost(workload) == target.cost(workload)


@pytest.mark.parametrize(("precision", "bits"), [(Precision(9, 8), 9), (Precision(4, 16), 16)])
def test_operands_too_wide_are_refused(make_target, precision, bits):
    with pytest.raises(UnsupportedPrecisionError, match=f"stripes cannot compute with {bits}-bit"):
        make_target("stripes").cost(Workload(()), precision)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mode": "figures"}, "mode: "),
        ({"cycle_rule": "magic"}, "cycle_rule: "),
        ({"refinements": ["wishful"]}, "refinements"),
        ({"rows": 0}, "rows: "),
        ({"weights_per_pe": 256}, "weights_per_pe: .*255"),
        ({"sensitive_fraction": 1.5}, "sensitive_fraction: "),
        ({"weight_buffer": {"capacity_bytes": 1}}, "weight_buffer.banks: Field required"),
        ({"sram": 1}, "sram: Extra"),
    ],
)
def test_hardware_senseless_description_is_refused_with_the_key(changes, reason):
    with pytest.raises(InvalidHardwareError, match=reason):
        parse_hardware({**load_hardware("bitvert-moderate").model_dump(), **changes})


@pytest.mark.parametrize("name", DESIGNS)
def test_whole_nb201_is_costed_at_once(name, make_target):
    space = Nb201()
    architectures = list(space.enumerate())
    target = make_target(name, mode="refined")
    costs = segment_costs(target, space, architectures)
    assert costs.latency_ms.shape == (15_625,)
    some = np.random.default_rng(0).integers(0, 15_625, 3)
    expected = [target.cost(space.workload(architectures[index])).latency_ms for index in some]
    np.testing.assert_allclose(costs.latency_ms[some], expected, rtol=1e-9)

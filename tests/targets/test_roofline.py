"""The roofline against its equations and against what must hold of any hardware."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.base import Layer, Workload
from targets import (
    InvalidHardwareError,
    Precision,
    Roofline,
    RooflineHardware,
    UnsupportedPrecisionError,
    hardware_names,
    load_target,
    parse_hardware,
)

DESCRIPTION = {
    "name": "toy",
    "target": "roofline",
    "description": "",
    "native_weight_bits": 8,
    "native_activation_bits": 8,
    "arithmetic": [
        {"operand_bits": 8, "peak_gmacs_per_s": 4.0, "energy_pj_per_mac": 1.0},
        {"operand_bits": 16, "peak_gmacs_per_s": 1.0, "energy_pj_per_mac": 3.0},
    ],
    "memory_bandwidth_gb_per_s": 2.0,
    "launch_overhead_us": 7.0,
    "energy_pj_per_byte": 10.0,
}


def make_target(**changes):
    hardware = parse_hardware({**DESCRIPTION, **changes})
    assert isinstance(hardware, RooflineHardware)
    return Roofline(hardware)


# 16 channels of 10 x 10 in and out: 1,600 outputs x 9 x 16 = 230,400 MACs, 2,304 weights, 3,200 activations.
CONV = Layer("conv", "conv", 16, 16, 10, 10, 10, 10, kernel=3)
ADD = Layer("add", "add", 16, 16, 10, 10, 10, 10, inputs=2)

sizes = st.integers(1, 64)
layers = st.builds(
    lambda kind, channels, side, kernel, depthwise: Layer(
        "layer", kind, channels, channels, side, side, side, side, kernel, groups=channels if depthwise else 1
    ),
    st.sampled_from(["conv", "pool", "add", "norm", "activation"]),
    sizes,
    sizes,
    st.sampled_from([1, 3, 5]),
    st.booleans(),
)
workloads = st.builds(Workload, st.lists(layers, max_size=6).map(tuple), batch=st.integers(1, 8))
targets = st.sampled_from([name for name in hardware_names() if name.startswith("roofline")]).map(load_target)
# All of them compute with 16 bits.
precisions = st.builds(Precision, st.integers(1, 16), st.integers(1, 16))


def test_cost_compute_bound_layer_equals_the_equation():
    cost = make_target(memory_bandwidth_gb_per_s=1e6).cost(Workload((CONV,)))
    assert cost.latency_ms == pytest.approx(230_400 / 4e9 * 1e3 + 0.007)
    assert cost.energy_mj == pytest.approx((230_400 * 1.0 + 5_504 * 10.0) * 1e-9)
    assert (cost.model, cost.area_mm2) == ("roofline", None)
    assert (cost.layers[0].name, cost.layers[0].macs, cost.layers[0].bytes_moved) == ("conv", 230_400, 5_504)


def test_cost_memory_bound_layer_equals_the_equation():
    cost = make_target().cost(Workload((ADD,)))
    assert cost.layers[0].macs == 0
    assert cost.latency_ms == pytest.approx(4_800 / 2e9 * 1e3 + 0.007)


def test_cost_batch_moves_weights_once():
    cost = make_target().cost(Workload((CONV,), batch=4))
    assert cost.layers[0].macs == 4 * 230_400
    assert cost.layers[0].bytes_moved == 4 * 3_200 + 2_304


def test_cost_mixed_precision_uses_the_unit_of_the_wider_operand():
    cost = make_target(memory_bandwidth_gb_per_s=1e6).cost(Workload((CONV,)), Precision(4, 16))
    assert cost.latency_ms == pytest.approx(230_400 / 1e9 * 1e3 + 0.007)
    assert cost.layers[0].bytes_moved == 3_200 * 2 + 2_304 / 2


def test_cost_operands_too_wide_are_refused_with_what_is_supported():
    with pytest.raises(UnsupportedPrecisionError, match="toy cannot compute with 32-bit operands; it supports: 8, 16"):
        make_target().cost(Workload((CONV,)), Precision(32, 8))


@pytest.mark.parametrize("bits", [(0, 8), (8, -1)])
def test_precision_without_bits_is_refused(bits):
    with pytest.raises(ValueError, match="at least 1 bit"):
        Precision(*bits)


def test_cost_hardware_without_energies_has_latency_only():
    units = [{"operand_bits": 8, "peak_gmacs_per_s": 4.0}]
    cost = make_target(arithmetic=units, energy_pj_per_byte=None, area_mm2=3.5).cost(Workload((CONV,)))
    assert (cost.energy_mj, cost.layers[0].energy_mj, cost.area_mm2) == (None, None, 3.5)


@settings(deadline=None)
@given(workloads, st.floats(1, 100), st.floats(1, 100))
def test_cost_more_bandwidth_or_peak_is_never_slower(workload, bandwidth_factor, peak_factor):
    units = [{**unit, "peak_gmacs_per_s": unit["peak_gmacs_per_s"] * peak_factor} for unit in DESCRIPTION["arithmetic"]]
    bandwidth = DESCRIPTION["memory_bandwidth_gb_per_s"] * bandwidth_factor
    latency_ms = make_target().cost(workload).latency_ms
    assert make_target(memory_bandwidth_gb_per_s=bandwidth).cost(workload).latency_ms <= latency_ms
    assert make_target(arithmetic=units).cost(workload).latency_ms <= latency_ms


@settings(deadline=None)
@given(targets, workloads, precisions, st.integers(0, 15), st.integers(0, 15))
def test_cost_fewer_bits_are_never_slower_nor_dearer(target, workload, wide, fewer_weight_bits, fewer_activation_bits):
    # The narrowest widest unit of the catalogue holds 16 bits.
    narrow = Precision(
        max(1, wide.weight_bits - fewer_weight_bits), max(1, wide.activation_bits - fewer_activation_bits)
    )
    cost, narrow_cost = target.cost(workload, wide), target.cost(workload, narrow)
    assert narrow_cost.latency_ms <= cost.latency_ms
    assert narrow_cost.energy_mj <= cost.energy_mj


@settings(deadline=None)
@given(targets, workloads, st.integers(1, 8))
def test_cost_larger_batch_is_never_cheaper(target, workload, more):
    larger = replace(workload, batch=workload.batch + more)
    assert target.cost(larger).latency_ms >= target.cost(workload).latency_ms
    assert target.cost(larger).energy_mj >= target.cost(workload).energy_mj


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"clock_ghz": 1.0}, "clock_ghz: Extra inputs"),
        ({"memory_bandwidth_gb_per_s": 0.0}, "memory_bandwidth_gb_per_s: .*greater than or equal to"),
        ({"memory_bandwidth_gb_per_s": float("inf")}, "memory_bandwidth_gb_per_s: .*finite"),
        ({"launch_overhead_us": -1.0}, "launch_overhead_us: .*greater than or equal to 0"),
        ({"launch_overhead_us": float("nan")}, "launch_overhead_us"),
        ({"launch_overhead_us": "5"}, "launch_overhead_us: .*valid number, got '5'"),
        ({"native_weight_bits": 0.5}, "native_weight_bits: .*greater than or equal to 1"),
        ({"native_weight_bits": 32}, "native_weight_bits .* at most 16"),
        ({"name": "../etc"}, "name: "),
        ({"arithmetic": []}, "arithmetic: .*at least one unit"),
        ({"arithmetic": [{"operand_bits": 8, "peak_gmacs": 1.0}]}, r"arithmetic\.0\.peak_gmacs_per_s: Field required"),
        ({"arithmetic": DESCRIPTION["arithmetic"][::-1]}, "arithmetic: .*operand_bits must grow"),
        (
            {"arithmetic": [DESCRIPTION["arithmetic"][0], {**DESCRIPTION["arithmetic"][1], "peak_gmacs_per_s": 5.0}]},
            "peak_gmacs_per_s of 16 bits is above",
        ),
        (
            {"arithmetic": [DESCRIPTION["arithmetic"][0], {**DESCRIPTION["arithmetic"][1], "energy_pj_per_mac": 0.5}]},
            "energy_pj_per_mac of 16 bits is below",
        ),
        ({"energy_pj_per_byte": None}, "come together or not at all"),
    ],
)
def test_hardware_senseless_description_is_refused_with_the_key(changes, reason):
    with pytest.raises(InvalidHardwareError, match=reason):
        make_target(**changes)


@pytest.mark.parametrize("key", ["name", "description", "arithmetic", "memory_bandwidth_gb_per_s"])
def test_hardware_missing_key_is_refused_with_the_key(key):
    description = {name: value for name, value in DESCRIPTION.items() if name != key}
    with pytest.raises(InvalidHardwareError, match=f"{key}: Field required") as caught:
        parse_hardware(description)
    assert [fault[0] for fault in caught.value.faults] == [key]

"""A sweep over configurations equals the cost of each, quickly."""

import numpy as np
import pytest

from spaces.base import Layer, Workload
from spaces.nb201 import Nb201
from targets import BitSerial, InvalidHardwareError, Precision, UnsupportedLayerError
from targets.bitvert import sweep
from targets.reference_networks import REFERENCE_NETWORKS

LAYERS = (
    Layer("stem", "conv", 3, 40, 32, 32, 16, 16, kernel=7),
    Layer("depthwise", "conv", 40, 40, 16, 16, 16, 16, kernel=3, groups=40),
    Layer("wide", "conv", 256, 512, 28, 28, 28, 28, kernel=3),
    Layer("token", "linear", 3072, 768, in_width=280, out_width=280),
    Layer("last", "linear", 100, 10),
)
POST = (
    Layer("add", "add", 64, 64, 16, 16, 16, 16, inputs=2),
    Layer("scores", "matmul", 1024, 2048, in_width=128, out_width=128, groups=16),
)


@pytest.mark.parametrize("mode", ["published", "refined"])
@pytest.mark.parametrize("name", ["bitvert-moderate", "stripes", "bitwave", "bitlet"])
def test_sweep_equals_the_cost_of_each_configuration(make_target, name, mode):
    rng = np.random.default_rng(0)
    target = make_target(name, mode=mode)
    integers = {key: rng.integers(4, 80, 10) for key in ("rows", "columns", "vector_lanes")}
    numbers = {
        "dram_bits_per_cycle": rng.uniform(8, 512, 10),
        "clock_ghz": rng.uniform(0.2, 2, 10),
        "sensitive_fraction": rng.uniform(0, 1, 10),
        "pe_pj_per_cycle": rng.uniform(0, 1, 10),
    }
    buffers = {key: rng.integers(2**12, 2**20, 10) for key in ("weight_buffer_bytes", "activation_buffer_bytes")}
    workload = Workload(LAYERS + (POST if mode == "refined" else ()), batch=2)
    found = sweep(target, workload, {**integers, **numbers, **buffers})
    for index in range(10):
        description = target.hardware.model_dump()
        description |= {key: int(values[index]) for key, values in integers.items()}
        description |= {key: float(values[index]) for key, values in numbers.items()}
        for key, values in buffers.items():
            description[key.removesuffix("_bytes")]["capacity_bytes"] = int(values[index])
        cost = BitSerial(type(target.hardware).model_validate(description)).cost(workload)
        assert cost.cycles is not None
        assert found.cycles[index] == pytest.approx(cost.cycles.total, rel=1e-12)
        assert found.latency_ms[index] == pytest.approx(cost.latency_ms, rel=1e-12)
        assert found.energy_mj[index] == pytest.approx(cost.energy_mj, rel=1e-12)


@pytest.mark.parametrize("name", ["bitvert-conservative", "pragmatic"])
def test_sweep_over_precisions_equals_each(make_target, name):
    target, workload = make_target(name, mode="refined"), Workload(LAYERS)
    found = sweep(target, workload, {"weight_bits": [3, 4.5, 8], "activation_bits": [8, 8, 5]})
    for index, precision in enumerate((Precision(3, 8), Precision(4.5, 8), Precision(8, 5))):
        cost = target.cost(workload, precision)
        assert found.latency_ms[index] == pytest.approx(cost.latency_ms, rel=1e-12)
        assert found.energy_mj[index] == pytest.approx(cost.energy_mj, rel=1e-12)


def test_sweep_without_changes_is_the_target(make_target):
    target, workload = make_target(mode="refined"), Workload(LAYERS)
    assert sweep(target, workload, {}).latency_ms.tolist() == [pytest.approx(target.cost(workload).latency_ms)]


def test_sweep_one_value_goes_with_many(make_target):
    found = sweep(make_target(), Workload(LAYERS), {"rows": [16, 32, 64], "clock_ghz": [0.5]})
    assert found.latency_ms.tolist() == pytest.approx((found.cycles / 0.5e6).tolist())


def test_sweep_hundred_thousand_configurations_are_one_call(make_target, assert_sweep_is_one_call):
    space = Nb201()
    workload = space.workload(space.sample(1, rng=np.random.default_rng(1))[0])
    rng = np.random.default_rng(0)
    changes = {
        "rows": rng.integers(8, 128, 100_000),
        "columns": rng.integers(8, 128, 100_000),
        "dram_bits_per_cycle": rng.uniform(32, 512, 100_000),
    }
    assert_sweep_is_one_call(sweep, make_target(mode="refined"), workload, changes)


def test_sweep_refuses_what_the_target_refuses(make_target):
    with pytest.raises(UnsupportedLayerError, match="maxpool"):
        sweep(make_target(), REFERENCE_NETWORKS["resnet18"](), {"rows": [16, 32]})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mode": [1]}, "mode: cannot vary; what can: activation_bits, "),
        ({"rows": [32, 0]}, "rows: values must be 1 to 65536"),
        ({"weights_per_pe": [256]}, "weights_per_pe: values must be 1 to 255"),
        ({"rows": [32.5]}, "rows: values must be whole"),
        ({"rows": []}, "rows: one row of values"),
        ({"rows": [[1, 2]]}, "rows: one row of values"),
        ({"clock_ghz": [float("nan")]}, "clock_ghz: values must be 1e-09 to 1e\\+12"),
        ({"weight_bits": [9]}, "weight_bits: values must be 1 to 8"),
        ({"sensitive_fraction": [1.1]}, "sensitive_fraction: values must be 0 to 1"),
        ({"rows": [1, 2], "columns": [1, 2, 3]}, r"as many values, or one; got \[2, 3\]"),
    ],
)
def test_sweep_senseless_changes_are_refused_with_the_key(make_target, changes, reason):
    with pytest.raises(InvalidHardwareError, match=reason):
        sweep(make_target(), Workload(LAYERS), changes)

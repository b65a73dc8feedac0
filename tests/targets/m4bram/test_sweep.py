"""A sweep over configurations equals the cost of each, quickly."""

import numpy as np
import pytest

from spaces.base import Layer, Workload
from targets import InvalidHardwareError, M4bram, Precision, UnsupportedLayerError
from targets.m4bram import DESIGNS, sweep
from targets.m4bram.configuration import Configuration
from targets.reference_networks import REFERENCE_NETWORKS

LAYERS = (
    Layer("stem", "conv", 3, 40, 32, 32, 16, 16, kernel=7, stride=2),
    Layer("depthwise", "conv", 40, 40, 16, 16, 16, 16, kernel=3, groups=40),
    Layer("wide", "conv", 256, 512, 28, 28, 28, 28, kernel=3),
    Layer("token", "linear", 3072, 768, in_width=280, out_width=280),
    Layer("again", "linear", 3072, 768, in_width=280, out_width=280),
)
POST = (
    Layer("add", "add", 64, 64, 16, 16, 16, 16, inputs=2),
    Layer("pool", "pool", 64, 64, 16, 16, 8, 8, kernel=3),
    Layer("scores", "matmul", 1024, 2048, in_width=128, out_width=128, groups=16),
    Layer("norm", "norm", 64, 64, 16, 16, 16, 16),
)


@pytest.mark.parametrize("mode", ["published", "refined"])
@pytest.mark.parametrize("design", DESIGNS)
def test_sweep_equals_the_cost_of_each_configuration(make_target, design, mode):
    rng = np.random.default_rng(0)
    target = make_target(mode=mode, design=design, configuration=None)
    factors = {name: rng.integers(1, 9, 10) for name in ("pvec", "dsp_qvec", "bram_qvec")}
    factors |= {name: 4 * rng.integers(1, 9, 10) for name in ("dsp_cvec", "dsp_kvec", "bram_cvec", "bram_kvec")}
    whole = {"rvec": rng.integers(1, 4, 10), "bram_budget": rng.integers(1, 3000, 10)}
    whole["vector_lanes"] = rng.integers(1, 100, 10)
    numbers = {"clock_ghz": rng.uniform(0.1, 1, 10), "memory_bandwidth_gb_per_s": rng.uniform(1, 40, 10)}
    bits = {"weight_bits": rng.integers(1, 9, 10), "activation_bits": rng.integers(1, 9, 10)}
    workload = Workload(LAYERS + (POST if mode == "refined" else ()), batch=2)
    found = sweep(target, workload, {**factors, **whole, **numbers, **bits})
    for index in range(10):
        configuration = {name: int(values[index]) for name, values in factors.items()}
        changes = {name: int(values[index]) for name, values in whole.items()}
        changes |= {name: float(values[index]) for name, values in numbers.items()}
        # Arithmetic holds for factors that no description may have.
        unchecked = {"configuration": Configuration(**configuration), **changes}
        one = M4bram(target.hardware.model_copy(update=unchecked))
        precision = Precision(int(bits["weight_bits"][index]), int(bits["activation_bits"][index]))
        cost = one.cost(workload, precision)
        assert cost.cycles is not None
        assert found.cycles[index] == pytest.approx(cost.cycles.total, rel=1e-12)
        assert found.latency_ms[index] == pytest.approx(cost.latency_ms, rel=1e-12)
        chosen = one.choose(workload, precision)
        assert found.dsps[index] == chosen.dsps
        if mode == "published":  # which keeps the whole feature map on the chip
            assert found.brams[index] == chosen.filter_brams + chosen.stream_brams


def test_sweep_without_changes_is_the_target(make_target):
    target, workload = make_target(mode="refined"), Workload(LAYERS + POST)
    assert sweep(target, workload, {}).latency_ms.tolist() == [pytest.approx(target.cost(workload).latency_ms)]
    assert sweep(target, Workload(()), {"pvec": [1, 2]}).latency_ms.tolist() == [0, 0]


def test_sweep_hundred_thousand_configurations_are_one_call(make_target, assert_sweep_is_one_call):
    workload = REFERENCE_NETWORKS["resnet18"]()
    rng = np.random.default_rng(0)
    changes: dict[str, np.ndarray] = {
        "dsp_kvec": 4 * rng.integers(1, 64, 100_000),
        "bram_kvec": 16 * rng.integers(1, 16, 100_000),
    }
    changes["memory_bandwidth_gb_per_s"] = rng.uniform(1, 50, 100_000)
    assert_sweep_is_one_call(sweep, make_target(mode="refined"), workload, changes)


def test_sweep_refuses_what_the_target_refuses(make_target):
    with pytest.raises(UnsupportedLayerError, match="add"):
        sweep(make_target(), Workload(POST), {"pvec": [1, 2]})


@pytest.mark.parametrize(
    ("target_changes", "changes", "reason"),
    [
        ({}, {"dsp_budget": [1]}, "dsp_budget: cannot vary; what can: activation_bits, "),
        ({}, {"pvec": [0]}, "pvec: values must be 1 to 4096"),
        ({}, {"dsp_qvec": [1.5]}, "dsp_qvec: values must be whole"),
        ({}, {"dsp_cvec": [4, 0]}, "dsp_cvec: SY-M4L needs at least 1"),
        ({"configuration": None}, {"pvec": [1], "dsp_qvec": [2]}, "dsp_cvec: SY-M4L needs at least 1"),
        ({}, {"weight_bits": [9]}, "weight_bits: values must be 1 to 8"),
        ({}, {"pvec": [1, 2], "rvec": [1, 2, 3]}, r"as many values, or one; got \[2, 3\]"),
    ],
)
def test_sweep_senseless_changes_are_refused_with_the_key(make_target, target_changes, changes, reason):
    with pytest.raises(InvalidHardwareError, match=reason):
        sweep(make_target(**target_changes), Workload(LAYERS), changes)

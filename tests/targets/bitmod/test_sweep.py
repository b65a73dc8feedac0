"""A sweep over configurations equals the cost of each, quickly."""

import numpy as np
import pytest

from spaces.base import Workload
from spaces.nb201 import Nb201
from targets import BitMod, InvalidHardwareError, Precision
from targets.bitmod import sweep
from targets.llm import llm_workload

PROMPT = llm_workload("llama-2-7b", stage="prefill")


@pytest.mark.parametrize("mode", ["published", "refined"])
@pytest.mark.parametrize("name", ["bitmod-lossy", "ant"])
def test_sweep_equals_the_cost_of_each_configuration(make_target, name, mode):
    rng = np.random.default_rng(0)
    target = make_target(name, mode=mode)
    integers = {
        "rows": rng.integers(4, 100, 12),
        "columns": rng.integers(4, 100, 12),
        "weight_buffer_bytes": rng.integers(2**14, 2**21, 12),
    }
    numbers = {"dram_bits_per_cycle": rng.uniform(32, 1024, 12), "clock_ghz": rng.uniform(0.2, 2, 12)}
    space = Nb201()
    network = space.workload(space.sample(1, rng=rng)[0])
    for workload in (PROMPT, Workload(network.layers, batch=4)):
        found = sweep(target, workload, {**integers, **numbers})
        for index in range(12):
            changes = {key: int(values[index]) for key, values in integers.items()}
            changes |= {key: float(values[index]) for key, values in numbers.items()}
            cost = BitMod(target.hardware.model_copy(update=changes)).cost(workload)
            assert cost.cycles is not None
            assert found.cycles[index] == pytest.approx(cost.cycles.total, rel=1e-12)
            assert found.latency_ms[index] == pytest.approx(cost.latency_ms, rel=1e-12)
            assert found.energy_mj[index] == pytest.approx(cost.energy_mj, rel=1e-9)
            assert found.area_mm2[index] == pytest.approx(cost.area_mm2, rel=1e-12)


def test_sweep_over_precisions_equals_each(make_target):
    bits = np.array([3.0625, 4.0625, 6.0625, 8.0])
    found = sweep(make_target(), PROMPT, {"weight_bits": bits})
    expected = [make_target().cost(PROMPT, Precision(each, 16)).cycles.total for each in bits]
    assert found.cycles.tolist() == expected


def test_sweep_one_value_goes_with_many(make_target):
    found = sweep(make_target(), PROMPT, {"rows": [16, 32, 64], "clock_ghz": [0.5]})
    assert found.latency_ms.tolist() == pytest.approx((found.cycles / 0.5e6).tolist())


def test_sweep_without_changes_is_the_target(make_target):
    found = sweep(make_target(), PROMPT, {})
    assert found.cycles.tolist() == [make_target().cost(PROMPT).cycles.total]


def test_sweep_hundred_thousand_configurations_are_one_call(make_target, assert_sweep_is_one_call):
    rng = np.random.default_rng(0)
    changes = {key: rng.integers(8, 256, 100_000) for key in ("rows", "columns")}
    assert_sweep_is_one_call(sweep, make_target(), PROMPT, changes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"stage": [1.0]}, "stage: cannot vary; what can: "),
        ({"rows": [32, 0]}, "rows: values must be 1 to"),
        ({"rows": [32, 2.5]}, "rows: values must be whole"),
        ({"clock_ghz": [float("inf")]}, "clock_ghz: values must be 1e-09 to"),
        ({"weight_bits": [17]}, "weight_bits: values must be 1 to 16"),
        ({"rows": [[32]]}, "rows: one row of values"),
        ({"rows": [1, 2], "columns": [1, 2, 3]}, r"as many values, or one; got \[2, 3\]"),
    ],
)
def test_sweep_senseless_changes_are_refused(make_target, changes, reason):
    with pytest.raises(InvalidHardwareError, match=reason):
        sweep(make_target(), PROMPT, changes)

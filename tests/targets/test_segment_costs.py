"""Costs by look-up equal the cost of each workload, for whole spaces and quickly."""

import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from spaces.fbnet import Fbnet
from spaces.nb201 import Nb201
from spaces.ofa import Ofa
from targets import (
    NotFittingError,
    Precision,
    UnsupportedPrecisionError,
    hardware_names,
    load_hardware,
    load_target,
    segment_costs,
)
from targets.base import Cost

SPACES = {"nb201": Nb201(), "fbnet": Fbnet(), "ofa": Ofa()}
ONE_OF_EACH_MODEL = {load_hardware(name).target: name for name in hardware_names()}
NPU = load_target("roofline-edge-npu")


class LatencyOnly:
    """A target that knows neither energy nor area and counts its calls."""

    name = "counting"
    native_precision = Precision()
    is_additive = True

    def __init__(self):
        self.calls = 0

    def supports(self, layer):
        return True

    def cost(self, workload, precision=None):
        self.calls += 1
        return Cost(float(len(workload.layers)), None, None, "count", ())


def cost_or_none(target, workload, precision):
    """None where the workload does not fit."""
    try:
        return target.cost(workload, precision)
    except NotFittingError:
        return None


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@pytest.mark.parametrize("name", ONE_OF_EACH_MODEL.values(), ids=ONE_OF_EACH_MODEL)
@pytest.mark.parametrize(("precision", "batch"), [(None, 1), (Precision(4, 8), 16)])
def test_segment_costs_equal_the_cost_of_each_workload(space, name, precision, batch):
    target = load_target(name)
    architectures = space.sample(10, rng=np.random.default_rng(0))
    workloads = [replace(space.workload(architecture), batch=batch) for architecture in architectures]
    found = [cost_or_none(target, workload, precision) for workload in workloads]
    costs = segment_costs(target, space, architectures, precision, batch=batch, is_partial=True)
    assert np.isnan(costs.latency_ms).tolist() == [cost is None for cost in found]
    expected = [cost for cost in found if cost is not None]
    latency_ms = costs.latency_ms[np.isfinite(costs.latency_ms)]
    np.testing.assert_allclose(latency_ms, [cost.latency_ms for cost in expected], rtol=1e-12)
    assert (costs.energy_mj is None) == (expected[0].energy_mj is None)
    if costs.energy_mj is not None:
        np.testing.assert_allclose(
            costs.energy_mj, np.array([cost.energy_mj for cost in expected], dtype=float), rtol=1e-12
        )
    assert (costs.model, costs.area_mm2) == (expected[0].model, expected[0].area_mm2)


def test_segment_costs_whole_nb201_is_much_faster_than_one_by_one():
    space = Nb201()
    architectures = list(space.enumerate())
    start = time.process_time()
    costs = segment_costs(NPU, space, architectures)
    at_once = time.process_time() - start
    assert costs.latency_ms.shape == (15_625,)
    assert (costs.latency_ms > 0).all()
    start = time.process_time()
    for architecture in architectures[:50]:
        NPU.cost(space.workload(architecture))
    assert at_once < (time.process_time() - start) / 50 * 15_625 / 20


def test_segment_costs_unknown_energy_stays_unknown():
    target, space = LatencyOnly(), SPACES["nb201"]
    architectures = space.sample(5, rng=np.random.default_rng(0))
    costs = segment_costs(target, space, architectures)
    assert costs.energy_mj is None
    assert costs.latency_ms.tolist() == [len(space.workload(architecture).layers) for architecture in architectures]


def test_segment_costs_second_call_costs_no_workload():
    target, space = LatencyOnly(), SPACES["nb201"]
    architectures = space.sample(5, rng=np.random.default_rng(0))
    segment_costs(target, space, architectures)
    calls = target.calls
    segment_costs(target, space, architectures[::-1])
    assert target.calls == calls == 1 + 1 + 6 * 5


class FreeAfterSmall(LatencyOnly):
    """A layer is free when it follows one with fewer outputs: no sum over layers."""

    is_additive = False

    def cost(self, workload, precision=None):
        sizes = [layer.out_elements for layer in workload.layers]
        return Cost(float(sum(now <= before for before, now in pairwise(sizes))), None, None, "order", ())


def test_segment_costs_target_that_is_not_additive_gets_whole_workloads():
    target, space = FreeAfterSmall(), SPACES["fbnet"]
    architectures = space.sample(5, rng=np.random.default_rng(0))
    costs = segment_costs(target, space, architectures)
    assert costs.latency_ms.tolist() == [target.cost(space.workload(each)).latency_ms for each in architectures]
    assert segment_costs(target, space, []).latency_ms.shape == (0,)


def test_segment_costs_equal_hardware_shares_its_table():
    first, second = load_target("roofline-edge-npu"), load_target("roofline-edge-npu")
    assert first == second
    assert hash(first) == hash(second)


def test_segment_costs_no_architectures_gives_no_costs():
    costs = segment_costs(NPU, SPACES["fbnet"], [])
    assert costs.latency_ms.shape == (0,)
    assert costs.energy_mj is not None
    assert costs.energy_mj.shape == (0,)


def test_segment_costs_precision_beyond_the_hardware_is_refused():
    with pytest.raises(UnsupportedPrecisionError):
        segment_costs(NPU, SPACES["nb201"], [], Precision(32, 32))


def test_segment_costs_batch_below_one_is_refused():
    with pytest.raises(ValueError, match="batch must be at least 1, got 0"):
        segment_costs(NPU, SPACES["nb201"], [], batch=0)


def test_segment_costs_result_belongs_to_the_caller():
    space = SPACES["nb201"]
    architectures = space.sample(5, rng=np.random.default_rng(0))
    costs = segment_costs(NPU, space, architectures)
    expected = costs.latency_ms.copy()
    costs.latency_ms[:] = 0
    assert (segment_costs(NPU, space, architectures).latency_ms == expected).all()

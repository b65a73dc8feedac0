"""Layers that an accelerator cannot run go to the host, and only those."""

from dataclasses import dataclass

import pytest

from spaces.base import Layer, Workload
from spaces.nb201 import Nb201
from targets import (
    Cycles,
    LayerCost,
    Precision,
    UnsupportedLayerError,
    WithHost,
    load_target,
    segment_costs,
    total_cost,
)

HOST = load_target("roofline-phone-cpu")
CONV = Layer("conv", "conv", 4, 4, 8, 8, 8, 8, kernel=3)
POOL = Layer("pool", "pool", 4, 4, 8, 8, 4, 4, kernel=2)
MIXED = Workload((CONV, POOL, CONV), batch=2)


@dataclass(frozen=True)
class ConvolutionsOnly:
    """Ten cycles and one picojoule for each convolution; nothing else runs."""

    name: str = "toy"
    native_precision: Precision = Precision(8, 8)  # noqa: RUF009  (frozen)
    is_additive: bool = True

    def supports(self, layer):
        return layer.kind == "conv"

    def cost(self, workload, precision=None):
        for layer in workload.layers:
            if not self.supports(layer):
                raise UnsupportedLayerError(self.name, layer.name, layer.kind)
        rows = [
            LayerCost(layer.name, 1.0, 1e-9, layer.macs, 0.0, Cycles(10, 0, 10), {"compute": 1e-6})
            for layer in workload.layers
        ]
        return total_cost(rows, model="toy", area_mm2=1.0)


def test_cost_layer_that_the_hardware_cannot_run_is_refused_by_name():
    with pytest.raises(UnsupportedLayerError, match=r"toy cannot run the layer 'pool' \(pool\)"):
        ConvolutionsOnly().cost(MIXED)


def test_with_host_adds_the_hosts_cost_of_what_is_left():
    cost = WithHost(ConvolutionsOnly(), HOST).cost(MIXED)
    pooling = HOST.cost(Workload((POOL,), batch=2))
    assert cost.latency_ms == pytest.approx(2.0 + pooling.latency_ms)
    assert cost.energy_mj is not None
    assert cost.energy_mj == pytest.approx(2e-9 + (pooling.energy_mj or 0))
    assert sum(cost.energy_uj.values()) == pytest.approx(cost.energy_mj * 1e3)
    assert [row.name for row in cost.layers] == ["conv", "pool", "conv"]
    assert cost.layers[1] == pooling.layers[0]
    assert cost.cycles == Cycles(20, 0, 20)
    assert cost.area_mm2 == 1.0


def test_with_host_accelerator_that_runs_everything_costs_the_same():
    target = WithHost(HOST, ConvolutionsOnly())
    assert target.cost(MIXED).layers == HOST.cost(MIXED).layers
    assert target.cost(MIXED).latency_ms == HOST.cost(MIXED).latency_ms


def test_with_host_costs_whole_spaces_by_look_up():
    space, target = Nb201(), WithHost(ConvolutionsOnly(), HOST)
    architecture = next(iter(space.enumerate()))
    costs = segment_costs(target, space, [architecture])
    assert costs.latency_ms[0] == pytest.approx(target.cost(space.workload(architecture)).latency_ms)


def test_branches_stay_branches_beside_a_host():
    space = Nb201()
    workload = space.workload(space.parse("3-3-1-3-1-0"))
    part = load_target("fpga_unrolled")
    assert WithHost(part, HOST).cost(workload).latency_ms == part.cost(workload).latency_ms

"""Every target, on every hardware of the catalogue, keeps the contract of `targets.Target`."""

import math
from dataclasses import replace

import numpy as np
import pytest

from spaces.base import Workload
from spaces.fbnet import Fbnet
from spaces.nb201 import Nb201
from targets import (
    TARGETS,
    NotFittingError,
    UnsupportedLayerError,
    build_target,
    hardware_names,
    load_hardware,
    load_target,
)
from targets.network_ends import with_ends

SPACES = {"nb201": Nb201(), "fbnet": Fbnet()}
hardware = pytest.mark.parametrize("name", hardware_names())
spaces = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


def make_workload(space, target, seed=0):
    """A network without the layers that the target cannot run; of one that does not fit, the beginning."""
    workload = space.workload(space.sample(1, rng=np.random.default_rng(seed))[0])
    workload = replace(workload, layers=tuple(filter(target.supports, workload.layers)), reads=())
    while True:
        try:
            target.cost(workload)
        except NotFittingError:
            assert len(workload.layers) > 1
            workload = replace(workload, layers=workload.layers[: len(workload.layers) // 2], reads=())
        else:
            return workload


def test_every_cost_model_has_hardware_in_the_catalogue():
    assert {load_hardware(name).target for name in hardware_names()} == set(TARGETS)


@hardware
@spaces
def test_target_cost_is_positive_and_names_its_model(name, space):
    target = load_target(name)
    workload = make_workload(space, target)
    cost = target.cost(workload)
    assert math.isfinite(cost.latency_ms)
    assert cost.latency_ms > 0
    assert cost.energy_mj is None or cost.energy_mj > 0
    assert cost.model == load_hardware(name).target
    assert [row.name for row in cost.layers] == [layer.name for layer in workload.layers]


@hardware
@spaces
def test_target_cost_adds_over_layers_where_it_says_so(name, space):
    target = load_target(name)
    workload = make_workload(space, target)
    cost = target.cost(workload)
    assert sum(row.latency_ms for row in cost.layers) == pytest.approx(cost.latency_ms, rel=1e-12)
    if not target.is_additive:
        return
    layers = with_ends(workload).layers
    for split in (0, 1, len(layers) // 2):
        parts = [target.cost(Workload(part)) for part in (layers[:split], layers[split:])]
        assert sum(part.latency_ms for part in parts) == pytest.approx(cost.latency_ms, rel=1e-12)
        if cost.energy_mj is not None:
            assert sum(part.energy_mj or 0 for part in parts) == pytest.approx(cost.energy_mj, rel=1e-12)


@hardware
@spaces
def test_target_cycles_and_energies_by_part_agree_with_the_totals(name, space):
    target = load_target(name)
    workload = make_workload(space, target)
    cost = target.cost(workload)
    for each in (cost, *cost.layers):
        if each.energy_uj:
            assert sum(each.energy_uj.values()) == pytest.approx((each.energy_mj or 0) * 1e3)
        if each.cycles is not None:
            assert each.cycles.total >= each.cycles.compute
            assert each.cycles.total >= each.cycles.dram
    assert (cost.cycles is None) == any(row.cycles is None for row in cost.layers)


@hardware
@spaces
def test_target_layer_that_it_cannot_run_is_refused_by_name(name, space):
    target = load_target(name)
    workload = space.workload(space.sample(1, rng=np.random.default_rng(0))[0])
    for layer in workload.layers:
        if not target.supports(layer):
            with pytest.raises(UnsupportedLayerError, match=layer.kind) as caught:
                target.cost(Workload((layer,)))
            assert caught.value.layer == layer.name


@hardware
def test_target_without_layers_costs_nothing(name):
    cost = load_target(name).cost(Workload(()))
    assert (cost.latency_ms, cost.energy_mj or 0.0, cost.layers) == (0.0, 0.0, ())


@hardware
def test_target_is_equal_and_hashable_by_value(name):
    first, second = build_target(load_hardware(name)), load_target(name)
    assert first == second
    assert hash(first) == hash(second)
    assert first.name == name


@hardware
@spaces
def test_target_native_precision_is_the_default(name, space):
    target = load_target(name)
    workload = make_workload(space, target)
    assert target.cost(workload) == target.cost(workload, target.native_precision)

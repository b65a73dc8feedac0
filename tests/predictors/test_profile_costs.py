"""Costs of layers from profiles: what kernels took comes back, also where sums over networks tell nothing of it."""

from dataclasses import replace

import numpy as np
import pytest

from predictors.profile_costs import PARTS, ProfiledNetwork, fit_profile_costs, part_names
from predictors.workload_columns import workload_columns
from predictors.workload_latency import fit_workload_latency
from spaces import SPACES, Architecture
from spaces.base import FloatArray, Layer

NB201 = SPACES["nb201"]
BETWEEN = 1.2


def drawn(space: str, count: int, seed: int) -> list[Architecture]:
    return SPACES[space].sample(count, rng=np.random.default_rng(seed))


def layer_ms(layers: tuple[Layer, ...]) -> FloatArray:
    """A runtime that fuses norms and activations into products, and has slow pools."""
    took = {"fused": 0.0, "pool": 2e-6, "depthwise": 4e-7}
    costs = [
        1e-3 + took.get(part, 1e-7) * 4 * (layer.in_elements + layer.out_elements) + 2e-9 * layer.macs
        for part, layer in zip(part_names(layers), layers, strict=True)
    ]
    return np.array(costs) * np.array([part != "fused" for part in part_names(layers)])


def profiled(architectures: list[Architecture]) -> list[ProfiledNetwork]:
    workloads = [SPACES[one.space].workload(one) for one in architectures]
    return [
        ProfiledNetwork(one.layers, one.batch, layer_ms(one.layers), BETWEEN * float(layer_ms(one.layers).sum()))
        for one in workloads
    ]


def test_norm_and_activation_behind_their_product_are_fused_and_others_are_not():
    parts = list(part_names(NB201.workload(NB201.parse("3-0-0-0-0-4")).layers))
    assert parts[:5] == ["product", "fused", "elementwise", "product", "fused"]
    assert set(parts) <= set(PARTS)


def test_costs_are_those_of_the_kernels_and_the_factor_what_runs_between():
    costs = fit_profile_costs(profiled(drawn("nb201", 30, 0)), ["nb201"] * 30)
    assert costs.factor == pytest.approx(BETWEEN, rel=0.1)
    for network in profiled(drawn("nb201", 5, 1)):
        predicted = costs.layer_ms(network.layers, network.batch)
        assert predicted.sum() == pytest.approx(network.latency_ms, rel=0.1)
        wrong = np.abs(predicted / predicted.sum() - network.layer_ms / network.layer_ms.sum()).sum() / 2
        assert wrong < 0.1
    assert costs.spread < 0.1
    assert costs.between == 0


def test_family_that_the_others_do_not_tell_of_widens_what_lies_between():
    networks = profiled([*drawn("nb201", 20, 0), *drawn("fbnet", 20, 1)])
    slow = [replace(one, layer_ms=3 * one.layer_ms, latency_ms=3 * one.latency_ms) for one in networks[20:]]
    names = ["nb201"] * 20 + ["fbnet"] * 20
    assert fit_profile_costs([*networks[:20], *slow], names).between > 1
    assert fit_profile_costs(networks, names).between < fit_profile_costs([*networks[:20], *slow], names).between


def test_predictor_lies_between_both_fits_and_takes_the_profiles_far_from_the_timed_networks():
    timed = drawn("nb201", 40, 2)
    noise = np.random.default_rng(5).lognormal(0, 0.1, 40)
    networks = [replace(one, latency_ms=one.latency_ms * by) for one, by in zip(profiled(timed), noise, strict=True)]
    columns = np.array([workload_columns(NB201.workload(one)) for one in timed])
    latency_ms = np.array([one.latency_ms for one in networks])
    sums = fit_workload_latency(NB201, columns, latency_ms)
    both = fit_workload_latency(NB201, columns, latency_ms, ["nb201"] * 40, dict(enumerate(networks)))
    assert both.profile_costs is not None
    weights = {}
    for space in ("nb201", "fbnet"):
        others = drawn(space, 20, 3)
        layers = [SPACES[space].workload(one).layers for one in others]
        ends = [
            np.log(replace(sums, space=SPACES[space]).predict(others).mean_ms),
            np.log([both.profile_costs.layer_ms(one).sum() for one in layers]),
        ]
        mean = np.log(replace(both, space=SPACES[space]).predict(others).mean_ms)
        assert (mean >= np.minimum(*ends) - 1e-9).all()
        assert (mean <= np.maximum(*ends) + 1e-9).all()
        weights[space] = np.median((mean - ends[0]) / (ends[1] - ends[0]))
    assert weights["nb201"] < 0.8
    assert weights["fbnet"] > 0.95


def test_breakdown_comes_from_the_profiles():
    timed = drawn("nb201", 20, 2)
    networks = profiled(timed)
    columns = np.array([workload_columns(NB201.workload(one)) for one in timed])
    latency_ms = np.array([one.latency_ms for one in networks])
    cell = drawn("nb201", 1, 9)[0]
    true_ms = layer_ms(NB201.workload(cell).layers)
    wrong = []
    for profiles in (None, dict(enumerate(networks))):
        model = fit_workload_latency(NB201, columns, latency_ms, ["nb201"] * 20, profiles)
        parts_ms = model.layer_ms(cell)
        assert parts_ms.sum() == pytest.approx(model.predict([cell]).mean_ms[0])
        wrong.append(np.abs(parts_ms / parts_ms.sum() - true_ms / true_ms.sum()).sum() / 2)
    assert wrong[1] < 0.5 * wrong[0]


def test_few_profiles_are_left_aside():
    timed = drawn("nb201", 12, 4)
    networks = profiled(timed)
    columns = np.array([workload_columns(NB201.workload(one)) for one in timed])
    latency_ms = np.array([one.latency_ms for one in networks])
    few, enough = (
        fit_workload_latency(NB201, columns, latency_ms, (), dict(enumerate(networks[:count]))) for count in (4, 5)
    )
    assert few.profile_costs is None
    assert enough.profile_costs is not None
    assert few.predict(timed).mean_ms == pytest.approx(
        fit_workload_latency(NB201, columns, latency_ms).predict(timed).mean_ms
    )

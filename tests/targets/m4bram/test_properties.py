"""What must hold of any accelerator of the M4BRAM family on any network, and of its description."""

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
from targets.m4bram import DESIGNS, Budget, Engine, Network, SearchGrid, best_configuration, evaluate
from targets.m4bram.design import multipliers_per_dsp
from targets.m4bram.search import NoConfigurationError

NAMES = [name for name in hardware_names() if load_hardware(name).target == "m4bram"]
names = st.sampled_from(NAMES)


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
    st.integers(1, 300),
    st.integers(1, 300),
    st.integers(1, 30),
    st.sampled_from([1, 3, 7]),
    st.booleans(),
)
workloads = st.builds(Workload, st.lists(layers, max_size=4).map(tuple), batch=st.integers(1, 5))
RESNET_LIKE = Workload(
    (
        Layer("stem", "conv", 3, 64, 224, 224, 112, 112, kernel=7, stride=2),
        Layer("conv", "conv", 64, 64, 56, 56, 56, 56, kernel=3),
        Layer("down", "conv", 64, 128, 56, 56, 28, 28, kernel=3, stride=2),
        Layer("add", "add", 128, 128, 28, 28, 28, 28, inputs=2),
        Layer("fc", "linear", 128, 1000),
    )
)


@settings(deadline=None, max_examples=60)
@given(names, workloads, st.floats(1, 100))
def test_refined_more_bandwidth_is_never_slower(make_target, name, workload, factor):
    plain = make_target(name, mode="refined")
    wide = make_target(name, mode="refined", memory_bandwidth_gb_per_s=19.2 * factor)
    assert wide.cost(workload).latency_ms <= plain.cost(workload).latency_ms * (1 + 1e-12)


@settings(deadline=None, max_examples=60)
@given(names, workloads, st.sampled_from(["pvec", "dsp_qvec", "dsp_cvec", "bram_qvec"]), st.integers(1, 3))
def test_refined_more_multipliers_are_never_slower(make_target, name, workload, factor, more):
    plain = make_target(name, mode="refined")
    configuration = plain.hardware.configuration.model_dump()
    if configuration[factor] == 0 or (name == "bramac" and factor in ("pvec", "dsp_cvec")):
        return  # BRAMAC computes one row, and its channels are tied to each other
    configuration[factor] += more
    larger = make_target(name, mode="refined", configuration=configuration)
    assert larger.cost(workload).cycles.compute <= plain.cost(workload).cycles.compute


@settings(deadline=None, max_examples=60)
@given(names, workloads, st.integers(1, 8), st.integers(1, 8), st.integers(0, 7), st.integers(0, 7))
def test_refined_fewer_bits_are_never_slower(make_target, name, workload, weight, activation, fewer_w, fewer_a):
    target = make_target(name, mode="refined")
    wide = target.cost(workload, Precision(weight, activation))
    narrow = target.cost(workload, Precision(max(1, weight - fewer_w), max(1, activation - fewer_a)))
    assert narrow.cycles.compute <= wide.cycles.compute
    assert narrow.latency_ms <= wide.latency_ms * (1 + 1e-12)


@settings(deadline=None, max_examples=60)
@given(names, workloads, st.integers(0, 4), st.integers(1, 3))
def test_refined_cost_adds_over_layers_and_grows_with_the_batch(make_target, name, workload, split, more):
    target = make_target(name, mode="refined")
    parts = [target.cost(replace(workload, layers=part)) for part in (workload.layers[:split], workload.layers[split:])]
    whole = target.cost(workload).latency_ms
    assert sum(part.latency_ms for part in parts) == pytest.approx(whole)
    assert target.cost(replace(workload, batch=workload.batch + more)).latency_ms >= whole * (1 - 1e-12)


@pytest.mark.parametrize("design", DESIGNS)
def test_search_finds_the_best_that_fits(design):
    network, budget = Network.of(RESNET_LIKE), Budget(640, 1500)
    engine = Engine(DESIGNS[design], 8, 8)
    found = best_configuration(engine, network, budget)
    assert found.dsps <= 640
    assert found.filter_brams + found.stream_brams <= 1500
    configurations = SearchGrid().configurations(engine)
    every = evaluate(engine, network, configurations)
    fits = (every.dsps <= 640) & (every.filter_brams + every.stream_brams <= 1500)
    assert found.cycles == every.cycles[fits].min()


@pytest.mark.parametrize("design", ["DLA", "DP-M4L", "BRAMAC-2SA"])
def test_search_larger_budget_is_never_slower(design):
    engine, network = Engine(DESIGNS[design], 8, 8), Network.of(RESNET_LIKE)
    cycles = [
        best_configuration(engine, network, Budget(dsps, brams)).cycles
        for dsps, brams in ((400, 1200), (800, 1200), (800, 2400), (1600, 2400))
    ]
    assert cycles == sorted(cycles, reverse=True)


def test_search_budget_too_small_is_refused():
    with pytest.raises(NoConfigurationError, match="no configuration of DLA fits into 1 DSPs and 1 block RAMs"):
        best_configuration(Engine(DESIGNS["DLA"], 8, 8), Network.of(RESNET_LIKE), Budget(1, 1))


def test_search_relative_objective_needs_what_it_is_relative_to():
    engine, network = Engine(DESIGNS["DLA"], 8, 8), Network.of(RESNET_LIKE)
    with pytest.raises(ValueError, match="relative_to"):
        best_configuration(engine, network, Budget(1000, 2000), objective="speedup_per_area")


def test_search_without_any_speedup_takes_the_fastest():
    engine, network, budget = Engine(DESIGNS["DLA"], 8, 8), Network.of(RESNET_LIKE), Budget(640, 1500)
    fastest = best_configuration(engine, network, budget)
    found = best_configuration(engine, network, budget, objective="speedup_per_area", relative_to=fastest)
    assert found.cycles == fastest.cycles


def test_target_without_configuration_searches_for_each_workload(make_target):
    target = make_target(mode="refined", configuration=None)
    fixed = make_target(mode="refined")
    assert not target.is_additive
    assert target.cost(RESNET_LIKE).cycles.compute < fixed.cost(RESNET_LIKE).cycles.compute
    assert target.choose(RESNET_LIKE).dsps <= 1152
    assert target.cost(Workload(())).latency_ms == 0


@pytest.mark.parametrize(
    ("weight_bits", "activation_bits", "products"),
    [(2, 5, 8), (2, 6, 4), (4, 2, 8), (4, 3, 4), (8, 5, 4), (8, 6, 2), (8, 8, 2)],
)
def test_dsp_packing_is_the_papers(weight_bits, activation_bits, products):
    assert multipliers_per_dsp(weight_bits, activation_bits) == products


def test_operands_too_wide_are_refused(make_target):
    with pytest.raises(UnsupportedPrecisionError, match="m4bram cannot compute with 9-bit operands; it supports: 2, 4"):
        make_target().cost(RESNET_LIKE, Precision(9, 8))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mode": "figures"}, "mode: "),
        ({"design": "XL"}, "design must be one of DLA, SY-M4S"),
        ({"refinements": ["wishful"]}, "refinements"),
        ({"configuration": {"pvec": 1, "dsp_qvec": 3}}, "configuration of SY-M4L needs dsp_cvec, dsp_kvec, bram_qvec"),
        ({"configuration": {"pvec": 0}}, "configuration.pvec: .*greater than or equal to 1"),
        ({"dsp_budget": 0}, "dsp_budget: "),
        ({"memory_bandwidth_gb_per_s": 0.0}, "memory_bandwidth_gb_per_s: "),
    ],
)
def test_hardware_senseless_description_is_refused_with_the_key(changes, reason):
    with pytest.raises(InvalidHardwareError, match=reason):
        parse_hardware({**load_hardware("m4bram").model_dump(), **changes})


@pytest.mark.parametrize("name", NAMES)
def test_whole_nb201_is_costed_at_once(name, make_target):
    space = Nb201()
    architectures = list(space.enumerate())
    target = make_target(name, mode="refined")
    costs = segment_costs(target, space, architectures)
    assert costs.latency_ms.shape == (15_625,)
    some = np.random.default_rng(0).integers(0, 15_625, 3)
    expected = [target.cost(space.workload(architectures[index])).latency_ms for index in some]
    np.testing.assert_allclose(costs.latency_ms[some], expected, rtol=1e-9)

"""The configuration search of the M4BRAM family, and what it makes of precisions and descriptions."""

import pytest

from spaces import get_space
from spaces.base import Layer, Workload
from targets import (
    InvalidHardwareError,
    M4bram,
    Precision,
    UnsupportedPrecisionError,
    build_target,
    load_hardware,
    parse_hardware,
    vary_hardware,
)
from targets.m4bram import DESIGNS, Budget, Engine, Network, SearchGrid, best_configuration, evaluate, sweep
from targets.m4bram.design import multipliers_per_dsp
from targets.m4bram.hardware import M4bramHardware
from targets.m4bram.rules import broken_rules
from targets.m4bram.search import NoConfigurationError

RESNET_LIKE = Workload(
    (
        Layer("stem", "conv", 3, 64, 224, 224, 112, 112, kernel=7, stride=2),
        Layer("conv", "conv", 64, 64, 56, 56, 56, 56, kernel=3),
        Layer("down", "conv", 64, 128, 56, 56, 28, 28, kernel=3, stride=2),
        Layer("add", "add", 128, 128, 28, 28, 28, 28, inputs=2),
        Layer("fc", "linear", 128, 1000),
    )
)


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


def test_hardware_narrow_operands_take_fewer_dsps_of_the_budget():
    narrow = {"native_weight_bits": 2, "native_activation_bits": 4, "dsp_budget": 300, "weight_format": None}
    assert parse_hardware({**load_hardware("m4bram").model_dump(), **narrow})


def test_vary_hardware_another_budget_has_the_configuration_searched_for():
    description = load_hardware("m4bram").model_dump()
    cycles = []
    for dsps in (300, 600, 2000):
        hardware = vary_hardware(description, {"dsp_budget": dsps})
        assert isinstance(hardware, M4bramHardware)
        assert hardware.configuration is None
        found = build_target(hardware).cost(RESNET_LIKE).cycles
        assert found is not None
        cycles.append(found.total)
    assert cycles == sorted(set(cycles), reverse=True)
    fixed, catalogue = (
        vary_hardware(description, {"dsp_budget": 2000, "configuration.pvec": 1}),
        load_hardware("m4bram"),
    )
    assert isinstance(fixed, M4bramHardware)
    assert isinstance(catalogue, M4bramHardware)
    assert fixed.configuration == catalogue.configuration


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mode": "figures"}, "mode: "),
        ({"design": "XL"}, "design must be one of DLA, SY-M4S"),
        ({"refinements": ["wishful"]}, "refinements"),
        ({"configuration": {"pvec": 1, "dsp_qvec": 3}}, "configuration of SY-M4L needs dsp_cvec, dsp_kvec, bram_qvec"),
        ({"configuration": {"pvec": 0}}, "configuration.pvec: .*greater than or equal to 1"),
        ({"dsp_budget": 0}, "dsp_budget: "),
        ({"dsp_budget": 1151}, "the configuration takes 1152 DSPs, dsp_budget is 1151; configuration null"),
        ({"bram_budget": 1535}, "takes 1536 block RAMs for weights, bram_budget is 1535"),
        ({"dsp_budget": 10_000, "bram_budget": 10_000, "rvec": 17}, "needs dsp_cvec \\* rvec of at most 64"),
        ({"memory_bandwidth_gb_per_s": 0.0}, "memory_bandwidth_gb_per_s: "),
    ],
)
def test_hardware_senseless_description_is_refused_with_the_key(changes, reason):
    with pytest.raises(InvalidHardwareError, match=reason):
        parse_hardware({**load_hardware("m4bram").model_dump(), **changes})


@pytest.mark.parametrize(("bits", "cycles", "bram_cvec"), [(2, 181_784, 16), (4, 224_954, 24), (8, None, 40)])
def test_bramac_channels_of_block_rams_follow_the_iterations(bits, cycles, bram_cvec):
    space = get_space("nb201")
    workload = space.workload(space.parse([4, 3, 2, 1, 3, 3]))
    target = build_target(load_hardware("bramac"))
    assert isinstance(target, M4bram)
    found = target.cost(workload, Precision(bits, bits)).cycles
    assert found is not None
    assert target.choose(workload, Precision(bits, bits)).configuration.bram_cvec == bram_cvec
    swept = sweep(target, workload, {}, Precision(bits, bits))
    assert swept.cycles.tolist() == [found.total]
    assert cycles in (None, found.total)


def test_vary_hardware_another_design_has_the_configuration_searched_for():
    hardware = vary_hardware(load_hardware("m4bram").model_dump(), {"design": "DP-M4S"})
    assert isinstance(hardware, M4bramHardware)
    assert hardware.configuration is None


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("design", DESIGNS)
def test_rules_hold_for_all_that_the_search_tries(design, bits):
    engine = Engine(DESIGNS[design], bits, bits)
    configurations = SearchGrid().configurations(engine)
    for index in range(0, len(configurations), max(1, len(configurations) // 50)):
        assert broken_rules(engine, configurations[index]) == []


@pytest.mark.parametrize("factor", ["pvec", "bram_qvec", "bram_cvec", "bram_kvec"])
def test_hardware_bramac_factors_that_do_not_follow_are_refused(factor):
    description = load_hardware("bramac").model_dump()
    changed = {**description["configuration"], factor: 3}
    with pytest.raises(InvalidHardwareError, match=f"configuration of BRAMAC-2SA needs {factor} "):
        parse_hardware({**description, "dsp_budget": 10_000, "configuration": changed})

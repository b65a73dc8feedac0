"""Groups of layers at precisions of their own on one piece of hardware."""

import numpy as np
import pytest

from spaces.layer_groups import layers_of
from spaces.nb201 import Nb201
from targets import (
    MixedPrecision,
    NotAdditiveError,
    Precision,
    build_target,
    catalogue_description,
    segment_costs,
    vary_hardware,
)

SPACE = Nb201()
SAMPLES = SPACE.sample(4, rng=np.random.default_rng(0))
ENDS = frozenset({"stem", "head"})
MODELS = pytest.mark.parametrize("name", ["bitmod-lossy", "bitvert-moderate", "m4bram", "roofline-edge-npu"])


def at(name, weight_bits, activation_bits=8, **changes):
    widths = {"native_weight_bits": weight_bits, "native_activation_bits": activation_bits}
    return build_target(vary_hardware(catalogue_description(name), {**widths, **changes}))


@MODELS
def test_cost_of_groups_alike_is_that_of_the_whole(name):
    mixed = MixedPrecision.of({ENDS: at(name, 4), frozenset({"stage1"}): at(name, 4)}, at(name, 4))
    for architecture in SAMPLES:
        workload = SPACE.workload(architecture)
        whole, found = at(name, 4).cost(workload), mixed.cost(workload)
        assert found.layers == whole.layers
        assert found.latency_ms == pytest.approx(whole.latency_ms)
        assert (found.energy_mj, found.area_mm2) == (pytest.approx(whole.energy_mj), whole.area_mm2)
        assert found.energy_uj == pytest.approx(whole.energy_uj)


@MODELS
def test_cost_each_layer_runs_at_its_groups_precision(name):
    mixed = MixedPrecision.of({ENDS: at(name, 8)}, at(name, 2))
    workload = SPACE.workload(SAMPLES[0])
    found = mixed.cost(workload).layers
    assert [row.name for row in found] == [layer.name for layer in workload.layers]
    wide, narrow = at(name, 8).cost(workload).layers, at(name, 2).cost(workload).layers
    inside = {layer.name for layer in layers_of(workload.layers, ENDS)}
    for row, eight, two in zip(found, wide, narrow, strict=True):
        assert row.latency_ms == (eight if row.name in inside else two).latency_ms
    assert 0 < len(inside) < len(found)
    cycles = mixed.cost(workload).cycles
    assert cycles is None or cycles.total > 0


@MODELS
def test_segment_costs_of_a_space_are_those_of_each_network(name):
    mixed = MixedPrecision.of({ENDS: at(name, 8)}, at(name, 2))
    costs = segment_costs(mixed, SPACE, SAMPLES)
    expected = [mixed.cost(SPACE.workload(each)) for each in SAMPLES]
    assert costs.latency_ms.tolist() == pytest.approx([each.latency_ms for each in expected])
    if costs.energy_mj is not None:
        assert costs.energy_mj.tolist() == pytest.approx([each.energy_mj for each in expected])


@pytest.mark.parametrize("mode", ["published", "refined"])
def test_bitmod_buffers_have_the_ports_of_the_widest_group(mode):
    mixed = MixedPrecision.of({ENDS: at("bitmod-lossy", 8, mode=mode)}, at("bitmod-lossy", 3, mode=mode))
    workload = SPACE.workload(SAMPLES[0])
    wide, narrow = at("bitmod-lossy", 8, mode=mode), at("bitmod-lossy", 3, mode=mode)
    areas = [each.cost(workload).area_mm2 or 0.0 for each in (narrow, wide, mixed)]
    assert 0 < areas[0] < areas[1] == areas[2]
    rows = zip(workload.layers, mixed.cost(workload).layers, narrow.cost(workload).layers, strict=True)
    reads = [
        (row.energy_uj["sram_rd"], alone.energy_uj["sram_rd"])
        for layer, row, alone in rows
        if layer.kind == "conv" and not layers_of([layer], ENDS)
    ]
    assert reads
    if mode == "published":  # whole ports are read, and theirs are wider than the layer's own width asks for
        assert all(row > alone for row, alone in reads)


def test_widths_that_no_layer_has_do_not_count():
    everything = frozenset(SPACE.layer_groups)
    mixed = MixedPrecision.of({everything: at("bitmod-lossy", 3)}, None)
    workload = SPACE.workload(SAMPLES[0])
    assert mixed.cost(workload).area_mm2 == at("bitmod-lossy", 3).cost(workload).area_mm2


def test_precision_is_that_of_the_rest():
    mixed = MixedPrecision.of({ENDS: at("bitmod-lossy", 8)}, at("bitmod-lossy", 4))
    workload = SPACE.workload(SAMPLES[0])
    found = mixed.cost(workload, Precision(8, 8))
    assert found.latency_ms == pytest.approx(at("bitmod-lossy", 8).cost(workload).latency_ms)


def test_hardware_whose_costs_do_not_add_is_refused():
    with pytest.raises(NotAdditiveError, match="do not add over layers"):
        MixedPrecision.of({ENDS: at("bitvert-moderate", 8, mode="published")}, at("bitvert-moderate", 4))

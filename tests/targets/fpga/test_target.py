"""Networks on FPGA parts: what fits, in which forms, and how long it takes."""

from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from pydantic import ValidationError

from spaces import SPACES
from spaces.base import Layer, Workload
from targets import NotFittingError, Precision, UnsupportedPrecisionError, load_hardware, load_target, segment_costs
from targets.fpga.clock import path_ns
from targets.fpga.errors import OutsideModelRangeError
from targets.fpga.forms import Form, forms
from targets.fpga.hardware import FpgaHardware
from targets.fpga.ladders import MOST_ROWS, PACES, PRICES, RESOURCES
from targets.fpga.options import Options
from targets.fpga.predict import predict
from targets.fpga.primitives import Conv2dFullyUnrolled, Conv2dPixelWise, Conv2dRowParallel
from targets.fpga.target import FpgaUnrolled
from targets.fpga.units import load_unit_costs

PARTS = ("fpga_unrolled", "fpga-xc7z020", "fpga-zu9eg", "fpga-ice40-hx8k")
NB201 = SPACES["nb201"]
CELLS = NB201.sample(3, rng=np.random.default_rng(1))
CONV = Layer("conv", "conv", 3, 8, 8, 8, 8, 8, 3, 1)
RELU = Layer("relu", "activation", 8, 8, 8, 8, 8, 8)
SMALL = Workload((CONV, RELU, Layer("fc", "linear", 512, 10)))


def part(**changes: object) -> FpgaUnrolled:
    hardware = load_hardware("fpga_unrolled")
    assert isinstance(hardware, FpgaHardware)
    return FpgaUnrolled(hardware.model_copy(update=changes))


@pytest.mark.parametrize("name", PARTS)
def test_every_part_runs_a_small_network_within_its_cells(name: str):
    target = load_target(name)
    cost = target.cost(SMALL)
    hardware = load_hardware(name)
    assert isinstance(hardware, FpgaHardware)
    for resource in ("luts", "flip_flops", "dsps", "memory_kilobits"):
        assert cost.resources[resource] <= hardware.usable_share * getattr(hardware, resource)
        assert cost.resources[resource] == pytest.approx(sum(float(row.details[resource]) for row in cost.layers))
    assert cost.latency_ms == pytest.approx(sum(row.latency_ms for row in cost.layers))
    assert cost.latency_ms > 0
    assert cost.resources["samples_per_second"] == pytest.approx(
        1e9 * cost.resources["clock_ghz"] / cost.resources["initiation_interval_cycles"]
    )
    assert cost.cycles is not None
    assert cost.latency_ms == pytest.approx(cost.cycles.total / (1e6 * cost.resources["clock_ghz"]))


def test_unrolled_forms_have_the_primitives_cycles():
    hardware = load_hardware("fpga_unrolled")
    assert isinstance(hardware, FpgaHardware)
    found = {form.name: form.cycles for form in forms(CONV, hardware, 4, 4)}
    padded = 10
    assert found["unrolled"] == Conv2dFullyUnrolled(padded, padded, 3, 3, 8).initiation_interval
    assert found["row-parallel"] == Conv2dRowParallel(padded, padded, 3, 3, 8).initiation_interval
    assert found["pixel-wise"] == Conv2dPixelWise(padded, padded, 3, 3, 8).initiation_interval
    strided = replace(CONV, stride=2, out_height=4, out_width=4)
    names = {form.name: form.cycles for form in forms(strided, hardware, 4, 4)}
    assert "row-parallel" not in names
    assert names["pixel-wise"] == Conv2dPixelWise(9, 9, 3, 3, 8, 2).initiation_interval


def _pace(target: FpgaUnrolled, workload: Workload) -> float:
    try:
        return target.cost(workload).resources["initiation_interval_cycles"]
    except NotFittingError:
        return np.inf


@pytest.mark.parametrize("resource", ["luts", "dsps", "memory_kilobits", "flip_flops"])
def test_larger_part_is_never_slower(resource: str):
    workload = NB201.workload(CELLS[0])
    paces = []
    for share in (0.25, 0.5, 1.0, 2.0, 8.0):
        target = part(**{resource: int(share * getattr(load_hardware("fpga_unrolled"), resource))})
        paces.append(_pace(target, workload))
    assert paces == sorted(paces, reverse=True)
    assert np.isfinite(paces[-1])


def test_sparser_and_narrower_networks_are_no_slower():
    workload = NB201.workload(CELLS[0])
    by_sparsity = [_pace(part(sparsity=share), workload) for share in (0.0, 0.5, 0.9)]
    assert by_sparsity == sorted(by_sparsity, reverse=True)
    by_bits = [part().cost(workload, Precision(bits, bits)).latency_ms for bits in (2, 4, 8)]
    assert by_bits == sorted(by_bits)


def test_batch_follows_at_the_pace_of_the_slowest_layer():
    target = part()
    one, five = target.cost(SMALL), target.cost(replace(SMALL, batch=5))
    more = 4 * one.resources["initiation_interval_cycles"] / (1e6 * one.resources["clock_ghz"])
    assert five.latency_ms == pytest.approx(one.latency_ms + more)


def test_last_result_comes_after_the_slowest_layer_has_had_its_input():
    for cell in CELLS:
        cost = part().cost(NB201.workload(cell))
        assert cost.cycles is not None
        assert cost.cycles.total > cost.resources["initiation_interval_cycles"]


def test_depthwise_and_grouped_layers_pay_for_their_own_channels_alone():
    hardware = load_hardware("fpga_unrolled")
    assert isinstance(hardware, FpgaHardware)

    def luts(groups: int) -> float:
        layer = Layer("conv", "conv", 32, 32, 8, 8, 8, 8, 3, 1, groups)
        return next(f.luts for f in forms(layer, hardware, 4, 4) if f.name == "pixel-wise")

    assert luts(32) < luts(4) / 6 < luts(1) / 20


def test_products_of_activations_are_folded():
    hardware = load_hardware("fpga_unrolled")
    assert isinstance(hardware, FpgaHardware)
    layer = Layer("scores", "matmul", 64, 16, in_width=16, out_width=16)
    assert {form.name for form in forms(layer, hardware, 8, 8)} == {"folded"}


def test_what_fits_nowhere_is_refused_or_counted_as_missing():
    target = load_target("fpga-ice40-hx8k")
    with pytest.raises(NotFittingError, match="memory_kilobits") as caught:
        target.cost(NB201.workload(CELLS[0]))
    assert caught.value.needed > caught.value.available
    assert "takes at least" in str(caught.value)
    assert "102 of the 128 of fpga-ice40-hx8k are usable" in str(caught.value)
    with pytest.raises(NotFittingError):
        segment_costs(target, NB201, CELLS)
    costs = segment_costs(target, NB201, CELLS, is_partial=True)
    assert np.isnan(costs.latency_ms).all()
    assert costs.luts is not None


def test_spaces_are_costed_as_their_networks():
    costs = segment_costs(load_target("fpga_unrolled"), NB201, CELLS)
    whole = [load_target("fpga_unrolled").cost(NB201.workload(cell)) for cell in CELLS]
    assert costs.luts is not None
    np.testing.assert_allclose(costs.latency_ms, [cost.latency_ms for cost in whole], rtol=1e-12)
    np.testing.assert_allclose(costs.luts, [cost.resources["luts"] for cost in whole], rtol=1e-12)


def _plain_choice(target: FpgaUnrolled, workload: Workload) -> tuple[float, float]:
    """Pace and LUTs, one form and one pace after the other."""
    hardware = target.hardware
    usable = {name: hardware.usable_share * getattr(hardware, name) for name in RESOURCES}
    alike = Counter(replace(layer, name="") for layer in workload.layers)
    of_layer = [forms(layer, hardware, 4, 4) for layer in alike]
    every = [form for each in of_layer for form in each]
    luts_per_dsp = max(form.luts_per_dsp for form in every)
    flip_flops_per_dsp = max(form.flip_flops_per_dsp for form in every)
    found: list[tuple[float, float, float]] = []
    for most_rows, (flip_flop, share, memory, power) in product(MOST_ROWS, PRICES):
        slowest_ns = max(path_ns(hardware, form.rows, form.chain_bits) for form in every if form.rows <= most_rows)
        period_ns = max(slowest_ns, 1 / hardware.max_clock_ghz)

        def price(form: Form) -> float:
            of_dsp = share * (form.luts_per_dsp + flip_flop * form.flip_flops_per_dsp)  # noqa: B023
            of_memory = memory * 1000 * (form.memory_kilobits / 1000) ** power  # noqa: B023
            return form.luts + flip_flop * form.flip_flops + of_dsp * form.dsps + of_memory  # noqa: B023

        for pace in PACES[:100]:
            if found and pace * period_ns > min(found)[0]:
                break
            kept = [[form for form in each if form.cycles <= pace and form.rows <= most_rows] for each in of_layer]
            if not all(kept):
                continue
            chosen = [min(sorted(each, key=lambda form: form.cycles), key=price) for each in kept]
            taken = {
                name: sum(many * getattr(form, name) for many, form in zip(alike.values(), chosen, strict=True))
                for name in RESOURCES
            }
            surplus = max(np.ceil(taken["dsps"] - usable["dsps"]), 0)
            taken["luts"] += surplus * luts_per_dsp
            taken["flip_flops"] += surplus * flip_flops_per_dsp
            taken["dsps"] -= surplus
            if all(taken[name] <= usable[name] for name in RESOURCES):
                found.append((pace * period_ns, taken["luts"], max(form.cycles for form in chosen)))
                break
    _, luts, pace = min(found)
    return pace, luts


@pytest.mark.parametrize(
    "changes", [{}, {"sparsity": 0.9}, {"luts": 200_000}, {"dsps": 0, "sparsity": 0.8}, {"dsps": 300, "luts": 90_000}]
)
def test_batches_are_costed_as_trying_each_form_at_each_pace_would(changes: dict[str, object]):
    target = part(**changes)
    workloads = [NB201.workload(cell) for cell in CELLS]
    costs = target.cost_arrays(workloads)
    single = [target.cost(workload) for workload in workloads]
    np.testing.assert_allclose(costs.latency_ms, [cost.latency_ms for cost in single], rtol=1e-12)
    assert costs.luts is not None
    assert costs.is_extrapolated is not None
    assert costs.is_extrapolated.tolist() == [bool(cost.warnings) for cost in single]
    for workload, cost, luts in zip(workloads, single, costs.luts, strict=True):
        pace, plain = _plain_choice(target, workload)
        assert cost.resources["initiation_interval_cycles"] == pace
        assert luts == pytest.approx(plain)


def test_folded_layers_have_luts_in_place_of_the_dsps_that_are_missing():
    workload = NB201.workload(CELLS[0])
    wide = Precision(8, 8)
    costs = [part(dsps=dsps, luts=40_000).cost(workload, wide) for dsps in (0, 400, 1518)]
    assert costs[0].resources["dsps"] == 0 < costs[1].resources["dsps"] <= 320
    paces = [cost.resources["initiation_interval_cycles"] for cost in costs]
    assert paces[0] > paces[1] > paces[2]
    details = [row.details for row in costs[1].layers if row.details["form"] == "folded"]
    assert any(row["dsps"] for row in details)
    assert any(row["luts"] for row in details)
    for cost in costs:
        for name in RESOURCES:
            assert cost.resources[name] == pytest.approx(sum(float(row.details[name]) for row in cost.layers))


def test_sparser_and_narrower_networks_are_no_slower_on_any_part_of_the_catalogue():
    workload = SPACES["nb301"].workload(SPACES["nb301"].sample(1, rng=np.random.default_rng(4))[0])
    hardware = load_hardware("fpga-zu9eg")
    assert isinstance(hardware, FpgaHardware)
    shares = (0.0, 0.5, 0.8, 0.9, 0.97, 0.99)
    paces = [_pace(FpgaUnrolled(hardware.model_copy(update={"sparsity": share})), workload) for share in shares]
    assert paces == sorted(paces, reverse=True)
    assert np.isfinite(paces).all()


def test_default_is_the_quickest_in_time_and_not_in_cycles_alone():
    # Unrolled layers with rows of adders take fewer cycles at half the clock.
    for space, bits in (("nb201", 4), ("nb301", 8)):
        workload = SPACES[space].workload(SPACES[space].sample(1, rng=np.random.default_rng(2))[0])
        precision = Precision(bits, bits)
        quickest = part(sparsity=0.9).cost(workload, precision).resources
        for factor in (1.2, 1.5, 2, 4):
            wanted = int(factor * quickest["initiation_interval_cycles"])
            slower = part(sparsity=0.9, wanted_interval_cycles=wanted).cost(workload, precision).resources
            assert slower["samples_per_second"] <= quickest["samples_per_second"] * (1 + 1e-9)
            assert slower["initiation_interval_cycles"] <= wanted


def test_wanted_pace_is_met_to_the_cycle():
    wanted = 640  # of the last layer in eight units; the next pace of the series below is 608
    resources = part(wanted_interval_cycles=wanted).cost(SMALL).resources
    assert resources["initiation_interval_cycles"] == wanted


def test_unrolled_layers_take_what_the_model_of_areas_tells_of_their_primitive():
    hardware = part().hardware
    layer = Layer("conv", "conv", 4, 16, 6, 6, 6, 6, 3, 1)
    form = next(form for form in forms(layer, hardware, 4, 4) if form.name == "pixel-wise")
    told = predict(Conv2dPixelWise(8, 8, 4, 3, 16), Options(4, 4), "lut5", sparsity=hardware.sparsity)
    assert form.luts == pytest.approx(told.luts.value, rel=0.02)
    assert form.luts_upper == pytest.approx(told.luts.upper, rel=0.02)
    assert form.flip_flops == pytest.approx(told.flip_flops.value, rel=0.02)


def test_pace_that_suffices_takes_fewer_cells():
    workload = NB201.workload(CELLS[0])
    quickest = part().cost(workload)
    luts = [quickest.resources["luts"]]
    for wanted in (20_000, 100_000, 1_000_000):
        cost = part(wanted_interval_cycles=wanted).cost(workload)
        assert quickest.resources["initiation_interval_cycles"] < cost.resources["initiation_interval_cycles"] <= wanted
        luts.append(cost.resources["luts"])
    assert luts == sorted(luts, reverse=True)
    assert luts[-1] < luts[0] / 10
    assert _pace(part(wanted_interval_cycles=1), workload) == _pace(part(), workload)


def test_folded_units_take_what_synthesis_counted_for_the_family():
    hardware = part().hardware
    layer = Layer("fc", "linear", 64, 10)
    for flow, lut_size in (("generic", 4), ("generic", 6), ("ice40", 4), ("ice40", 6)):
        changed = hardware.model_copy(update={"flow": flow, "lut_size": lut_size, "dsps": 0})
        single = next(form for form in forms(layer, changed, 8, 8) if form.cycles == 640)
        own = "ice40" if (flow, lut_size) == ("ice40", 4) else f"lut{lut_size}"
        assert single.luts == load_unit_costs()[own].multiply_accumulate(8, 8, 8 + 8 + 6)


def test_slowest_path_of_any_layer_sets_the_clock():
    narrow, wide = Workload((CONV,)), Workload((CONV, Layer("fc", "linear", 512, 4000)))
    target = part(max_clock_ghz=5.0)
    clocks = []
    for workload, bits in ((narrow, 2), (narrow, 8), (wide, 8)):
        cost = target.cost(workload, Precision(bits, bits))
        found = forms(workload.layers[0], target.hardware, bits, bits)
        assert {form.rows for form in found if form.name == "folded"} == {0.0}
        resources = cost.resources
        assert resources["clock_ghz_lower"] < resources["clock_ghz"] < resources["clock_ghz_upper"]
        clocks.append(resources["clock_ghz"])
        only = target.cost_arrays([workload], Precision(bits, bits))
        assert only.latency_ms[0] == pytest.approx(cost.latency_ms)
    assert clocks[0] > clocks[1]
    unrolled = next(form for form in forms(CONV, target.hardware, 8, 8) if form.name == "pixel-wise")
    assert unrolled.rows > 0  # products of several digits are summed before a register
    assert clocks[1] == pytest.approx(1 / path_ns(target.hardware, unrolled.rows, unrolled.chain_bits))


def test_branches_of_a_network_run_at_the_same_time():
    target = part()
    for cell in CELLS:
        branched = NB201.workload(cell)
        chained = target.cost(replace(branched, reads=()))
        cost = target.cost(branched)
        assert cost.latency_ms < chained.latency_ms
        assert cost.resources == chained.resources
        assert sum(row.latency_ms for row in cost.layers) == pytest.approx(cost.latency_ms)


LONG = Layer("long", "conv", 64, 8, 8, 8, 8, 8, 3, 1)


def test_cells_beyond_the_synthesised_ones_are_marked_and_told():
    cost = part().cost(Workload((CONV, LONG)))
    assert [row.details["extrapolated"] for row in cost.layers] == [False, True]
    (warning,) = cost.warnings
    assert "long" in warning
    assert "levels" in warning
    assert "conv" not in warning.split("(")[1].split(")")[0].replace("long", "")
    assert cost.resources["luts_lower"] < cost.resources["luts"] < cost.resources["luts_upper"]
    assert not part().cost(Workload((CONV,))).warnings
    (widths,) = part().cost(Workload((CONV,)), Precision(10, 4)).warnings
    assert "weight_bits 10 where 2 to 8" in widths


def test_extrapolation_that_is_forbidden_is_refused_by_the_name_of_the_layer():
    target = part(extrapolates=False)
    with pytest.raises(OutsideModelRangeError, match="'long'") as caught:
        target.cost(Workload((CONV, LONG)))
    assert (caught.value.layer, caught.value.name) == ("long", "nonzeros")
    assert caught.value.value > caught.value.bounds[1]
    assert target.cost(Workload((CONV,))).latency_ms == part().cost(Workload((CONV,))).latency_ms
    costs = target.cost_arrays([Workload((CONV,)), Workload((CONV, LONG))])
    assert np.isfinite(costs.latency_ms).tolist() == [True, False]
    assert costs.is_extrapolated is not None
    assert not costs.is_extrapolated.any()


def test_nothing_takes_nothing_and_wide_operands_are_refused():
    cost = part().cost(Workload(()))
    assert (cost.latency_ms, cost.resources["luts"]) == (0, 0)
    for bits in (32, 3.5):
        with pytest.raises(UnsupportedPrecisionError):
            part().cost(SMALL, Precision(bits, 4))
    with pytest.raises(ValidationError, match="integers"):
        FpgaHardware.model_validate({**part().hardware.model_dump(), "weight_format": "bitmod4"})

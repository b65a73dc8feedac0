"""Predictions of layers that nobody synthesised, against circuits and routed clocks."""

from dataclasses import dataclass

import numpy as np
import pytest

from targets import load_hardware
from targets.fpga.area import Estimate, load_area_model
from targets.fpga.area_fit import Sample
from targets.fpga.errors import InvalidCircuitError, OutsideModelRangeError
from targets.fpga.hardware import FpgaHardware
from targets.fpga.options import Options
from targets.fpga.predict import ICE40_MAX_CLOCK_GHZ, predict
from targets.fpga.primitives import PRIMITIVES, GemmSystolic, GemmTreeFullyUnrolled
from targets.fpga.verilog import generate
from targets.fpga.weights import seeded_weights

SIZES = {
    "gemmt-fu": (2, 9, 3),
    "gemmt-rp": (3, 9, 3),
    "gemms-rp": (4, 8, 3),
    "conv1d-fu": (8, 2, 3, 2),
    "conv1d-pw": (9, 2, 3, 2, 2),
    "conv2d-fu": (4, 4, 2, 3, 2),
    "conv2d-rp": (5, 6, 2, 3, 2),
    "conv2d-pw": (7, 6, 2, 3, 2, 2),
}


@dataclass(frozen=True)
class Part:
    logic_ns: float
    carry_ns_per_bit: float
    max_clock_ghz: float


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("sparsity", [0.0, 0.7])
def test_latency_is_exactly_that_of_the_circuit(name: str, sparsity: float):
    layer = PRIMITIVES[name](*SIZES[name])
    weights = seeded_weights(layer.weight_shape, bits=3, sparsity=sparsity, rng=np.random.default_rng(1))
    for pipelined in (True, False):
        options = Options(3, 3, pipelined=pipelined)
        if name == "gemms-rp" and not pipelined:
            continue
        told = predict(layer, options, weights=weights, extrapolate=True)
        assert told.latency_cycles == generate(layer, weights, options).latency_cycles
        assert told.initiation_interval == layer.initiation_interval
        assert (told.fmax_mhz is None) != pipelined


@pytest.mark.parametrize("name", SIZES)
def test_sparsity_alone_gives_about_what_weights_give(name: str):
    layer, options = PRIMITIVES[name](*SIZES[name]), Options(4, 4)
    seeds = [np.random.default_rng(seed) for seed in range(4)]
    known = [
        predict(
            layer,
            options,
            weights=seeded_weights(layer.weight_shape, bits=4, sparsity=0.5, rng=rng),
            extrapolate=True,
        )
        for rng in seeds
    ]
    unknown = predict(layer, options, sparsity=0.5, extrapolate=True)
    assert unknown.luts.value == pytest.approx(np.mean([each.luts.value for each in known]), rel=0.25)
    assert unknown.flip_flops.value == pytest.approx(np.mean([each.flip_flops.value for each in known]), rel=0.25)
    assert unknown.luts.upper / unknown.luts.value > known[0].luts.upper / known[0].luts.value
    assert unknown.latency_cycles >= max(each.latency_cycles for each in known)


def test_clock_of_routed_circuits_lies_in_its_interval_about_as_often_as_it_says(routed: list[Sample]):
    held, errors = [], []
    for one in routed:
        weights = seeded_weights(
            one.layer.weight_shape,
            bits=one.options.weight_bits,
            sparsity=one.sparsity,
            rng=np.random.default_rng(one.seed),
        )
        clock = predict(one.layer, one.options, weights=weights, extrapolate=True).fmax_mhz
        if clock is not None:
            routed_mhz = min(one.found["fmax_mhz"], 1e3 * ICE40_MAX_CLOCK_GHZ)
            held.append(clock.lower <= routed_mhz <= clock.upper)
            errors.append(clock.value / routed_mhz - 1)
    assert len(held) > 30
    assert np.mean(held) > 0.85
    assert np.median(np.abs(errors)) < 0.12
    assert abs(np.median(errors)) < 0.06


def test_clock_falls_with_width_and_ends_at_the_clock_network_of_the_part():
    layer, part = GemmTreeFullyUnrolled(1, 16, 2), Part(1.2, 0.05, 0.7)
    weights = {bits: np.full((16, 2), (1 << (bits - 1)) - 3) for bits in (4, 8)}
    narrow, wide = (
        predict(layer, Options(bits, bits), weights=weights[bits], part=part, extrapolate=True).fmax_mhz
        for bits in (4, 8)
    )
    assert narrow is not None
    assert wide is not None
    assert 700 > narrow.value > wide.value > 100
    assert narrow.lower < narrow.value < narrow.upper <= 700
    capped = predict(layer, Options(4, 4), part=Part(0.1, 0.01, 0.7)).fmax_mhz
    assert capped == Estimate(700, 700, 700)


def test_clock_without_a_part_ends_where_that_of_the_routed_one_does():
    part = load_hardware("fpga-ice40-hx8k")
    assert isinstance(part, FpgaHardware)
    assert part.max_clock_ghz == ICE40_MAX_CLOCK_GHZ
    fast = predict(GemmTreeFullyUnrolled(1, 2, 1), Options(2, 2), weights=np.array([[1], [0]]), extrapolate=True)
    slow = predict(GemmTreeFullyUnrolled(1, 64, 2), Options(8, 8))
    assert fast.fmax_mhz is not None
    assert slow.fmax_mhz is not None
    assert (fast.fmax_mhz.value, fast.fmax_mhz.upper) == (275, 275)
    assert slow.fmax_mhz.lower < slow.fmax_mhz.value < slow.fmax_mhz.upper <= 275


def test_levels_fall_with_larger_luts_and_registers():
    layer = GemmTreeFullyUnrolled(1, 16, 2)
    levels = [predict(layer, Options(4, 4), flow).levels.value for flow in ("lut4", "lut5", "lut6")]
    assert levels[0] > levels[1] > levels[2] > 1
    assert predict(layer, Options(4, 4, pipelined=False), "lut6").levels.value > levels[2]


def test_what_the_model_does_not_know_is_refused_or_marked():
    layer = GemmTreeFullyUnrolled(1, 4096, 4)
    with pytest.raises(OutsideModelRangeError):
        predict(layer, Options(4, 4), sparsity=0.5)
    assert predict(layer, Options(4, 4), sparsity=0.9, extrapolate=True).is_extrapolated
    assert not predict(GemmTreeFullyUnrolled(1, 16, 2), Options(4, 4)).is_extrapolated
    with pytest.raises(InvalidCircuitError, match="flow"):
        predict(layer, Options(4, 4), "asic")
    for sparsity in (-0.1, 1.1, float("nan")):
        with pytest.raises(InvalidCircuitError, match="sparsity"):
            predict(layer, Options(4, 4), sparsity=sparsity)
    with pytest.raises(InvalidCircuitError, match="pipelined"):
        predict(GemmSystolic(2, 4, 3), Options(4, 4, pipelined=False))
    with pytest.raises(InvalidCircuitError, match="shape"):
        predict(layer, Options(4, 4), weights=np.ones((2, 2), np.int64))


def test_a_layer_of_zeros_has_no_clock_and_no_luts():
    told = predict(GemmTreeFullyUnrolled(1, 8, 2), Options(4, 4), weights=np.zeros((8, 2), np.int64), extrapolate=True)
    assert told.fmax_mhz is None
    assert (told.luts.value, told.flip_flops.value, told.levels.value) == (0, 0, 0)


def test_systolic_arrays_are_predicted_like_the_others():
    errors = load_area_model().provenance["errors"]["lut6"]
    assert errors["primitives"]["median"] < 0.07
    dense = predict(GemmSystolic(4, 8, 4), Options(4, 4), sparsity=0.0)
    sparse = predict(GemmSystolic(4, 8, 4), Options(4, 4), sparsity=0.8, extrapolate=True)
    assert dense.luts.value > 2 * sparse.luts.value
    # Registers between cells stay.
    assert dense.flip_flops.value < 3 * sparse.flip_flops.value

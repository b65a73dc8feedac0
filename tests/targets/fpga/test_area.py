"""The fitted model of areas against what was synthesised, and where it refuses."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targets.fpga.area import load_area_model, model_from_json, model_to_json, window_values
from targets.fpga.area_fit import Sample, fit_area_model, samples_digest
from targets.fpga.counts import LUT_SIZES, layer_features, sum_features
from targets.fpga.errors import InvalidCircuitError, OutsideModelRangeError
from targets.fpga.features import expected_features
from targets.fpga.options import Encoding, Options
from targets.fpga.primitives import Conv2dFullyUnrolled, Conv2dPixelWise, Conv2dRowParallel, GemmTreeFullyUnrolled
from targets.fpga.weights import csd_digits, popcount
from tests.targets.fpga.conftest import FOLDER

MODEL = load_area_model()


def test_zero_weights_cost_nothing():
    dense = np.array([[3, -5, 7, 1]])
    spread = np.array([[3, 0, -5, 0, 0, 7, 1, 0]])
    assert sum_features(dense, Options()) == sum_features(spread, Options())
    nothing = sum_features(np.zeros((2, 5), np.int64), Options())
    assert (nothing.register_bits, nothing.nonzeros, nothing.chain_path.chain_bits) == (0, 0, 0)
    assert [each.value for each in MODEL.area(nothing, Options(), 6, 0.0, extrapolate=True)] == [0, 0]


def test_copies_of_a_tree_are_counted_as_often_as_they_stand_there():
    weights = np.array([[3, -2], [1, 5], [0, 7]])  # (n, p)
    once = layer_features(GemmTreeFullyUnrolled(1, 3, 2), weights, Options())
    thrice = layer_features(GemmTreeFullyUnrolled(3, 3, 2), weights, Options())
    assert (thrice.register_bits, thrice.window_bits) == (3 * once.register_bits, 3 * once.window_bits)
    assert thrice.additions[6].narrow_bits == 3 * once.additions[6].narrow_bits > 0
    assert (thrice.levels, thrice.paths) == (once.levels, once.paths)
    assert once.register_bits == sum_features(weights.T, Options()).register_bits


def test_window_holds_what_the_form_keeps():
    assert window_values(Conv2dPixelWise(8, 8, 2, 3, 4)) == 18
    assert window_values(Conv2dRowParallel(6, 5, 2, 3, 4)) == 3 * 6 * 2
    assert window_values(Conv2dFullyUnrolled(6, 5, 2, 3, 4)) == 60


@settings(max_examples=15, deadline=None)
@given(length=st.integers(4, 100), sparsity=st.floats(0.0, 0.8), size=st.sampled_from(LUT_SIZES))
def test_more_zeros_and_narrower_operands_take_no_more(length: int, sparsity: float, size: int):
    def luts(zeros: float, bits: int) -> float:
        chosen = Options(bits, bits)
        return MODEL.area(expected_features(length, zeros, chosen), chosen, size, 0.0, extrapolate=True)[0].value

    assert luts(min(sparsity + 0.2, 1.0), 4) <= luts(sparsity, 4) * 1.05
    assert luts(sparsity, 4) <= luts(sparsity, 8)


def test_smaller_luts_are_more():
    chosen = Options(4, 4)
    features = expected_features(64, 0.5, chosen)
    counts = [MODEL.area(features, chosen, size, 0.0)[0].value for size in LUT_SIZES]
    assert counts[0] > counts[1] > counts[2]
    assert 1.15 < counts[0] / counts[2] < 2


def test_intervals_hold_what_was_synthesised_about_as_often_as_they_say(samples: list[Sample]):
    found = []
    for sample in samples:
        if sample.flow.startswith("lut"):
            size = int(sample.flow[-1])
            estimate, _ = MODEL.area(sample.features, sample.options, size, extrapolate=True)
            found.append(estimate.lower <= sample.found["luts"] <= estimate.upper)
    assert len(found) > 100
    assert 0.87 < np.mean(found) <= 0.99


def test_model_follows_from_the_samples_and_says_so(samples: list[Sample], routed: list[Sample]):
    provenance = MODEL.provenance
    files = (FOLDER / name for name in ("synthesis_samples.csv", "routed_samples.csv"))
    assert provenance["samples_sha256"] == samples_digest(*files)
    again = fit_area_model(samples, routed, {})
    assert model_to_json(model_from_json(model_to_json(again))) == model_to_json(again)
    assert again.delay_ns.coefficients == pytest.approx(MODEL.delay_ns.coefficients, rel=1e-3)
    for known in ("luts", "levels", "flip_flops"):
        lines, others = getattr(MODEL, known), getattr(again, known)
        assert lines.keys() == others.keys()
        for key, line in lines.items():
            assert others[key].coefficients == pytest.approx(line.coefficients, rel=1e-3, abs=1e-4)
            assert others[key].variance == pytest.approx(line.variance, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("flow", ["lut4", "lut5", "lut6"])
def test_errors_on_what_was_left_out_are_small_and_without_bias(flow: str):
    errors = MODEL.provenance["errors"][flow]
    for scheme in ("circuits", "primitives", "weight widths", "the largest third"):
        assert errors[scheme]["median"] < 0.07, scheme
        assert abs(errors[scheme]["bias"]) < 0.05, scheme
    assert MODEL.provenance["errors"][f"flip_flops {flow}"]["circuits"]["median"] < 0.015


@pytest.mark.parametrize(("bits", "length", "name"), [(12, 16, "weight_bits"), (4, 4096, "nonzeros")])
def test_what_was_never_synthesised_is_refused_unless_asked_for(bits: int, length: int, name: str):
    chosen = Options(bits, 4)
    features = expected_features(length, 0.0, chosen)
    with pytest.raises(OutsideModelRangeError, match=name) as caught:
        MODEL.area(features, chosen, 6, 0.0)
    assert caught.value.name == name
    assert MODEL.area(features, chosen, 6, 0.0, extrapolate=True)[0].value > 0


def test_area_of_a_flow_is_its_own_and_that_of_a_lut_size_the_generic_one():
    features, options = expected_features(32, 0.5, Options()), Options()
    by_flow = {flow: MODEL.area(features, options, flow)[0].value for flow in MODEL.flows()}
    for size in LUT_SIZES:
        assert MODEL.area(features, options, size)[0].value == by_flow[f"lut{size}"]
    assert by_flow["intel_alm"] != by_flow["lut6"] != by_flow["ice40"]
    with pytest.raises(InvalidCircuitError, match=r"must be one of lut4.*got 'asic'"):
        MODEL.area(features, options, "asic")


def test_luts_of_other_sizes_are_not_the_models():
    with pytest.raises(OutsideModelRangeError, match="lut_size"):
        MODEL.area(expected_features(8, 0.0, Options()), Options(), 3, 0.0)


@pytest.mark.parametrize(("encoding", "count"), [("csd", csd_digits), ("plain", popcount)])
def test_digit_counts_agree_with_those_of_the_weights(encoding: Encoding, count: Callable[[Any], int]):
    for weight in (3, 7, 11, 43, 85, 107, 119):
        features = sum_features(np.array([[weight]]), Options(8, 8, encoding=encoding))
        assert features.paths[4].saved_rows == max(count(np.array([weight])) - 2, 0)

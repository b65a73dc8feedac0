"""The features of unrolled sums against their circuits, and the fitted model of areas against what was synthesised."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import targets.fpga
from targets.fpga.area import FORMS, LUT_SIZES, load_area_model, model_from_json, model_to_json, window_values
from targets.fpga.area_fit import fit_area_model, read_samples, samples_digest
from targets.fpga.core import build_core
from targets.fpga.errors import OutsideModelRangeError
from targets.fpga.features import expected_features, layer_features, sum_features
from targets.fpga.options import Encoding, Options
from targets.fpga.primitives import (
    Conv2dFullyUnrolled,
    Conv2dPixelWise,
    Conv2dRowParallel,
    GemmTreeFullyUnrolled,
    adder_levels,
)
from targets.fpga.weights import csd_digits, popcount, seeded_weights

SAMPLES = Path(targets.fpga.__file__).parent / "synthesis_samples.csv"
MODEL = load_area_model()
rows_of_weights = st.lists(st.integers(-8, 7), min_size=1, max_size=12)
options = st.builds(
    Options,
    weight_bits=st.just(4),
    activation_bits=st.integers(1, 6),
    signed_activations=st.booleans(),
    encoding=st.sampled_from(["csd", "plain"]),
    pipelined=st.just(True),
)


@settings(max_examples=60, deadline=None)
@given(row=rows_of_weights, chosen=options)
def test_registered_bits_are_those_that_the_circuit_declares(row: list[int], chosen: Options):
    levels = adder_levels(sum(weight != 0 for weight in row))
    text = build_core("core", row, chosen, levels=levels).text
    declared = 0
    for line in text.splitlines():
        if line.strip().startswith("reg "):
            bounds = line[line.index("[") + 1 : line.index("]")].split(":")
            declared += int(bounds[0]) - int(bounds[1]) + 1
    assert sum_features(np.array([row]), chosen).register_bits == declared


def test_zero_weights_cost_nothing():
    dense = np.array([[3, -5, 7, 1]])
    spread = np.array([[3, 0, -5, 0, 0, 7, 1, 0]])
    assert sum_features(dense, Options()) == sum_features(spread, Options())
    nothing = sum_features(np.zeros((2, 5), np.int64), Options())
    assert (nothing.product_bits, nothing.tree_bits, nothing.register_bits, nothing.nonzeros) == (0, 0, 0, 0)
    assert MODEL.area(nothing, Options(), 6, 0.0, extrapolate=True)[0].value == 0


def test_copies_of_a_tree_are_counted_as_often_as_they_stand_there():
    weights = np.array([[3, -2], [1, 5], [0, 7]])  # (n, p)
    once = layer_features(GemmTreeFullyUnrolled(1, 3, 2), weights, Options())
    thrice = layer_features(GemmTreeFullyUnrolled(3, 3, 2), weights, Options())
    assert thrice.tree_bits == 3 * once.tree_bits
    assert thrice.levels == once.levels
    assert once == sum_features(weights.T, Options())


def test_expected_features_are_near_those_of_other_weights_of_the_sparsity():
    chosen = Options(4, 4)
    mean = expected_features(256, 0.75, chosen)
    rng = np.random.default_rng(5)
    drawn = [seeded_weights((256,), bits=4, sparsity=0.75, rng=rng) for _ in range(20)]
    other = sum_features(np.stack(drawn), chosen).times(1 / 20)
    assert mean.nonzeros == other.nonzeros == 64
    assert mean.product_bits == pytest.approx(other.product_bits, rel=0.15)
    assert mean.tree_bits == pytest.approx(other.tree_bits, rel=0.05)


def test_window_holds_what_the_form_keeps():
    assert window_values(Conv2dPixelWise(8, 8, 2, 3, 4)) == 18
    assert window_values(Conv2dRowParallel(6, 5, 2, 3, 4)) == 3 * 6 * 2
    assert window_values(Conv2dFullyUnrolled(6, 5, 2, 3, 4)) == 60


@settings(max_examples=40, deadline=None)
@given(length=st.integers(4, 200), sparsity=st.floats(0.0, 0.8), size=st.sampled_from(LUT_SIZES))
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


def test_intervals_hold_what_was_synthesised_about_as_often_as_they_say():
    found = []
    for sample in read_samples(SAMPLES):
        if sample.flow.startswith("lut"):
            estimate, _ = MODEL.area(
                sample.features, sample.options, int(sample.flow[-1]), sample.terms["window_bits"], extrapolate=True
            )
            found.append(estimate.lower <= sample.luts <= estimate.upper)
    assert len(found) > 100
    assert 0.85 < np.mean(found) <= 0.99


def test_model_follows_from_the_samples_and_says_so():
    provenance = MODEL.provenance
    assert provenance["samples_sha256"] == samples_digest(SAMPLES)
    facts = {name: provenance[name] for name in ("samples_sha256", "command", "date")}
    again = fit_area_model(read_samples(SAMPLES), facts)
    assert model_to_json(model_from_json(model_to_json(again))) == model_to_json(again)
    assert again.flip_flops.coefficients == pytest.approx(MODEL.flip_flops.coefficients, rel=1e-3)
    for key, line in MODEL.luts.items():
        assert again.luts[key].coefficients == pytest.approx(line.coefficients, rel=1e-3, abs=1e-4)
        assert again.luts[key].variance == pytest.approx(line.variance, rel=1e-3, abs=1e-6)
    assert all(error["median"] < 0.2 for error in provenance["errors"].values())


@pytest.mark.parametrize(("bits", "length", "name"), [(12, 16, "weight_bits"), (4, 4096, "nonzeros")])
def test_what_was_never_synthesised_is_refused_unless_asked_for(bits: int, length: int, name: str):
    chosen = Options(bits, 4)
    features = expected_features(length, 0.0, chosen)
    with pytest.raises(OutsideModelRangeError, match=name) as caught:
        MODEL.area(features, chosen, 6, 0.0)
    assert caught.value.name == name
    assert MODEL.area(features, chosen, 6, 0.0, extrapolate=True)[0].value > 0


def test_lut_sizes_and_the_systolic_form_are_not_the_models():
    with pytest.raises(OutsideModelRangeError, match="lut_size"):
        MODEL.area(expected_features(8, 0.0, Options()), Options(), 3, 0.0)
    assert "gemms-rp" not in FORMS


@pytest.mark.parametrize(("encoding", "count"), [("csd", csd_digits), ("plain", popcount)])
def test_digit_counts_agree_with_those_of_the_weights(encoding: Encoding, count: Callable[[Any], int]):
    used = np.array([weight for weight in range(-128, 128) if weight])
    chosen = Options(8, 1, encoding=encoding)
    # Sums of one product each: what they register is the product.
    widths = np.array([sum_features(np.array([[weight]]), chosen).register_bits for weight in used])
    digits = np.array([count(np.array([weight])) for weight in used])
    assert sum_features(used[:, None], chosen).product_bits == ((digits - 1) * widths).sum()

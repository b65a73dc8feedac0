"""Expected features of a layer are those of its seeded weights, with and without products that sums share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targets.fpga.counts import layer_features
from targets.fpga.features import expected_features, mean_features
from targets.fpga.options import Options
from targets.fpga.primitives import GemmTreeFullyUnrolled
from targets.fpga.weights import seeded_weights

CASES = [
    (9, 64, 2, 0.0),
    (9, 64, 4, 0.5),
    (9, 32, 4, 0.9),
    (16, 32, 2, 0.5),
    (16, 8, 3, 0.0),
    (64, 16, 4, 0.0),
    (64, 16, 2, 0.9),
    (144, 4, 4, 0.5),
    (24, 6, 8, 0.5),
]


@pytest.mark.parametrize(("length", "outputs", "bits", "sparsity"), CASES)
def test_expected_features_are_means_over_layers(length: int, outputs: int, bits: int, sparsity: float):
    options, layer = Options(bits, min(bits, 5)), GemmTreeFullyUnrolled(1, length, outputs)
    rngs = np.random.default_rng(1).spawn(3)
    layers = [seeded_weights(layer.weight_shape, bits=bits, sparsity=sparsity, rng=rng) for rng in rngs]
    mean = mean_features([layer_features(layer, weights, options) for weights in layers])
    expected = expected_features(length, sparsity, options, outputs).times(outputs)
    tolerance = 0.08 if sparsity < 0.9 else 0.2
    assert expected.nonzeros == pytest.approx(mean.nonzeros, rel=0.05)
    assert expected.register_bits == pytest.approx(mean.register_bits, rel=tolerance)
    assert expected.window_bits == pytest.approx(mean.window_bits, rel=tolerance)
    told, found = (each.additions[4].narrow_bits + each.additions[4].wide_bits for each in (expected, mean))
    assert told == pytest.approx(found, rel=tolerance)


@settings(max_examples=10, deadline=None)
@given(
    length=st.integers(4, 40),
    outputs=st.integers(2, 24),
    bits=st.integers(2, 4),
    sparsity=st.sampled_from([0.0, 0.25, 0.5]),
)
def test_expected_registers_are_near_the_mean_of_any_shape(length: int, outputs: int, bits: int, sparsity: float):
    options, layer = Options(bits, bits), GemmTreeFullyUnrolled(1, length, outputs)
    rngs = np.random.default_rng(2).spawn(6)
    layers = [seeded_weights(layer.weight_shape, bits=bits, sparsity=sparsity, rng=rng) for rng in rngs]
    mean = np.mean([layer_features(layer, weights, options).register_bits for weights in layers])
    expected = expected_features(length, sparsity, options, outputs).times(outputs).register_bits
    assert expected == pytest.approx(mean, rel=0.2, abs=30)


def test_more_weights_that_meet_share_more():
    options = Options(4, 4)
    alone, few, many = (expected_features(64, 0.5, options, meetings) for meetings in (1, 4, 64))
    assert alone.register_bits > few.register_bits > many.register_bits > 0.4 * alone.register_bits
    assert alone.additions[4].narrow_bits > few.additions[4].narrow_bits > many.additions[4].narrow_bits > 0
    assert alone.paths == many.paths

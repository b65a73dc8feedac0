"""Expected features of a layer are those of its seeded weights, also where sums are short."""

import numpy as np
import pytest

from targets.fpga.features import expected_features, sum_features
from targets.fpga.options import Options
from targets.fpga.weights import seeded_weights


@pytest.mark.parametrize(("length", "sparsity"), [(9, 0.5), (9, 0.9), (16, 0.95), (27, 0.9), (64, 0.9), (576, 0.9)])
def test_expected_features_of_a_sum_are_means_over_layers(length, sparsity):
    options, outputs = Options(4, 4), 64
    layers = [
        sum_features(
            seeded_weights((outputs, length), bits=4, sparsity=sparsity, rng=np.random.default_rng(seed)), options
        )
        for seed in range(20)
    ]
    expected = expected_features(length, sparsity, options)
    for name in ("nonzeros", "product_bits", "tree_bits"):
        mean = np.mean([getattr(layer, name) for layer in layers]) / outputs
        assert getattr(expected, name) == pytest.approx(mean, rel=0.15), name

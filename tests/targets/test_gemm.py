"""Layers as matrix products."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.base import Layer
from spaces.fbnet import Fbnet
from spaces.nb201 import Nb201
from spaces.ofa import Ofa
from targets.gemm import lower
from targets.llm import llm_workload

SPACES = (Nb201(), Fbnet(), Ofa())
CONV = Layer("conv", "conv", 6, 8, 10, 10, 5, 5, kernel=3, stride=2, groups=2)


def sizes(gemms, index=0):
    names = ("weight_copies", "products", "cout", "cin", "tokens", "in_row", "in_rows", "out_row", "out_rows")
    return tuple(int(getattr(gemms, name)[index]) for name in names)


def test_lower_grouped_strided_convolution_by_hand():
    assert sizes(lower([CONV], 1, folds_batch=False)) == (2, 2, 4, 27, 25, 30, 20, 4, 50)


def test_lower_batch_becomes_products_or_tokens():
    assert sizes(lower([CONV], 3, folds_batch=False)) == (2, 6, 4, 27, 25, 30, 60, 4, 150)
    assert sizes(lower([CONV], 3, folds_batch=True)) == (2, 2, 4, 27, 75, 30, 60, 4, 150)


def test_lower_single_tokens_are_products_of_their_own_unless_folded():
    dense = Layer("dense", "linear", 64, 10)
    assert sizes(lower([dense], 8, folds_batch=False)) == (1, 8, 10, 64, 1, 64, 8, 10, 8)
    assert sizes(lower([dense], 8, folds_batch=True)) == (1, 1, 10, 64, 8, 64, 8, 10, 8)


def test_lower_attention_has_its_own_keys_for_every_sample_and_head():
    scores = next(layer for layer in llm_workload("yi-6b", stage="decode").layers if layer.kind == "matmul")
    for folds_batch in (False, True):
        assert sizes(lower([scores], 2, folds_batch=folds_batch)) == (8, 8, 256, 128, 8, 128, 64, 256, 64)


@pytest.mark.parametrize(
    ("kind", "traffic", "vector_ops", "riding_ops"),
    [("add", 300, 100, 0), ("pool", 200, 900, 0), ("shuffle", 200, 0, 0), ("norm", 0, 0, 0), ("concat", 200, 0, 0)],
)
def test_lower_layers_without_products_move_data_or_ride_along(kind, traffic, vector_ops, riding_ops):
    layer = Layer("x", kind, 4, 4, 5, 5, 5, 5, kernel=3 if kind == "pool" else 1, inputs=2 if kind == "add" else 1)
    gemms = lower([layer], 1, folds_batch=False)
    elements = gemms.in_row * gemms.in_rows + gemms.out_row * gemms.out_rows
    assert (elements[0], gemms.vector_ops[0], gemms.riding_ops[0]) == (traffic, vector_ops, riding_ops)
    assert sizes(gemms)[:5] == (0, 0, 0, 0, 0)


def test_lower_norms_over_tokens_ride_along_with_an_operation_for_each_element():
    gemms = lower([Layer("norm", "norm", 64, 64, in_width=5, out_width=5)], 3, folds_batch=False)
    assert (gemms.vector_ops[0], gemms.riding_ops[0], gemms.in_rows[0]) == (0, 3 * 64 * 5, 0)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.integers(1, 5), st.booleans())
def test_lower_keeps_every_multiplication_weight_and_activation(seed, batch, folds_batch):
    for space in SPACES:
        workload = space.workload(space.sample(1, rng=np.random.default_rng(seed))[0])
        gemms = lower(workload.layers, batch, folds_batch=folds_batch)
        macs = gemms.products * gemms.cout * gemms.cin * gemms.tokens
        assert macs.sum() == batch * workload.macs == gemms.macs.sum()
        for index, layer in enumerate(workload.layers):
            if layer.kind in ("conv", "linear"):
                weights = gemms.weight_copies[index] * gemms.cout[index] * gemms.cin[index]
                assert weights == layer.params - (layer.out_channels if layer.has_bias else 0)
                assert gemms.in_row[index] * gemms.in_rows[index] == batch * layer.in_elements
                assert gemms.out_row[index] * gemms.out_rows[index] == batch * layer.out_elements


def test_lower_no_layers_gives_empty_arrays():
    gemms = lower([], 1, folds_batch=False)
    assert gemms.cout.shape == gemms.is_matmul.shape == (0,)

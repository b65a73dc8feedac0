"""Binary pruning against the authors' outputs, bit for bit, and against what must hold of any tensor."""

import csv
import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from targets.bbs import METHODS, BinaryPruningError, best_method, binary_prune, effective_size_bits

GOLDEN_METHODS = {"roundAvg": "rounded_averaging", "zeroPoint": "zero_point_shifting", "bitFlip": "bit_flip"}

# Four groups of 8, of both layouts.
tensors = st.one_of(
    st_numpy.arrays(np.int8, (4, 8)),
    st_numpy.arrays(np.int8, (2, 8, 2, 1)),
    st_numpy.arrays(np.int8, (4, 8), elements=st.integers(-20, 20)),
)
methods = st.sampled_from(sorted(METHODS))


def signed_magnitude_columns(values):
    """(groups, 8) whether each column, sign first, holds a one."""
    magnitudes = np.abs(values)
    ones = [(values < 0).any(axis=1)] + [((magnitudes >> (6 - column)) & 1).any(axis=1) for column in range(7)]
    return np.stack(ones, axis=1)


@pytest.mark.data
def test_binary_prune_readable_examples_are_equal(goldens_dir):
    for tensor in json.loads((goldens_dir / "bbs_pruning_example.json").read_text()).values():
        weights = np.array([tensor.pop("input_row0_first32")], np.int8)
        assert len(tensor) == 24
        for key, expected in tensor.items():
            method, _, columns, *constant = key.split("|")
            pruned = binary_prune(
                weights,
                GOLDEN_METHODS[method],
                pruned_columns=int(columns[1:]),
                constant_bits=int(constant[0][1:]) if constant else 5,
            )
            assert pruned[0].tolist() == expected, key


@pytest.mark.data
def test_binary_prune_golden_tensors_are_equal_bit_for_bit(goldens_dir):
    vectors = np.load(goldens_dir / "bbs_pruning_vectors.npz")
    outputs = [key for key in vectors.files if "|" in key]
    assert len(outputs) == 192
    for key in outputs:
        tensor, method, group, columns, *constant = key.split("|")
        pruned = binary_prune(
            vectors[tensor],
            GOLDEN_METHODS[method],
            pruned_columns=int(columns[1:]),
            group_size=int(group[1:]),
            constant_bits=int(constant[0][1:]) if constant else 5,
        )
        assert pruned.dtype == np.int16
        np.testing.assert_array_equal(pruned, vectors[key], err_msg=key)


@pytest.mark.data
def test_binary_prune_golden_summary_has_the_same_errors_and_hashes(goldens_dir):
    vectors = np.load(goldens_dir / "bbs_pruning_vectors.npz")
    with (goldens_dir / "bbs_pruning_summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 192
    for row in rows:
        weights = vectors[row["tensor"]]
        pruned = binary_prune(
            weights,
            GOLDEN_METHODS[row["method"]],
            pruned_columns=int(row["num_pruned"]),
            group_size=int(row["group"]),
            constant_bits=int(row["const_bits"] or 5),
        )
        error = pruned.astype(np.int64) - weights
        assert f"{np.mean(error**2):.6f}" == row["mse"], row
        assert (np.abs(error).max(), pruned.min(), pruned.max()) == tuple(
            int(row[key]) for key in ("max_abs_err", "min_out", "max_out")
        )
        digest = hashlib.sha256(pruned.astype("<i2").tobytes()).hexdigest()
        assert digest[:16] == row["sha256_16_of_int16le"], row


@pytest.mark.parametrize(
    ("method", "weights", "expected"),
    [
        # 5, 6, 4, 7 repeat the sign in columns 1 to 3, the most that counts: of 5 columns the low two are averaged.
        ("rounded_averaging", [5, 6, 4, 7], [6, 6, 6, 6]),
        # Low bits 1, 3, 0, 0 of -127, 127, 0, 64 have the mean 1.0.
        ("rounded_averaging", [-127, 127, 0, 64], [-127, 125, 1, 65]),
        # The low two columns; 6 is halfway between 4 and 8 and goes down, 2 to 0.
        ("bit_flip", [100, -6, 2, 25], [100, -4, 0, 24]),
        # No weight has the bit of 16: that column counts, and one low column is left to drop.
        ("bit_flip", [100, -6, 2, 9], [100, -6, 2, 8]),
        # -128 has no sign-magnitude form.
        ("bit_flip", [-128, 1, 0, 0], [-124, 0, 0, 0]),
    ],
)
def test_binary_prune_small_group_equals_the_hand_calculation(method, weights, expected):
    columns = 5 if weights[0] == 5 else 2
    pruned = binary_prune(np.array([weights], dtype=np.int8), method, pruned_columns=columns, group_size=4)
    assert pruned.tolist() == [expected]


def test_zero_point_shifting_finds_the_constant_without_loss():
    # Shifted by -5 the weights are multiples of 16.
    weights = np.array([[21, 5, -11, 101]], dtype=np.int8)
    pruned = binary_prune(weights, "zero_point_shifting", pruned_columns=4, group_size=4)
    np.testing.assert_array_equal(pruned, weights)
    flipped = binary_prune(weights, "bit_flip", pruned_columns=4, group_size=4)
    assert not np.array_equal(flipped, weights)


@settings(deadline=None)
@given(tensors, st.integers(1, 7))
def test_rounded_averaging_leaves_one_constant_in_the_low_columns(weights, columns):
    groups = binary_prune(weights, "rounded_averaging", pruned_columns=columns, group_size=8)
    groups = (groups.transpose(0, 2, 3, 1) if groups.ndim == 4 else groups).reshape(-1, 8)
    bits = (groups[:, :, None] >> np.arange(8)) & 1
    is_constant = (bits == bits[:, :1]).all(axis=1)
    repeats_sign = (bits == bits[:, :, 7:]).all(axis=1)[:, 4:7]
    redundant = np.cumprod(repeats_sign[:, ::-1], axis=1).sum(axis=1)
    assert (np.cumprod(is_constant, axis=1).sum(axis=1) + redundant >= columns).all()


@settings(deadline=None)
@given(tensors, st.integers(1, 7))
def test_bit_flip_leaves_at_most_the_columns_asked_for(weights, columns):
    groups = binary_prune(weights, "bit_flip", pruned_columns=columns, group_size=8)
    groups = (groups.transpose(0, 2, 3, 1) if groups.ndim == 4 else groups).reshape(-1, 8)
    assert (signed_magnitude_columns(groups).sum(axis=1) <= 8 - columns).all()


@settings(deadline=None)
@given(tensors, methods, st.integers(1, 6))
def test_binary_prune_error_is_bounded_and_grows_with_the_columns(weights, method, columns):
    fewer, more = (
        np.square(binary_prune(weights, method, pruned_columns=n, group_size=8) - weights.astype(np.int64)).sum()
        for n in (columns, columns + 1)
    )
    assert fewer <= 4**columns * weights.size
    # Rounded averaging rounds its mean to whole numbers, so one column more may happen to be nearer.
    assert fewer <= more + weights.size


@settings(deadline=None)
@given(tensors, st.integers(1, 6))
def test_zero_point_shifting_wider_constant_is_never_worse(weights, columns):
    narrow, wide = (
        np.square(
            binary_prune(weights, "zero_point_shifting", pruned_columns=columns, group_size=8, constant_bits=bits)
            - weights.astype(np.int64)
        ).sum()
        for bits in (4, 6)
    )
    assert wide <= narrow


@settings(deadline=None)
@given(tensors, st.integers(1, 7))
def test_zero_point_shifting_within_int8_gives_int8_and_is_never_better(weights, columns):
    free, bound = (
        binary_prune(weights, "zero_point_shifting", pruned_columns=columns, group_size=8, within_int8=within)
        for within in (False, True)
    )
    assert bound.min() >= -128
    assert bound.max() <= 127
    if free.min() >= -128 and free.max() <= 127:
        np.testing.assert_array_equal(bound, free)
    loss = [np.square(pruned - weights.astype(np.int64)).sum() for pruned in (free, bound)]
    assert loss[0] <= loss[1]


def test_zero_point_shifting_may_leave_int8_unless_forbidden():
    weights = np.array([[1, -87, 90, -127]], dtype=np.int8)
    free, bound = (
        binary_prune(
            weights, "zero_point_shifting", pruned_columns=4, group_size=4, constant_bits=6, within_int8=within
        )
        for within in (False, True)
    )
    assert free.tolist() == [[-3, -83, 93, -131]]
    assert bound.tolist() == [[5, -91, 85, -123]]


def test_best_method_depends_on_the_distribution():
    rng = np.random.default_rng(0)
    bell = np.clip(np.rint(rng.normal(0, 30, (32, 64))), -127, 127).astype(np.int8)
    flat = rng.integers(-128, 128, (32, 64)).astype(np.int8)
    assert best_method(bell, pruned_columns=4)[0] == "zero_point_shifting"
    name, pruned = best_method(flat, pruned_columns=4)
    assert name == "rounded_averaging"
    np.testing.assert_array_equal(pruned, binary_prune(flat, name, pruned_columns=4))


def test_binary_prune_convolution_groups_along_input_channels():
    rng = np.random.default_rng(1)
    weights = rng.integers(-127, 128, (3, 16, 3, 3)).astype(np.int8)
    pruned = binary_prune(weights, "bit_flip", pruned_columns=4, group_size=16)
    one = binary_prune(np.ascontiguousarray(weights[1, :, 2, 0])[None], "bit_flip", pruned_columns=4, group_size=16)
    np.testing.assert_array_equal(pruned[1, :, 2, 0], one[0])


@pytest.mark.parametrize(("shape", "bits"), [((4, 64), 8 * (4 * 32 + 8)), ((4, 16, 3, 3), 36 * (4 * 16 + 8))])
def test_effective_size_counts_columns_and_metadata(shape, bits):
    assert effective_size_bits(np.zeros(shape, dtype=np.int8), pruned_columns=4, group_size=32) == bits


@pytest.mark.parametrize(
    ("weights", "changes", "reason"),
    [
        (np.zeros((4, 8), np.int16), {}, "must be int8"),
        (np.zeros(8, np.int8), {}, r"must be int8 of shape .* got int8 \(8,\)"),
        (np.zeros((0, 8), np.int8), {}, "must be int8"),
        (np.zeros((4, 8), np.int8), {"method": "magnitude"}, "unknown method 'magnitude'; known: rounded_averaging"),
        (np.zeros((4, 8), np.int8), {"pruned_columns": 8}, "pruned_columns must be 1 to 7, got 8"),
        (np.zeros((4, 8), np.int8), {"constant_bits": 9}, "constant_bits must be 1 to 8, got 9"),
        (np.zeros((3, 50), np.int8), {}, "150 weights cannot be cut into groups of 32"),
        (np.zeros((4, 8), np.int8), {"group_size": 0}, "groups of 0"),
    ],
)
def test_binary_prune_senseless_input_is_refused(weights, changes, reason):
    with pytest.raises(BinaryPruningError, match=reason):
        binary_prune(weights, **{"method": "bit_flip", "pruned_columns": 4, **changes})

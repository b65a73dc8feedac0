"""Pruned bit columns as a number format."""

from dataclasses import replace

import numpy as np
import pytest

from targets import load_hardware
from targets.bbs import binary_prune
from targets.formats import bits_per_value, parse_format, sqnr_db
from targets.formats.binary_pruned import BinaryPrunedFormat

METHODS = {"bbs-average": "rounded_averaging", "bbs-shift": "zero_point_shifting", "bit-flip": "bit_flip"}
WEIGHTS = np.random.default_rng(0).standard_t(5, (16, 96))
SCALE = np.abs(WEIGHTS).max(axis=1, keepdims=True) / 127


@pytest.mark.parametrize("kind", METHODS)
@pytest.mark.parametrize("bits", [4, 6])
def test_quantise_is_pruning_of_eight_bit_integers(kind, bits):
    whole = np.rint(WEIGHTS / SCALE).astype(np.int8)
    pruned = binary_prune(whole, METHODS[kind], pruned_columns=8 - bits) * SCALE
    found = parse_format(f"{kind}{bits}").quantise(WEIGHTS, 128, np.float64).dequantise()
    np.testing.assert_allclose(found, pruned, rtol=0, atol=1e-12)


def test_quantise_end_of_a_row_is_a_smaller_group():
    number_format = parse_format("bbs-average5")
    row = WEIGHTS[:1, :40]
    both = number_format.quantise(row, 32, np.float64).dequantise()
    whole = np.rint(row / (np.abs(row).max() / 127)).astype(np.int8)
    parts = [binary_prune(part, "rounded_averaging", pruned_columns=3) for part in (whole[:, :32], whole[:, 32:])]
    np.testing.assert_allclose(both, np.concatenate(parts, axis=1) * (np.abs(row).max() / 127), atol=1e-12)


def test_quantise_sensitive_rows_of_the_largest_scale_keep_all_columns():
    plain = parse_format("bbs-shift4")
    assert isinstance(plain, BinaryPrunedFormat)
    number_format = replace(plain, sensitive_fraction=0.25)
    found = number_format.quantise(WEIGHTS, 128, np.float64).dequantise()
    whole = parse_format("bbs-shift8").quantise(WEIGHTS, 128, np.float64).dequantise()
    kept = (found == whole).all(axis=1)
    assert kept.sum() == 4
    assert SCALE[kept].min() > SCALE[~kept].max()


def test_quantise_more_columns_lose_less():
    for kind in METHODS:
        errors = [
            sqnr_db(WEIGHTS, parse_format(f"{kind}{bits}").quantise(WEIGHTS).dequantise()) for bits in range(2, 9)
        ]
        assert errors == sorted(errors), kind
    assert bits_per_value(parse_format("bbs-shift4"), 32) == 4.25
    assert bits_per_value(parse_format("bbs-shift8"), 32) == 8


def test_hardware_prunes_in_its_groups_and_keeps_its_sensitive_channels():
    moderate = load_hardware("bitvert-moderate").number_format
    assert isinstance(moderate, BinaryPrunedFormat)
    assert (moderate.name, moderate.sensitive_fraction, moderate.prune_group_size) == ("bbs-shift4", 0.2, 32)
    bitwave = load_hardware("bitwave").number_format
    assert isinstance(bitwave, BinaryPrunedFormat)
    assert bitwave.sensitive_fraction == 0


def test_quantise_zeros_stay_zeros():
    for kind in METHODS:
        assert not parse_format(f"{kind}4").quantise(np.zeros((2, 33))).dequantise().any()

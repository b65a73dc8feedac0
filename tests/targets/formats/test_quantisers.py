"""What must hold of every number format, on any tensor."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targets.formats import (
    FORMATS,
    UnknownFormatError,
    bits_per_value,
    mean_squared_error,
    network_sqnr_db,
    parse_format,
    sqnr_db,
)

FAMILIES = ["int4", "int8", "int3-asym", "nf4", "sf4", "sf3(2.5)", "flint5", "ant4", "e2m1", "e3m2"]
names = st.sampled_from([*FORMATS, *FAMILIES])
shapes = st.lists(st.integers(1, 40), min_size=1, max_size=3).map(tuple)


def make_tensor(shape, seed, share_of_zeros):
    rng = np.random.default_rng(seed)
    values = rng.standard_t(3, shape) * (rng.random(shape) >= share_of_zeros)
    return values.astype(np.float32)


tensors = st.builds(make_tensor, shapes, st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.5, 1.0]))


@settings(deadline=None, max_examples=100)
@given(names, tensors, st.integers(1, 50))
def test_dequantise_keeps_shape_and_stays_near(name, values, group_size):
    quantised = parse_format(name).quantise(values, group_size)
    dequantised = quantised.dequantise()
    assert dequantised.shape == values.shape
    assert quantised.codes.min() >= 0
    assert quantised.codes.max() < 2 ** parse_format(name).bits
    # The coarsest grid has a relative gap of 1; one-sided ones may clip a group's largest value by a quarter.
    assert np.abs(dequantised - values).max() <= np.abs(values).max() + 1e-6


@settings(deadline=None, max_examples=50)
@given(names, tensors)
def test_quantise_dequantised_values_of_a_group_gives_them_again(name, values):
    number_format = parse_format(name)
    if name.startswith(("bitmod", "ant", "mx", "e2m1-s")) or "asym" in name or name[-1:] in "+-":
        return  # the second scale, zero point or grid may be another one
    once = number_format.quantise(values, dtype=np.float64).dequantise()
    again = number_format.quantise(once, dtype=np.float64).dequantise()
    np.testing.assert_allclose(again, once, rtol=1e-9, atol=1e-12)


@settings(deadline=None, max_examples=50)
@given(tensors, st.sampled_from([3, 4]))
def test_adaptive_format_is_never_worse_than_any_of_its_grids(values, bits):
    adaptive = mean_squared_error(values, FORMATS[f"bitmod{bits}"].quantise(values).dequantise())
    for kind in ("er+", "er-", "ea+", "ea-"):
        single = mean_squared_error(values, FORMATS[f"fp{bits}-{kind}"].quantise(values).dequantise())
        assert adaptive <= single * (1 + 1e-9) + 1e-12


@settings(deadline=None, max_examples=50)
@given(tensors, st.integers(2, 40))
def test_quantise_each_group_alone_gives_the_same(values, group_size):
    together = parse_format("bitmod4").quantise(values, group_size).dequantise()
    for start in range(0, values.shape[-1], group_size):
        part = values[..., start : start + group_size]
        alone = parse_format("bitmod4").quantise(part, group_size).dequantise()
        np.testing.assert_array_equal(together[..., start : start + group_size], alone)


def test_integer_format_one_group_by_hand():
    quantised = parse_format("int3").quantise(np.array([3.0, -1.4, 0.5, 1.5], dtype=np.float32))
    assert quantised.scale.tolist() == [1.0]
    assert quantised.dequantise().tolist() == [3.0, -1.0, 0.0, 2.0]


def test_grid_format_value_halfway_goes_to_the_smaller_level():
    values = np.array([4.0, 3.0, -3.0, 1.5], dtype=np.float32)
    assert parse_format("fp3").quantise(values).dequantise().tolist() == [4.0, 2.0, -4.0, 1.0]


def test_one_sided_format_clips_the_other_sign():
    assert FORMATS["e2m1-sr"].quantise(np.array([-8.0, 8.0], dtype=np.float32)).dequantise().tolist() == [-6.0, 8.0]


@pytest.mark.parametrize("name", [*FORMATS, *FAMILIES])
def test_quantise_zeros_gives_zeros(name):
    assert not parse_format(name).quantise(np.zeros((2, 5), dtype=np.float32)).dequantise().any()


@pytest.mark.parametrize("name", ["", "int1", "int16", "sf4(0)", "sf4(-1)", "nf9", "bitmod5", "e9m9", "int4 "])
def test_parse_format_unknown_name_is_refused_with_the_known_ones(name):
    with pytest.raises(UnknownFormatError, match=r"known: fp3, .*sf<bits>\(<nu>\)") as caught:
        parse_format(name)
    assert caught.value.name == name


@pytest.mark.parametrize(("shape", "group_size"), [((0,), 128), ((3, 0), 128), ((), 128), ((4,), 0)])
def test_quantise_nothing_is_refused(shape, group_size):
    with pytest.raises(ValueError, match=r"nothing to quantise|at least 1 value"):
        parse_format("int4").quantise(np.zeros(shape), group_size)


def test_bits_per_value_counts_scale_and_choice():
    assert bits_per_value(parse_format("bitmod4")) == pytest.approx(4 + 10 / 128)
    assert bits_per_value(parse_format("int6")) == pytest.approx(6.0625)
    assert bits_per_value(parse_format("mx-fp4"), 32) == 4.25


def test_sqnr_db_by_hand_and_over_a_network():
    values = np.array([[10.0, 0.0]])
    assert sqnr_db(values, np.array([[9.0, 0.0]])) == pytest.approx(20.0)
    assert sqnr_db(values, values) == np.inf
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(4, 256)), rng.normal(size=(8, 128))
    int4, int8 = parse_format("int4"), parse_format("int8")
    whole = network_sqnr_db([(first, int4), (second, int4)])
    assert whole == pytest.approx(
        sqnr_db(
            np.vstack([first.reshape(8, 128), second]),
            int4.quantise(np.vstack([first.reshape(8, 128), second])).dequantise(),
        ),
        abs=1e-4,
    )
    assert network_sqnr_db([(first, int8), (second, int8)]) > whole + 15


def test_wider_formats_of_a_family_lose_less():
    values = np.random.default_rng(0).normal(size=(16, 256))
    for family in ("int{}", "int{}-asym", "nf{}", "sf{}"):
        errors = [
            mean_squared_error(values, parse_format(family.format(bits)).quantise(values).dequantise())
            for bits in (3, 4, 5, 6)
        ]
        assert errors == sorted(errors, reverse=True)

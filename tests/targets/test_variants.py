"""Single keys of a hardware description set to other values."""

import pytest

from targets import (
    InvalidHardwareError,
    build_target,
    catalogue_description,
    hardware_names,
    load_hardware,
    vary,
    vary_hardware,
)

DESCRIPTION = {"name": "x", "array": {"rows": 4}, "units": [{"bits": 8}, {"bits": 16}]}


def test_vary_sets_plain_nested_and_listed_keys_and_leaves_the_original():
    varied = vary(DESCRIPTION, {"name": "y", "array.rows": 8, "units.1.bits": 32, "new": True})
    assert varied == {"name": "y", "array": {"rows": 8}, "units": [{"bits": 8}, {"bits": 32}], "new": True}
    assert DESCRIPTION == {"name": "x", "array": {"rows": 4}, "units": [{"bits": 8}, {"bits": 16}]}


def test_vary_nothing_is_the_description():
    assert vary(catalogue_description("olive"), {}) == catalogue_description("olive")


@pytest.mark.parametrize("path", ["name.rows", "arrays.rows", "units.2.bits", "units.x.bits", "units.9", "a.b.c"])
def test_vary_path_that_leads_nowhere_is_refused(path):
    with pytest.raises(InvalidHardwareError, match="leads to no key") as caught:
        vary(DESCRIPTION, {path: 1})
    assert [key for key, _ in caught.value.faults] == [path]


FORMATTED = [name for name in hardware_names() if load_hardware(name).weight_format is not None]


@pytest.mark.parametrize("name", FORMATTED)
def test_vary_hardware_format_and_width_of_the_catalogue_bring_each_other(name):
    hardware, description = load_hardware(name), catalogue_description(name)
    widened = {**description, "native_weight_bits": 4.0, "weight_format": None}
    by_format = vary_hardware(widened, {"weight_format": hardware.weight_format})
    assert by_format.native_weight_bits == hardware.native_weight_bits
    assert vary_hardware(description, {"native_weight_bits": hardware.native_weight_bits}) == hardware.model_copy(
        update={"decode_weight_bits": None} if hardware.target == "bitmod" else {}
    )


@pytest.mark.parametrize(
    ("name", "bits", "expected"),
    [
        ("bitmod-lossy", 3, "bitmod3"),
        ("bitmod-lossy", 3.0625, "bitmod3"),
        ("bitmod-lossy", 6.0625, "int6"),
        ("bitmod-lossy", 5.5, None),
        ("bitvert-moderate", 5, "bbs-shift5"),
        ("bitvert-ant", 4, "ant4"),
        ("bitvert-ant", 8, "int8"),
        ("stripes", 1, None),
        ("olive", 8, "int8"),
    ],
)
def test_vary_hardware_width_brings_the_format_of_its_kind(name, bits, expected):
    assert vary_hardware(catalogue_description(name), {"native_weight_bits": bits}).weight_format == expected


@pytest.mark.parametrize(("key", "value"), [("weight_format", "int8"), ("native_weight_bits", 8.0625)])
def test_vary_hardware_weights_are_those_of_both_stages(key, value):
    for stage in ("prefill", "decode"):
        hardware = vary_hardware(catalogue_description("bitmod-lossy"), {key: value, "stage": stage})
        assert build_target(hardware).native_precision.weight_bits == 8.0625
        assert hardware.number_format is not None
        assert hardware.number_format.name == "int8"


def test_number_format_of_decoding_is_that_of_its_width():
    for stage, expected in (("prefill", "bitmod4"), ("decode", "bitmod3")):
        number_format = vary_hardware(catalogue_description("bitmod-lossy"), {"stage": stage}).number_format
        assert number_format is not None
        assert number_format.name == expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"weight_format": "int8", "native_weight_bits": 4}, "weight_format: .*int8 has 8 bits.* says 4"),
        ({"weight_format": "int99"}, "weight_format: .*unknown number format"),
        ({"weight_format": 4}, "weight_format: "),
        ({"native_weight_bits": "many"}, "native_weight_bits: "),
        ({"group_size": 0, "weight_format": "int4"}, "group_size: "),
    ],
)
def test_vary_hardware_senseless_weights_are_refused_with_the_key(changes, reason):
    with pytest.raises(InvalidHardwareError, match=reason):
        vary_hardware(catalogue_description("bitmod-lossy"), changes)

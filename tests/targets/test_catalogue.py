"""Hardware descriptions from the catalogue, from a user's file and from a mapping."""

import json

import pytest

from targets import (
    InvalidHardwareError,
    UnknownHardwareError,
    UnknownTargetError,
    hardware_names,
    load_hardware,
    parse_hardware,
    read_hardware,
)

USER_YAML = """
name: my-board
target: roofline
description: My own board.
native_weight_bits: 8
native_activation_bits: 8
arithmetic:
  - {operand_bits: 8, peak_gmacs_per_s: 100}
memory_bandwidth_gb_per_s: 4
launch_overhead_us: 0
"""


def test_hardware_names_are_sorted_and_cover_several_classes():
    assert hardware_names() == tuple(sorted(hardware_names()))
    assert len(hardware_names()) >= 4


@pytest.mark.parametrize("name", hardware_names())
def test_hardware_of_the_catalogue_is_named_like_its_file_and_says_that_it_is_a_model(name):
    hardware = load_hardware(name)
    assert hardware.name == name
    assert "not a measured device" in hardware.description


@pytest.mark.parametrize("name", hardware_names())
def test_hardware_survives_a_round_trip_through_json(name):
    hardware = load_hardware(name)
    assert parse_hardware(json.loads(hardware.model_dump_json())) == hardware
    assert parse_hardware(hardware.model_dump()) == hardware


def test_load_hardware_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownHardwareError, match=r"'abacus'; known: .*roofline-edge-npu, "):
        load_hardware("abacus")


def test_load_hardware_path_in_a_name_is_unknown():
    with pytest.raises(UnknownHardwareError):
        load_hardware("../hardware/roofline-edge-npu")


def test_read_hardware_users_own_file_is_read(tmp_path):
    path = tmp_path / "board.yaml"
    path.write_text(USER_YAML)
    assert read_hardware(path).name == "my-board"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "expected keys and values, got NoneType"),
        (b"- 1\n- 2\n", "expected keys and values, got list"),
        (b"name: [", "not YAML"),
        (b"!!python/object/apply:os.getcwd []", "not YAML"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"name: x\n", "target: must name one of .*roofline.*, got None"),
        (USER_YAML.encode() + b"dram_gb: 4\n", "dram_gb: Extra inputs are not permitted"),
        (USER_YAML.encode() + b"8: 4\n", "8: "),
    ],
)
def test_read_hardware_bad_file_is_refused_with_file_and_reason(tmp_path, text, reason):
    path = tmp_path / "board.yaml"
    path.write_bytes(text)
    with pytest.raises(InvalidHardwareError, match=reason) as caught:
        read_hardware(path)
    assert caught.value.source == str(path)


def test_read_hardware_missing_file_is_refused(tmp_path):
    with pytest.raises(InvalidHardwareError, match="cannot be read"):
        read_hardware(tmp_path / "absent.yaml")


def test_parse_hardware_unknown_cost_model_lists_the_known_ones():
    with pytest.raises(UnknownTargetError, match=r"'crystal-ball'; known: .*roofline"):
        parse_hardware({"name": "x", "target": "crystal-ball"})

"""Bit-serial targets in any mode."""

import pytest

from targets import BitSerial, BitSerialHardware, load_hardware


def make_target(name="bitvert-moderate", **changes):
    hardware = load_hardware(name)
    assert isinstance(hardware, BitSerialHardware)
    return BitSerial(BitSerialHardware.model_validate({**hardware.model_dump(), "mode": "published", **changes}))


@pytest.fixture(name="make_target", scope="session")
def make_target_fixture():
    return make_target

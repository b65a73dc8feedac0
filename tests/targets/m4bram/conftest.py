"""Targets of the M4BRAM family in any mode."""

import pytest

from targets import M4bram, M4bramHardware, load_hardware


def make_target(name="m4bram", **changes):
    hardware = load_hardware(name)
    assert isinstance(hardware, M4bramHardware)
    return M4bram(M4bramHardware.model_validate({**hardware.model_dump(), "mode": "published", **changes}))


@pytest.fixture(name="make_target", scope="session")
def make_target_fixture():
    return make_target

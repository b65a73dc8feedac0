"""BitMoD's targets in any mode and stage."""

import pytest

from targets import BitMod, BitModHardware, Precision, load_hardware
from targets.llm import comparison_weight_bits, llm_workload


def make_target(name="bitmod-lossy", **changes):
    hardware = load_hardware(name)
    assert isinstance(hardware, BitModHardware)
    return BitMod(BitModHardware.model_validate({**hardware.model_dump(), **changes}))


def comparison_cost(name, model, stage, mode):
    """A language model at the weight width of the authors' comparison."""
    target = make_target(name, stage=stage, mode=mode)
    weight_bits = comparison_weight_bits(name, model, stage, mode) or target.native_precision.weight_bits
    return target.cost(llm_workload(model, stage=stage, mode=mode), Precision(weight_bits, 16))


@pytest.fixture(name="make_target", scope="session")
def make_target_fixture():
    return make_target


@pytest.fixture(name="comparison_cost", scope="session")
def comparison_cost_fixture():
    return comparison_cost

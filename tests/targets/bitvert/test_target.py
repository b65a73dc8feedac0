"""What the bit-serial accelerators make of weights, precisions and descriptions."""

import numpy as np
import pytest

from spaces.base import Layer, Workload
from targets import (
    InvalidHardwareError,
    Precision,
    UnsupportedPrecisionError,
    hardware_names,
    load_hardware,
    parse_hardware,
)

DESIGNS = [name for name in hardware_names() if load_hardware(name).target == "bitvert"]


def test_speed_order_of_the_designs_is_the_papers(make_target):
    workload = Workload((Layer("linear", "linear", 768, 3072, 128, 1, 128, 1),))
    cycles = {name: make_target(name).cost(workload).cycles.total for name in DESIGNS}
    order = ["bitvert-moderate", "bitvert-conservative", "bitwave", "bitlet", "bitvert-no-bbs", "stripes"]
    assert [cycles[name] for name in order] == sorted(cycles[name] for name in order)


def test_given_weights_decide_the_cycles(make_target):
    workload = Workload((Layer("linear", "linear", 64, 32, 16, 1, 16, 1),))
    sparse = {"linear": np.eye(32, 64, dtype=np.int8)}
    target = make_target("pragmatic")
    assert target.cost(workload, weights=sparse).cycles.compute == 4
    assert target.cost(workload).cycles.compute > 8
    assert target.cost(workload) == target.cost(workload)


@pytest.mark.parametrize(("name", "changes"), [("stripes", {}), ("bitvert-ant", {"stem_bits": 8})])
def test_published_stem_is_wide_for_ant_alone(make_target, name, changes):
    stem = Workload((Layer("stem", "conv", 3, 64, 32, 32, 32, 32, kernel=7),))
    row = make_target(name, **changes).cost(stem, Precision(4, 4)).layers[0].details
    bits = 8 if changes else 4
    assert row["w_bytes"] == 64 * 3 * 49 * bits / 8
    assert row["i_bytes"] == 3 * 32 * 32 * bits / 8
    assert row["o_bytes"] == 64 * 32 * 32 * 4 / 8


@pytest.mark.parametrize(("precision", "bits"), [(Precision(9, 8), 9), (Precision(4, 16), 16)])
def test_operands_too_wide_are_refused(make_target, precision, bits):
    with pytest.raises(UnsupportedPrecisionError, match=f"stripes cannot compute with {bits}-bit"):
        make_target("stripes").cost(Workload(()), precision)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mode": "figures"}, "mode: "),
        ({"cycle_rule": "magic"}, "cycle_rule: "),
        ({"refinements": ["wishful"]}, "refinements"),
        ({"rows": 0}, "rows: "),
        ({"weights_per_pe": 256}, "weights_per_pe: .*255"),
        ({"sensitive_fraction": 1.5}, "sensitive_fraction: "),
        ({"weight_buffer": {"capacity_bytes": 1}}, "weight_buffer.banks: Field required"),
        ({"sram": 1}, "sram: Extra"),
    ],
)
def test_hardware_senseless_description_is_refused_with_the_key(changes, reason):
    with pytest.raises(InvalidHardwareError, match=reason):
        parse_hardware({**load_hardware("bitvert-moderate").model_dump(), **changes})


@pytest.mark.parametrize("mode", ["published", "refined"])
@pytest.mark.parametrize("name", ["bitvert-ant", "stripes", "bitvert-moderate"])
def test_cost_of_a_mean_width_has_its_cycles(make_target, name, mode):
    layer = Layer("conv", "conv", 64, 64, 28, 28, 28, 28, kernel=3)
    target = make_target(name, mode=mode)
    narrow, mean, wide = (
        target.cost(Workload((layer,)), Precision(bits, 6)).layers[0].cycles.compute for bits in (6, 6.25, 7)
    )
    assert mean == pytest.approx(0.75 * narrow + 0.25 * wide)

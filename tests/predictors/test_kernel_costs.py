import numpy as np
import pytest

from predictors.kernel_costs import NAMES, kernel_costs
from spaces import SPACES, get_space


@pytest.mark.parametrize("name", list(SPACES))
def test_kernel_costs_agree_with_the_workload_of_every_space(name):
    space = get_space(name)
    architectures = space.sample(3, rng=np.random.default_rng(0))
    columns = dict(zip(NAMES, kernel_costs(space, architectures).T, strict=True))
    for row, architecture in enumerate(architectures):
        layers = space.workload(architecture).layers
        convolutions = sum(layer.macs for layer in layers if layer.kind == "conv")
        by_kind = sum(columns[f"{kind}:macs"][row] for kind in ("depthwise", "grouped", "pointwise", "dense"))
        assert by_kind == pytest.approx(convolutions, rel=1e-9)
        assert columns["weights"][row] == pytest.approx(space.workload(architecture).params)
        roofline = sum(max(layer.macs / 16, layer.bytes_moved()) for layer in layers)
        assert columns["roofline:16"][row] == pytest.approx(roofline, rel=1e-9)


def test_kernel_costs_tell_kernel_kinds_of_a_block_apart():
    space = get_space("fbnet")
    base, grouped = (kernel_costs(space, [space.parse([choice] * 22)])[0] for choice in (0, 1))
    changed = {name.split(":")[0] for name, a, b in zip(NAMES, base, grouped, strict=True) if a != b}
    assert {"grouped", "pointwise", "shuffle"} <= changed
    assert "depthwise" not in changed

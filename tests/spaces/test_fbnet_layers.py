"""Layer counts of the FBNet networks against the published table."""

import json
from pathlib import Path

import numpy as np
import pytest

from spaces import Fbnet, Layer
from spaces.fbnet_layers import CIFAR100, IMAGENET, positions


@pytest.fixture(scope="module")
def table(data_dir: Path) -> dict[str, dict[str, float]]:
    return json.loads((data_dir / "zero_cost" / "fbnet_zcp.json").read_text())


def flopth_flops(layer: Layer) -> float:
    """FLOPs as the table's tool counts them: a module that is called twice is counted at its last call."""
    if layer.kind == "norm":
        return 2 * layer.out_elements
    if layer.kind == "activation":
        return 0 if layer.name.endswith("expand.relu") else layer.out_elements
    if layer.kind == "pool":
        return layer.in_elements
    return layer.macs


@pytest.mark.data
def test_params_of_every_tabulated_network_equal_the_table(table, sum_over_layers) -> None:
    space = Fbnet()
    ours = sum_over_layers(space, [space.parse(key) for key in table], lambda layer: layer.params)
    assert len(table) == 5000
    np.testing.assert_array_equal(ours, [row["params"] for row in table.values()])


@pytest.mark.data
def test_flops_of_every_tabulated_network_equal_the_table_in_its_own_convention(table, sum_over_layers) -> None:
    space = Fbnet()
    ours = sum_over_layers(space, [space.parse(key) for key in table], flopth_flops)
    np.testing.assert_array_equal(ours, [row["flops"] for row in table.values()])


def test_positions_of_both_macros_end_at_the_expected_shapes() -> None:
    for macro, last in ((CIFAR100, (184, 352, 4, 1)), (IMAGENET, (184, 352, 7, 1))):
        assert len(positions(macro)) == 22
        assert positions(macro)[-1] == last


def test_skip_is_free_where_shapes_agree_and_a_convolution_elsewhere() -> None:
    space = Fbnet()
    skip = space.choices[0].index("skip")
    costly = [position for position in range(22) if space.segment(position, skip)]
    assert costly == [1, 5, 9, 13, 17, 21]
    assert [layer.kind for layer in space.segment(5, skip)] == ["conv", "norm", "activation"]


def test_grouped_block_shuffles_and_adds_its_input() -> None:
    space = Fbnet()
    kinds = [layer.kind for layer in space.segment(0, space.choices[0].index("k3_e1_g2"))]
    assert kinds == ["conv", "norm", "activation", "shuffle", "conv", "norm", "activation", "conv", "norm", "add"]

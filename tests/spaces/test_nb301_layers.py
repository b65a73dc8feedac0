"""Layer counts of the DARTS network against the published table."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from spaces import Layer, Nb301
from spaces.nb301_layers import REDUCE, cell_shapes

SPACE = Nb301()


@pytest.fixture(scope="module")
def table(data_dir: Path) -> dict[str, dict[str, dict[str, float]]]:
    with gzip.open(data_dir / "zero_cost" / "naslib_nb301.json.gz", "rt") as file:
        return json.load(file)["cifar10"]


def suite_zero_flops(layer: Layer) -> float:
    """FLOPs as NAS-Bench-Suite-Zero counts them; the global pool's window is taken one pixel too wide."""
    if layer.kind == "norm":
        return (2 if layer.is_affine else 1) * layer.out_elements
    if layer.kind == "activation":
        return layer.out_elements
    if layer.kind == "pool":
        return (layer.kernel + (layer.name == "head.pool")) ** 2 * layer.out_elements
    return layer.macs


@pytest.mark.data
def test_params_of_every_tabulated_network_equal_the_table(table, sum_over_layers) -> None:
    ours = sum_over_layers(SPACE, [SPACE.parse(key) for key in table], lambda layer: layer.params)
    assert len(table) == 725
    np.testing.assert_array_equal(ours, np.round([row["params"]["score"] * 1e6 for row in table.values()]))


@pytest.mark.data
def test_flops_of_every_tabulated_network_equal_the_table_in_its_own_convention(table, sum_over_layers) -> None:
    ours = sum_over_layers(SPACE, [SPACE.parse(key) for key in table], suite_zero_flops)
    np.testing.assert_array_equal(ours, np.round([row["flops"]["score"] * 1e6 for row in table.values()]))


def test_shapes_double_the_channels_and_halve_the_side_twice() -> None:
    shapes = cell_shapes()
    assert [shape.channels for shape in shapes] == [32, 32, 64, 64, 64, 128, 128, 128]
    assert [shape.out_size for shape in shapes] == [32, 32, 16, 16, 16, 8, 8, 8]
    assert [place for place, shape in enumerate(shapes) if shape.kind == REDUCE] == [2, 5]
    assert [place for place, shape in enumerate(shapes) if shape.is_first_input_larger] == [3, 6]


def test_skip_is_free_but_on_the_inputs_of_a_reduction_cell() -> None:
    skips = SPACE.parse("0.2-1.2|0.2-2.2|2.2-3.2|3.2-4.2/0.2-1.2|0.2-2.2|2.2-3.2|3.2-4.2")
    free = [part for part in SPACE.parts(skips)[1:] if not SPACE.part_layers(part)]
    costly = [part.variant for part in SPACE.parts(skips)[1:] if SPACE.part_layers(part)]
    assert len(free) == 13
    assert [(kind, node, slot) for kind, node, slot, _, _ in costly] == [(1, 0, 0), (1, 0, 1), (1, 1, 0)]

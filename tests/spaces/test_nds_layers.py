"""Layer counts of the NDS network, against NAS-Bench-301's where they share cells, and by hand."""

import numpy as np

from spaces import SPACES, Layer
from spaces.nb301_layers import OPS
from spaces.nds_layers import edge_layers

DARTS, NB301 = SPACES["nds_darts"], SPACES["nb301"]


def genotype(key: str) -> dict[str, list[tuple[str, int]]]:
    """The cells of a key of nb301 as named operations."""
    cells = [[edge.split(".") for node in cell.split("|") for edge in node.split("-")] for cell in key.split("/")]
    named = [[(OPS[int(op)], int(source)) for source, op in cell] for cell in cells]
    return dict(zip(("normal", "reduce"), named, strict=True))


def conv_params(layers: tuple[Layer, ...]) -> int:
    return sum(layer.params for layer in layers if layer.kind != "norm")


def test_darts_cells_without_none_cost_what_they_cost_in_nb301() -> None:
    for theirs in NB301.sample(20, rng=np.random.default_rng(0)):
        ours = DARTS.workload(DARTS.parse(genotype(theirs.key)))
        expected = NB301.workload(theirs)
        assert ours.macs == expected.macs
        assert conv_params(ours.layers) == conv_params(expected.layers)
        affine = [layer for layer in ours.layers if layer.kind == "norm"]
        assert all(layer.is_affine for layer in affine)
        pools = sum(layer.kind == "pool" and layer.name != "head.pool" for layer in ours.layers)
        assert len(affine) + pools == sum(layer.kind == "norm" for layer in expected.layers)


def test_row_and_column_convolutions_have_weights_along_one_direction() -> None:
    layers = edge_layers(1, (0, 0), 0, "conv_7x1_1x7")  # two reduction cells, of 64 and 128 channels, stride 2
    row, column = layers[1:3]
    assert (row.in_height, row.in_width, row.out_height, row.out_width) == (32, 32, 32, 16)
    assert (column.in_height, column.in_width, column.out_height, column.out_width) == (32, 16, 16, 16)
    assert row.params == column.params == 7 * 64**2
    assert row.macs == 2 * column.macs == 32 * 16 * 7 * 64**2


def test_dense_convolution_and_pools_have_the_weights_of_their_kernel() -> None:
    assert sum(layer.params for layer in edge_layers(1, (0, 0), 0, "conv_3x3")) == 9 * (64**2 + 128**2) + 2 * 192
    pools = edge_layers(1, (0, 0), 0, "max_pool_7x7")
    assert [(pool.kernel, pool.in_height, pool.out_height) for pool in pools] == [(7, 32, 16), (7, 16, 8)]


def test_fewer_loose_ends_make_later_cells_narrower() -> None:
    space = SPACES["nds_enas"]
    chain = "0.0-1.0|2.0-2.0|3.0-3.0|4.0-4.0|5.0-5.0"
    wide = "|".join(["0.0-1.0"] * 5)
    layers = {layer.name: layer for layer in space.workload(space.parse(f"{chain}/{wide}")).layers}
    assert layers["head.linear"].in_channels == 1 * 128
    assert layers["cell1.input1.conv"].in_channels == 1 * 32
    assert layers["cell3.input1.conv"].in_channels == 5 * 64
    assert layers["cell4.input0.conv"].in_channels == 5 * 64
    assert layers["cell0.input0.conv"].in_channels == 96
    assert layers["cell2.concat"].in_channels == 5 * 64


def test_none_runs_but_has_no_weights() -> None:
    (first, second) = edge_layers(1, (0, 0), 0, "none")
    assert (first.macs, first.params) == (second.macs, second.params) == (0, 0)
    assert first.out_elements == 64 * 16 * 16

"""Layer counts of the NAS-Bench-101 network against the published table."""

import ast
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from spaces import Layer, Nb101
from spaces.nb101_cell import Cell, pruned
from spaces.nb101_layers import OPS, cell_vertices, network_layers

SPACE = Nb101()
TABLE_OPS = {2: "maxpool3x3", 3: "conv1x1-bn-relu", 4: "conv3x3-bn-relu"}


@pytest.fixture(scope="module")
def table(data_dir: Path) -> dict[str, dict[str, float]]:
    with gzip.open(data_dir / "zero_cost" / "naslib_nb101.json.gz", "rt") as file:
        return json.load(file)["nasbench101"]["cifar10"]


def table_layers(key: str) -> tuple[Layer, ...]:
    """The network with the vertices in the table's own order."""
    numbers = ast.literal_eval(key)
    matrix = np.array(numbers[:49]).reshape(7, 7) == 1
    cell = pruned(Cell(tuple(OPS.index(TABLE_OPS[number]) for number in numbers[50:-1]), matrix))
    assert cell is not None
    return network_layers(cell_vertices(*cell))


def suite_zero_flops(layer: Layer) -> float:
    """FLOPs as NAS-Bench-Suite-Zero counts them; the global average, which is no module there, is not counted."""
    if layer.kind == "norm":
        return 2 * layer.out_elements
    if layer.kind == "activation":
        return layer.out_elements
    if layer.kind == "pool":
        return 0 if layer.name == "head.pool" else layer.kernel**2 * layer.out_elements
    return layer.macs


@pytest.mark.data
def test_params_and_flops_of_every_tabulated_cell_equal_the_table_in_its_own_order_of_vertices(table) -> None:
    assert len(table) == 500
    for key, row in table.items():
        layers = table_layers(key)
        assert sum(layer.params for layer in layers) == round(row["params"] * 1e6)
        assert sum(map(suite_zero_flops, layers)) == round(row["flops"] * 1e6)


@pytest.mark.data
def test_canonical_order_changes_counts_only_where_channels_do_not_divide_evenly(table) -> None:
    same = 0
    for key, row in table.items():
        architecture = SPACE.parse(key)
        difference = SPACE.workload(architecture).params / (row["params"] * 1e6) - 1
        readers = int(SPACE.graph(architecture).adjacency[1:, -1].sum())
        assert abs(difference) < (0.01 if readers in (3, 5) else 1e-9)
        same += abs(difference) < 1e-9
    assert same == 469


def test_channels_are_shared_as_evenly_as_possible_and_cut_where_they_are_too_many() -> None:
    vertices = cell_vertices(
        (0, 0, 0),
        np.array([[0, 1, 1, 1, 0], [0, 0, 0, 1, 1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1], [0] * 5]) == 1,
    )
    assert [vertex.widths[0] for vertex in vertices] == [43, 43, 42, 128]
    names = [layer.name for layer in network_layers(vertices) if layer.kind in ("slice", "concat")]
    assert names[:2] == ["stack0.cell0.vertex3.cut1", "stack0.cell0.vertex4.concat"]


def test_cell_of_an_edge_alone_is_its_projection() -> None:
    layers = SPACE.workload(SPACE.parse("|1")).layers
    assert sum(layer.kind == "conv" for layer in layers) == 1 + 9
    assert not any(layer.kind in ("add", "concat") for layer in layers)

"""Layer counts of the TransNAS-Bench-101 networks against the published tables."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from spaces import Layer, Tnb101Macro, Tnb101Micro

SPACES = {"micro": Tnb101Micro(), "macro": Tnb101Macro()}
spaces = pytest.mark.parametrize("name", SPACES)


@pytest.fixture(scope="module")
def tables(data_dir: Path) -> dict[str, dict[str, tuple[float, float]]]:
    """For each space: architecture -> FLOPs and params of scene classification."""
    found = {}
    for name in SPACES:
        with gzip.open(data_dir / "zero_cost" / f"naslib_tnb101_{name}_7tasks.json.gz", "rt") as file:
            rows = json.load(file)["class_scene"]
        found[name] = {key: (row["flops"]["score"] * 1e6, row["params"]["score"] * 1e6) for key, row in rows.items()}
    with gzip.open(data_dir / "zero_cost" / "tnb101_micro_zcp.csv.gz", "rt") as file:
        rows = csv.DictReader(file)
        found["micro"] |= {row["net"]: (float(row["flops"]) * 1e6, float(row["params"]) * 1e6) for row in rows}
    return found


def suite_zero_flops(layer: Layer) -> float:
    """FLOPs as NAS-Bench-Suite-Zero counts them; the global pool's window is taken one pixel too wide."""
    if layer.kind == "norm":
        return 2 * layer.out_elements
    if layer.kind == "activation":
        return 0 if layer.name.endswith("zero") else layer.out_elements
    if layer.kind == "pool":
        return (layer.kernel + 1) ** 2 * layer.out_elements
    return layer.macs


@pytest.mark.data
@spaces
def test_params_of_every_tabulated_network_equal_the_table(tables, name: str, sum_over_layers) -> None:
    space, table = SPACES[name], tables[name]
    assert len(table) == {"micro": 2475, "macro": 662}[name]
    ours = sum_over_layers(space, [space.parse(key) for key in table], lambda layer: layer.params)
    np.testing.assert_array_equal(ours, np.round([params for _, params in table.values()]))


@pytest.mark.data
@spaces
def test_flops_of_every_tabulated_network_equal_the_table_in_its_own_convention(
    tables, name: str, sum_over_layers
) -> None:
    space, table = SPACES[name], tables[name]
    ours = sum_over_layers(space, [space.parse(key) for key in table], suite_zero_flops)
    np.testing.assert_array_equal(ours, np.round([flops for flops, _ in table.values()]))


def test_skip_is_free_but_in_the_cells_that_halve() -> None:
    space = SPACES["micro"]
    assert space.segment(2, 1) == ()  # between inner nodes
    kinds = [layer.kind for layer in space.segment(0, 1)]
    assert kinds == ["activation", "conv", "slice", "conv", "concat", "norm"] * 3


def test_none_runs_a_kernel_on_every_edge_of_every_cell() -> None:
    space = SPACES["micro"]
    for position in range(6):
        assert [layer.kind for layer in space.segment(position, 0)] == ["activation"] * 10

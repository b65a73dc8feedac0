"""Layer counts of the NAS-Bench-201 network against the published tables."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from spaces import Layer, Nb201

# The table's counter takes the global pool's window one pixel too wide: 9 x 9 instead of 8 x 8, 64 channels.
GLOBAL_POOL_EXCESS = (9**2 - 8**2) * 64


@pytest.fixture(scope="module")
def table(data_dir: Path) -> list[dict[str, str]]:
    with gzip.open(data_dir / "zero_cost" / "nb201_zcp.csv.gz", "rt") as file:
        return [row for row in csv.DictReader(file) if row["dataset"] == "cifar10"]


def suite_zero_flops(layer: Layer) -> float:
    """FLOPs as NAS-Bench-Suite-Zero counts them."""
    if layer.kind == "norm":
        return 2 * layer.out_elements
    if layer.kind == "activation":
        return 0 if layer.name.endswith("zero") else layer.out_elements
    if layer.kind == "pool":
        return layer.kernel**2 * layer.out_elements
    return layer.macs


@pytest.mark.data
def test_params_of_every_tabulated_cell_equal_the_table(table, sum_over_layers) -> None:
    space = Nb201()
    ours = sum_over_layers(space, [space.parse(row["arch_str"]) for row in table], lambda layer: layer.params)
    assert len(table) == 9445
    np.testing.assert_array_equal(ours, np.round([float(row["params"]) * 1e6 for row in table]))


@pytest.mark.data
def test_flops_of_every_tabulated_cell_equal_the_table_in_its_own_convention(table, sum_over_layers) -> None:
    space = Nb201()
    ours = sum_over_layers(space, [space.parse(row["arch_str"]) for row in table], suite_zero_flops)
    published = np.round([float(row["flops"]) * 1e6 for row in table])
    np.testing.assert_array_equal(ours + GLOBAL_POOL_EXCESS, published)


def test_macs_of_the_all_3x3_cell_are_the_benchmarks_flops() -> None:
    """220.11969 M FLOPs is what the benchmark's own API reports for this cell: MACs of conv and linear."""
    space = Nb201()
    assert space.workload(space.parse([3] * 6)).macs == 220_119_690 - 10  # the API counts the linear layer's bias


def test_workload_runs_dead_operations_and_zeros_and_always_adds_three_times_a_cell() -> None:
    space = Nb201()
    layers = space.workload(space.parse([0, 3, 3, 0, 4, 0])).layers  # nothing reaches the output
    assert sum(layer.kind == "add" for layer in layers) == 15 * 3 + 2
    assert sum(".zero" in layer.name for layer in layers) == 15 * 3
    assert sum("nor_conv_3x3.conv" in layer.name for layer in layers) == 15 * 2
    assert sum("avg_pool_3x3" in layer.name for layer in layers) == 15


def test_layer_names_are_unique() -> None:
    space = Nb201()
    names = [layer.name for layer in space.workload(space.parse([0, 1, 2, 3, 4, 0])).layers]
    assert len(set(names)) == len(names)

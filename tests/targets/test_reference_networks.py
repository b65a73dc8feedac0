"""The reference networks against their published sizes and the tables that the reference outputs were made from."""

import csv
from itertools import pairwise

import pytest

from targets import load_target
from targets.reference_networks import REFERENCE_NETWORKS


# Multiply-accumulates and weights in millions, without biases and batch normalisation: the papers' or torchvision's.
@pytest.mark.parametrize(
    ("name", "macs", "weights"),
    [
        ("alexnet", 724, 60.95),
        ("vgg16", 15_470, 138.34),
        ("resnet18", 1_814, 11.68),
        ("resnet34", 3_664, 21.78),
        ("resnet50", 4_089, 25.50),
        ("vit-base", 17_564, 86.3),
        ("bert-base", 11_174, 84.9),
    ],
)
def test_reference_network_has_the_published_size(name, macs, weights):
    workload = REFERENCE_NETWORKS[name]()
    assert workload.macs / 1e6 == pytest.approx(macs, rel=0.002)
    assert workload.params / 1e6 == pytest.approx(weights, rel=0.002)


@pytest.mark.parametrize("name", REFERENCE_NETWORKS)
def test_reference_network_layers_fit_each_other(name):
    layers = REFERENCE_NETWORKS[name]().layers
    assert len({layer.name for layer in layers}) == len(layers)
    for before, after in pairwise(layers):
        side_branch = "downsample" in before.name or "downsample" in after.name
        if not side_branch and after.kind in ("conv", "pool"):
            assert (after.in_channels, after.in_height) == (before.out_channels, before.out_height), after.name


@pytest.mark.data
@pytest.mark.parametrize("name", ["vgg16", "resnet34", "resnet50", "vit-small", "vit-base", "bert-base"])
def test_reference_network_equals_the_table_of_the_reference_outputs(goldens_dir, name):
    with (goldens_dir / "bbs_models.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == name]
    assert [int(row["layer_index"]) for row in rows] == list(range(len(rows)))
    layers = [layer for layer in REFERENCE_NETWORKS[name]().layers if layer.kind in ("conv", "linear")]
    if name.startswith("bert"):  # the table sorts blocks by name
        layers.sort(key=lambda layer: [row["layer"] for row in rows].index(layer.name))
    for row, layer in zip(rows, layers, strict=True):
        is_dense = layer.kind == "linear"
        assert (row["layer"], row["type"]) == (layer.name, "fc" if is_dense else "conv")
        assert (int(row["cin"]), int(row["cout"]), int(row["k"]), int(row["params"])) == (
            layer.in_channels,
            layer.out_channels,
            layer.kernel,
            layer.params,
        )
        assert int(row["out_size_or_tokens"]) == (layer.out_width if is_dense else layer.out_height)
        assert int(row["in_size"]) == layer.in_height


@pytest.mark.parametrize("name", REFERENCE_NETWORKS)
@pytest.mark.parametrize("hardware", ["bitvert-moderate", "m4bram", "dla", "bramac"])
def test_reference_network_runs_on_every_refined_accelerator(name, hardware):
    target, workload = load_target(hardware), REFERENCE_NETWORKS[name]()
    cost = target.cost(workload)
    assert cost.cycles is not None
    assert sum(row.macs for row in cost.layers) == workload.macs
    assert cost.cycles.compute * 8192 > workload.macs  # no more than the widest array could do

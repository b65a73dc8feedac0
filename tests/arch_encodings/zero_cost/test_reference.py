"""The proxies that need no images against the published values."""

import csv
import gzip
import itertools
import json

import numpy as np
import pytest

from arch_encodings.zero_cost import compute_proxies
from spaces import get_space

pytestmark = pytest.mark.data
_GLOBAL_POOL = 64 * (9 * 9 - 8 * 8)  # the reference counts the last pooling of NB201 as one pixel wider and higher
_COUNT = 12


@pytest.fixture(scope="module")
def nb201(data_dir):
    """Architectures and published rows."""
    with gzip.open(data_dir / "zero_cost" / "nb201_zcp.csv.gz", "rt", encoding="utf-8") as file:
        rows = [row for row in itertools.islice(csv.DictReader(file), 5 * _COUNT) if row["dataset"] == "cifar10"]
    return [get_space("nb201").parse(row["arch_str"]) for row in rows[:_COUNT]], rows[:_COUNT]


@pytest.fixture(scope="module")
def fbnet(data_dir):
    """Architectures and published rows."""
    table = json.loads((data_dir / "zero_cost" / "fbnet_zcp.json").read_text(encoding="utf-8"))
    keys = list(table)[:_COUNT]
    return [get_space("fbnet").parse(key) for key in keys], [table[key] for key in keys]


def _published(rows, name):
    return np.array([float(row[name]) for row in rows])


def test_counts_of_nb201_are_the_published_ones(nb201):
    architectures, rows = nb201
    params, flops = compute_proxies(get_space("nb201"), architectures, ["params", "flops"]).T
    np.testing.assert_allclose(params, 1e6 * _published(rows, "params"), rtol=0, atol=0.1)
    np.testing.assert_allclose(flops + _GLOBAL_POOL, 1e6 * _published(rows, "flops"), rtol=0, atol=0.1)


def test_counts_of_fbnet_are_the_published_ones(fbnet):
    """The reference's flops lack the activation behind a block's expansion: one module serves both of a block."""
    architectures, rows = fbnet
    params, flops = compute_proxies(get_space("fbnet"), architectures, ["params", "flops"]).T
    lacking = [
        sum(
            layer.out_elements
            for layer in get_space("fbnet").workload(architecture).layers
            if layer.kind == "activation" and ".expand." in layer.name
        )
        for architecture in architectures
    ]
    np.testing.assert_array_equal(params, _published(rows, "params"))
    np.testing.assert_array_equal(flops - lacking, _published(rows, "flops"))


def test_weight_norms_have_the_published_size(nb201, fbnet):
    for (architectures, rows), name in ((nb201, "nb201"), (fbnet, "fbnet")):
        norms = compute_proxies(get_space(name), architectures, ["l2_norm"])[:, 0]
        np.testing.assert_allclose(norms, _published(rows, "l2_norm"), rtol=0.02)


def test_synflow_has_the_published_size(nb201, fbnet):
    ours = np.log(compute_proxies(get_space("nb201"), nb201[0], ["synflow"])[:, 0])
    np.testing.assert_allclose(ours, _published(nb201[1], "synflow"), atol=2)
    ours = np.log(compute_proxies(get_space("fbnet"), fbnet[0], ["synflow"])[:, 0])
    np.testing.assert_allclose(ours, np.log(_published(fbnet[1], "synflow")), atol=2)

"""Published proxies of some cells that serve the others."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from arch_encodings.zcp import SCALES
from service.benchmarks.shared_proxies import read_shared_proxies
from service.benchmarks.source_accuracies import read_source_accuracies
from spaces import Architecture, get_space
from spaces.nb201_cell import isomorphism_class

SPACE = get_space("nb201")
# none 0, skip 1, 1x1 2, 3x3 3, pool 4 on 0->1, 0->2, 1->2, 0->3, 1->3, 2->3.
CHAIN = [3, 0, 1, 0, 0, 2]  # 3x3, then 1x1, by way of node 2
SAME = [1, 0, 3, 0, 0, 2]  # the same chain, the 3x3 later
ALSO = [1, 3, 0, 0, 0, 2]  # the 3x3 straight to node 2
OTHER = [3, 3, 3, 3, 3, 3]


def write(folder: Path, rows: dict[str, float]) -> None:
    header = ["dataset", "arch_str", *SCALES]
    lines = [",".join(["cifar10", key, *[str(value)] * len(SCALES)]) for key, value in rows.items()]
    with gzip.open(folder / "nb201_zcp.csv.gz", "wt") as file:
        file.write("\n".join([",".join(header), *lines]) + "\n")


def cells(*rows: list[int]) -> list[Architecture]:
    return [SPACE.parse(row) for row in rows]


def test_proxies_of_a_class_are_its_mean_and_serve_all_of_it(tmp_path):
    chain, same, third, other = cells(CHAIN, SAME, ALSO, OTHER)
    write(tmp_path, {chain.key: 1.0, same.key: 3.0, other.key: 7.0})
    asked = [chain, same, third, other]
    rows = read_shared_proxies(tmp_path, SPACE, asked).encode(SPACE, asked)
    nwot = list(SCALES).index("nwot")
    np.testing.assert_allclose(rows[:, nwot], [2.0, 2.0, 2.0, 7.0])


def test_proxies_of_a_class_without_any_come_from_cells_that_compute_the_same(tmp_path):
    # An operation on a zero node counts in the class, not in what the cell computes.
    plain, with_zero = cells([0, 0, 0, 3, 0, 0], [0, 0, 3, 3, 0, 3])
    assert len({isomorphism_class(SPACE.decisions([cell])[0].tolist()) for cell in (plain, with_zero)}) == 2
    other = cells(OTHER)[0]
    write(tmp_path, {plain.key: 4.0, other.key: 9.0})
    asked = [with_zero, plain, other]
    rows = read_shared_proxies(tmp_path, SPACE, asked).encode(SPACE, asked)
    np.testing.assert_allclose(rows[0], rows[1])
    assert not np.allclose(rows[0], rows[2])


@pytest.mark.data
def test_every_cell_has_proxies(data_dir: Path):
    asked = list(SPACE.enumerate())
    assert np.isfinite(read_shared_proxies(data_dir / "zero_cost", SPACE, asked).encode(SPACE, asked)).all()


@pytest.mark.data
def test_source_accuracies_are_of_other_spaces_than_nb201(data_dir: Path):
    sources = read_source_accuracies(data_dir / "zero_cost")
    assert {source.space for source in sources} == {"nb101", "nb301", "tnb101_micro", "tnb101_macro"}
    assert len({(source.space, source.task) for source in sources}) == len(sources) == 17
    for source in sources:
        assert len(source.architectures) == len(source.accuracy) >= 500
        assert np.isfinite(source.accuracy).all()
        assert {"flops", "jacov"} <= set(source.proxies)

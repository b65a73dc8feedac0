import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from service.uploads.units import Expectation, expect_from_peers, unit_faults
from service.use_cases.expect_latency import is_folded
from spaces import SPACES

VALUES = np.array([4.0, 5.0, 6.0, 7.5, 20.0])


def around(low: float, high: float | None = None, count: int = 5) -> Expectation:
    return Expectation(np.full(count, low), np.full(count, high or low), "the reference")


def faults(values: np.ndarray, expected: Expectation | None, folded: np.ndarray | None = None) -> dict[int, str]:
    return unit_faults(values, expected, lambda: np.zeros(len(values), bool) if folded is None else folded)


def test_genuine_values_pass_beside_any_near_reference() -> None:
    for expected in (None, around(0.5), around(6), around(100), around(1, 1000)):
        assert faults(VALUES, expected) == {}


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1e-3, "about 1,000x below the reference: is it in seconds?"),
        (1e3, "about 1,000x above the reference: is it in microseconds?"),
        (1e6, "about 1,000,000x above the reference: is it in nanoseconds?"),
    ],
)
def test_whole_upload_in_another_unit_is_caught_in_every_row(factor: float, words: str) -> None:
    found = faults(VALUES * factor, around(6))
    assert list(found) == [0, 1, 2, 3, 4]
    assert words in found[0]
    assert found[0].startswith(f"latency_ms {VALUES[0] * factor:.4g}, like the device's other rows,")
    assert "check_units=false" in found[0]


@pytest.mark.parametrize("expected", [None, around(6)])
@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_single_row_in_another_unit_is_caught(expected: Expectation | None, factor: float) -> None:
    values = VALUES.copy()
    values[2] *= factor
    found = faults(values, expected)
    assert list(found) == [2]
    assert "other rows," not in found[2]


def test_two_unknown_rows_say_nothing_about_each_other() -> None:
    assert faults(np.array([1.0, 1e6]), None) == {}


def test_folded_network_is_never_too_fast_but_may_be_too_slow() -> None:
    folded = np.array([True, False, False, False, False])
    values = VALUES.copy()
    values[0] = 0.003
    assert faults(values, around(6), folded) == {}
    values[0] = 6000
    assert list(faults(values, around(6), folded)) == [0]


def test_rows_beside_mostly_folded_networks_are_not_blamed() -> None:
    values = np.array([0.003, 0.004, 0.005, 9.0, 10.0, 11.0])
    folded = np.array([True, True, True, False, False, False])
    assert faults(values, around(8, count=6), folded) == {}
    assert faults(values, None, folded) == {}


def test_plausible_uploads_never_ask_for_graphs() -> None:
    def never() -> np.ndarray:
        raise AssertionError

    assert unit_faults(VALUES, around(6), never) == {}


def test_is_folded_finds_the_cells_without_a_path() -> None:
    space = SPACES["nb201"]
    dead, alive = space.parse("0-0-3-0-3-0"), space.parse("3-0-3-0-0-3")
    assert is_folded(space, [dead, alive]).tolist() == [True, False]
    assert is_folded(space, list(space.enumerate())).sum() == 341
    assert is_folded(space, []).tolist() == []


@pytest.fixture(scope="module")
def genuine(data_dir: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Space to device to canonical architecture to latency, of HELP and EAGLE."""
    import torch

    index = torch.load(data_dir / "help/nasbench201/str_arch2idx.pt", weights_only=True)
    cells = sorted(index, key=index.__getitem__)
    chains = ["_".join(map(str, ops)) for ops in torch.load(data_dir / "help/fbnet/arch.pt", weights_only=True)]
    tables: dict[str, dict[str, dict[str, float]]] = {"nb201": {}, "fbnet": {}}
    for space, folder, keys in (("nb201", "nasbench201", cells), ("fbnet", "fbnet", chains)):
        for path in sorted((data_dir / "help" / folder / "latency").glob("*.pt")):
            values = np.asarray(torch.load(path, weights_only=True), dtype=float).tolist()
            tables[space][path.stem] = dict(zip(keys, values, strict=True))
    with gzip.open(data_dir / "eagle/nb201_latency_ms.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    for device in list(rows[0])[3:]:
        measured = {row["arch_str"]: float(row[device] or "nan") for row in rows}
        tables["nb201"][device] = {key: value for key, value in measured.items() if value > 0}
    return tables


@pytest.mark.data
@pytest.mark.parametrize(("factor", "caught"), [(1.0, 0), (1e-3, 20), (1e3, 20)])
@pytest.mark.parametrize("space", ["nb201", "fbnet"])
def test_twenty_timings_of_any_real_device_pass_and_in_another_unit_are_caught(
    genuine: dict[str, dict[str, dict[str, float]]], space: str, factor: float, caught: int
) -> None:
    tables = genuine[space]
    medians = {device: float(np.median(list(table.values()))) for device, table in tables.items()}
    assert len(tables) == {"nb201": 42, "fbnet": 27}[space]
    rng = np.random.default_rng(0)
    for device, table in tables.items():
        peers = expect_from_peers([value for other, value in medians.items() if other != device], space, 20)
        keys = rng.choice(list(table), 20, replace=False)
        values = factor * np.array([table[key] for key in keys])
        found = unit_faults(
            values, peers, lambda keys=keys: is_folded(SPACES[space], list(map(SPACES[space].parse, keys)))
        )
        assert len(found) == caught, device

"""NAS-Bench-201 test accuracies after 200 epochs on three data sets, and the benchmark's order of architectures.

Dong & Yang 2020, arXiv 2001.00326 (NATS-Bench's values), tabulated with one row per architecture.
"""

from pathlib import Path
from typing import Final

from device_db.errors import ImportFormatError
from device_db.importers.benchmark_data import (
    AccuracyTable,
    BenchmarkData,
    Canonical,
    canonical_keys,
    find_file,
    in_index_order,
)
from device_db.importers.csv_table import read_columns, read_indices

_SOURCE = "NATS-Bench"
_SPACE = "nb201"
_FILES: Final = ("nb201_accuracy.csv.gz", "nb201_accuracy.csv")
_ARCHITECTURE = "arch"
_INDEX = "nb201_index"
_DATASETS: Final[dict[str, str]] = {
    "cifar10_test_acc": "cifar10",
    "cifar100_test_acc": "cifar100",
    "imagenet16_120_test_acc": "imagenet16-120",
}


def read(path: Path, canonical: Canonical) -> BenchmarkData:
    """The table, gzipped or not, or the folder that contains it."""
    file = find_file(path, _FILES)
    columns = read_columns(file, [_ARCHITECTURE, _INDEX, *_DATASETS])
    keys = canonical_keys(file, _SPACE, columns[_ARCHITECTURE], canonical)
    indices = read_indices(file, columns[_INDEX])
    return BenchmarkData(
        source=_SOURCE,
        accuracies=tuple(
            AccuracyTable(_SPACE, dataset, _percentages(file, name, keys, columns[name]))
            for name, dataset in _DATASETS.items()
        ),
        orders={_SPACE: in_index_order(file, zip(indices, keys, strict=True), len(keys))},
    )


def _percentages(file: Path, name: str, keys: list[str], cells: list[str]) -> dict[str, float]:
    return {
        key: _percentage(file, f"line {line}, {name}", cell)
        for line, (key, cell) in enumerate(zip(keys, cells, strict=True), start=2)
    }


def _percentage(file: Path, where: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError as error:
        raise ImportFormatError(file, f"{where}: {cell!r} is not a number") from error
    if not 0 <= value <= 100:
        raise ImportFormatError(file, f"{where}: {cell} is not a percentage")
    return value

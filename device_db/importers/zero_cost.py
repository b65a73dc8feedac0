"""Published zero-cost proxies: NAS-Bench-Suite-Zero's of 9,445 NAS-Bench-201 cells, NASFLAT's of 5,000 FBNet networks.

Krishnakumar et al. 2022, arXiv 2210.03230, tabulated with a row per data set and cell; Akhauri & Abdelfattah 2024,
arXiv 2403.02446, a JSON object of proxies for each architecture. Values are stored in the units of our own proxies,
under a configuration that names the source: they were computed on other images and draws of weights, so the two kinds
are never mixed. Of NAS-Bench-201 only CIFAR-10 is read, for which the space's networks are.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from device_db.errors import ImportFormatError
from device_db.importers.benchmark_data import BenchmarkData, Canonical, EncodingTable, canonical_keys
from device_db.importers.csv_table import read_columns

_NB201_FILES: Final = ("nb201_zcp.csv.gz", "nb201_zcp.csv")
_FBNET_FILES: Final = ("fbnet_zcp.json",)
_SOURCE = "published zero-cost proxies"
_DATASET = "cifar10"
_UNDEFINED = -1e8  # what NAS-Bench-Suite-Zero writes for a proxy that is undefined
_MILLION = 1e6
PROXIES: Final = (
    "epe_nas",
    "fisher",
    "flops",
    "grad_norm",
    "grasp",
    "jacov",
    "l2_norm",
    "nwot",
    "params",
    "plain",
    "snip",
    "synflow",
    "zen",
)
# Space -> the configuration under which its values are kept.
CONFIGURATIONS: Final[Mapping[str, str]] = {
    "nb201": '{"source":"NAS-Bench-Suite-Zero","dataset":"cifar10"}',
    "fbnet": '{"source":"NASFLAT"}',
}


def read(path: Path, canonical: Canonical) -> BenchmarkData:
    """One of the files, or the folder that contains one of each or of either."""
    if path.is_file():
        files = [path]
    else:
        files = [file for names in (_NB201_FILES, _FBNET_FILES) if (file := _first_in(path, names))]
    if not files:
        names = ", ".join((*_NB201_FILES, *_FBNET_FILES))
        raise ImportFormatError(path, f"contains none of {names}" if path.is_dir() else "no such file or folder")
    readers = [_read_fbnet if file.suffix == ".json" else _read_nb201 for file in files]
    tables = tuple(read_table(file, canonical) for read_table, file in zip(readers, files, strict=True))
    return BenchmarkData(source=_SOURCE, encodings=tables)


def _first_in(folder: Path, names: Sequence[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _read_nb201(file: Path, canonical: Canonical) -> EncodingTable:
    columns = read_columns(file, ["dataset", "arch_str", *PROXIES])
    rows = [row for row, dataset in enumerate(columns["dataset"]) if dataset == _DATASET]
    if not rows:
        raise ImportFormatError(file, f"has no row of the data set {_DATASET}")
    keys = canonical_keys(file, "nb201", (columns["arch_str"][row] for row in rows), canonical)
    numbers = {name: [_nb201_value(file, row, name, columns[name][row]) for row in rows] for name in PROXIES}
    return _table("nb201", keys, numbers)


def _read_fbnet(file: Path, canonical: Canonical) -> EncodingTable:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ImportFormatError(file, f"not JSON ({error})") from error
    if not isinstance(content, dict) or not content or not all(isinstance(row, dict) for row in content.values()):
        raise ImportFormatError(file, "not an object of proxies for each architecture")
    keys = canonical_keys(file, "fbnet", content, canonical)
    numbers = {name: [_number(file, key, name, row.get(name)) for key, row in content.items()] for name in PROXIES}
    return _table("fbnet", keys, numbers)


def _table(space: str, keys: Sequence[str], numbers: Mapping[str, Sequence[float]]) -> EncodingTable:
    values = {name: dict(zip(keys, column, strict=True)) for name, column in numbers.items()}
    return EncodingTable(space, CONFIGURATIONS[space], values)


def _nb201_value(file: Path, row: int, name: str, cell: str) -> float:
    value = _number(file, f"line {row + 2}", name, cell)
    if value == _UNDEFINED:
        return math.nan
    if name == "synflow":  # upstream keeps the logarithm, and 0 where nothing flows
        return math.exp(value) if value else 0.0
    return _MILLION * value if name in ("flops", "params") else value


def _number(file: Path, where: str, name: str, cell: Any) -> float:
    try:
        value = float(cell)
    except (TypeError, ValueError) as error:
        raise ImportFormatError(file, f"{where}, {name}: {cell!r} is not a number") from error
    if math.isinf(value):
        raise ImportFormatError(file, f"{where}, {name}: {cell!r} is not finite")
    return value

"""EAGLE (LatBench): latencies of NAS-Bench-201 architectures on thirteen devices, and two "large" variants.

Dudziak et al. 2020, arXiv 2007.08668, github.com/SamsungLabs/eagle, tabulated in ms with one column per device; an
empty cell or NaN was not measured. Upstream stores the mean of the runs without outliers. The last part of a device's
name is its precision. How `large` networks differ upstream does not say, so their input shape stays open.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from device_db.errors import ImportFormatError
from device_db.importers.benchmark_data import BenchmarkData, Canonical, canonical_keys, find_file, positive_number
from device_db.importers.csv_table import read_columns
from device_db.rows import MeasurementRow

_SOURCE = "EAGLE"
_SPACE = "nb201"
_FILES: Final = ("nb201_latency_ms.csv.gz", "nb201_latency_ms.csv")
_ARCHITECTURE = "arch_str"
_NOT_DEVICES: Final = frozenset({_ARCHITECTURE, "nb201_index", "arch_vector"})
_PRECISIONS: Final = frozenset({"fp32", "fp16", "int8"})
_INPUT_SHAPE = "3x32x32"


def read(path: Path, canonical: Canonical) -> BenchmarkData:
    """The table, gzipped or not, or the folder that contains it."""
    file = find_file(path, _FILES)
    columns = read_columns(file, [_ARCHITECTURE])
    keys = canonical_keys(file, _SPACE, columns[_ARCHITECTURE], canonical)
    devices = [name for name in columns if name not in _NOT_DEVICES]
    if not devices:
        raise ImportFormatError(file, "has no column of a device")
    return BenchmarkData(
        source=_SOURCE,
        devices={device: f"{device.replace('_', ' ')} (EAGLE)" for device in devices},
        measurements=(row for device in devices for row in _rows(file, device, keys, columns[device])),
        row_count=len(keys) * len(devices),
    )


def _rows(file: Path, device: str, keys: list[str], cells: list[str]) -> Iterator[MeasurementRow]:
    suffix = device.rpartition("_")[2]
    precision = suffix if suffix in _PRECISIONS else ""
    input_shape = "" if suffix == "large" else _INPUT_SHAPE
    for line, (key, cell) in enumerate(zip(keys, cells, strict=True), start=2):
        where = f"line {line}, {device}"
        latency_ms = _number(file, cell, where)
        if not math.isnan(latency_ms):
            yield MeasurementRow(
                device,
                _SPACE,
                key,
                positive_number(file, latency_ms, where),
                statistic="mean",
                precision=precision,
                input_shape=input_shape,
            )


def _number(file: Path, cell: str, where: str) -> float:
    try:
        return float(cell) if cell else math.nan
    except ValueError as error:
        raise ImportFormatError(file, f"{where}: {cell!r} is not a number") from error

"""HW-NAS-Bench: latency and energy of NAS-Bench-201 architectures on six devices.

Li et al. 2021, arXiv 2103.10584, tabulated as one Parquet row per data set and architecture. What the three data sets
change is the network: CIFAR-10 has 32x32 inputs and 10 classes, CIFAR-100 32x32 and 100, ImageNet16-120 16x16 and 120.
A cost belongs to a device and an architecture of the space `nb201`, whose networks are CIFAR-10's, so CIFAR-10 gives
the plain device names and each other data set a device of its own, as HELP does with batch sizes: raspi4,
raspi4_cifar100, raspi4_imagenet16_120. A value of -1 (edgetpu) means that the device cannot run the network; it is not
stored.
The arithmetic intensity of eyeriss is left out: it is no cost.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from device_db.errors import ImportFormatError
from device_db.importers.benchmark_data import BenchmarkData, Canonical, canonical_keys, find_file, positive_number
from device_db.rows import MeasurementRow

_SOURCE = "HW-NAS-Bench"
_SPACE = "nb201"
_FILE = "nb201.parquet"
_UNSUPPORTED = -1.0

MODELLED: Final = frozenset({"eyeriss", "fpga"})
# Also in HELP, under the same names.
SHARED_DEVICES: Final[dict[str, str]] = {
    "raspi4": "Raspberry Pi 4 (HW-NAS-Bench)",
    "pixel3": "Google Pixel 3 phone (HW-NAS-Bench)",
    "eyeriss": "Eyeriss ASIC, costs from a model (HW-NAS-Bench)",
    "fpga": "FPGA accelerator, costs from a model (HW-NAS-Bench)",
}
_DEVICES: Final[dict[str, str]] = {
    "edgegpu": "NVIDIA Jetson TX2 (HW-NAS-Bench)",
    "edgetpu": "Google Edge TPU (HW-NAS-Bench)",
    **SHARED_DEVICES,
}


class _Metric(NamedTuple):
    name: str
    unit: str


class _Dataset(NamedTuple):
    suffix: str
    input_shape: str


class _Column(NamedTuple):
    device: str
    metric: _Metric


_METRICS: Final[dict[str, _Metric]] = {"latency": _Metric("latency_ms", "ms"), "energy": _Metric("energy_mj", "mJ")}
_COLUMNS: Final[dict[str, _Column]] = {
    f"{device}_{quantity}": _Column(device, metric)
    for quantity, metric in _METRICS.items()
    for device in (_DEVICES if quantity == "latency" else ("edgegpu", "eyeriss", "fpga"))
}
_DATASETS: Final[dict[str, _Dataset]] = {
    "cifar10": _Dataset("", "3x32x32"),
    "cifar100": _Dataset("_cifar100", "3x32x32"),
    "ImageNet16-120": _Dataset("_imagenet16_120", "3x16x16"),
}


def read(path: Path, canonical: Canonical) -> BenchmarkData:
    """The Parquet file, or the folder that contains it."""
    file = find_file(path, [_FILE])
    table = _read_table(file)
    rows_of = _rows_by_dataset(file, table["dataset"])
    keys = {
        dataset: canonical_keys(file, _SPACE, [table["arch_str"][row] for row in rows], canonical)
        for dataset, rows in rows_of.items()
    }
    return BenchmarkData(
        source=_SOURCE,
        devices={
            device + _DATASETS[dataset].suffix: f"{description}, networks for {dataset}"
            if _DATASETS[dataset].suffix
            else description
            for dataset in rows_of
            for device, description in _DEVICES.items()
        },
        measurements=(
            row
            for dataset, rows in rows_of.items()
            for name in _COLUMNS
            for row in _rows(file, dataset, name, keys[dataset], [table[name][index] for index in rows])
        ),
        row_count=len(table["dataset"]) * len(_COLUMNS),
    )


def _read_table(file: Path) -> dict[str, list[Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = ["dataset", "arch_str", *_COLUMNS]
    try:
        present = set(pq.read_schema(file).names)
        missing = [name for name in names if name not in present]
        if missing:
            raise ImportFormatError(file, f"lacks the columns {', '.join(missing)}")
        return pq.read_table(file, columns=names).to_pydict()
    except (pa.ArrowException, OSError) as error:
        raise ImportFormatError(file, f"not a Parquet file, or damaged: {error}") from error


def _rows_by_dataset(file: Path, datasets: list[Any]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for index, dataset in enumerate(datasets):
        if dataset not in _DATASETS:
            raise ImportFormatError(file, f"row {index}: unknown data set {dataset!r}; known: {', '.join(_DATASETS)}")
        rows.setdefault(dataset, []).append(index)
    if not rows:
        raise ImportFormatError(file, "has no rows")
    return rows


def _rows(file: Path, dataset: str, name: str, keys: list[str], values: list[Any]) -> Iterator[MeasurementRow]:
    device, metric = _COLUMNS[name]
    suffix, input_shape = _DATASETS[dataset]
    statistic = "model" if device in MODELLED else ""
    for key, value in zip(keys, values, strict=True):
        if value is None or value == _UNSUPPORTED or (isinstance(value, float) and math.isnan(value)):
            continue
        cost = positive_number(file, value, f"{name} of {key} for {dataset}")
        yield MeasurementRow(
            device + suffix,
            _SPACE,
            key,
            cost,
            metric=metric.name,
            unit=metric.unit,
            statistic=statistic,
            input_shape=input_shape,
        )

"""Importers: public benchmarks, from upstream's own files into the database.

`import_benchmark(session, IMPORTERS["help"](path, canonical), uploader="...")`
"""

from typing import Final

from device_db.importers import accuracy, eagle, hw_nas_bench, shipped, zero_cost
from device_db.importers import help as help_benchmark
from device_db.importers.benchmark_data import AccuracyTable, BenchmarkData, Canonical, EncodingTable, Importer
from device_db.importers.store import ImportReport, OnProgress, import_benchmark

IMPORTERS: Final[dict[str, Importer]] = {
    "help": help_benchmark.read,
    "eagle": eagle.read,
    "hw-nas-bench": hw_nas_bench.read,
    "accuracy": accuracy.read,
    "zero-cost": zero_cost.read,
}

# Space -> the configuration of its published zero-cost proxies in `EncodingValues`.
PUBLISHED_PROXIES: Final = zero_cost.CONFIGURATIONS

__all__ = [
    "IMPORTERS",
    "PUBLISHED_PROXIES",
    "AccuracyTable",
    "BenchmarkData",
    "Canonical",
    "EncodingTable",
    "ImportReport",
    "Importer",
    "OnProgress",
    "import_benchmark",
    "shipped",
]

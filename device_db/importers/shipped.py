"""Timings that come with archcast: devices that `archcast measure` timed, a CSV file and its provenance as JSON each.

`benchmarks/pack_timings.py` writes them from journals. The CSV file has a row for each network, the JSON file what
holds for all of them: processor, cores, threads, precision, runtime, load, dates and the commands.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from device_db.errors import ImportFormatError
from device_db.importers.benchmark_data import BenchmarkData, Canonical, positive_number
from device_db.importers.csv_table import read_columns
from device_db.models import DeviceKind
from device_db.rows import MeasurementRow

FOLDER: Final = Path(__file__).resolve().parents[1] / "timings"
COLUMNS: Final[tuple[str, ...]] = (
    "space",
    "architecture",
    "latency_ms",
    "lower_ms",
    "upper_ms",
    "runs",
    "batch_size",
    "input_shape",
    "measured_at",
)
FACTS: Final = ("description", "precision", "runtime", "runtime_version", "models")


def read(path: Path, canonical: Canonical) -> BenchmarkData:
    """Every device of the folder, called as its files.

    Timings of networks that the database has no layers of are left out.
    """
    files = sorted(path.glob("*.csv"))
    if not files:
        raise ImportFormatError(path, "contains no .csv file" if path.is_dir() else "no such folder")
    tables = {file: (_facts(file.with_suffix(".json")), read_columns(file, COLUMNS)) for file in files}
    rows = [row for file, (facts, columns) in tables.items() for row in _rows(file, facts, columns)]
    known = [row for row in rows if _is_known(row, canonical)]
    left_out = len(rows) - len(known)
    return BenchmarkData(
        source="archcast",
        kind=DeviceKind.onnx,
        devices={file.stem: facts["description"] for file, (facts, _) in tables.items()},
        measurements=iter(known),
        row_count=len(known),
        notes=(f"{left_out} timings left out: their networks were not uploaded",) if left_out else (),
    )


def model_names(path: Path) -> dict[str, str]:
    """Hash -> file name of the public ONNX files that were timed on the folder's devices."""
    return {key: name for file in sorted(path.glob("*.json")) for key, name in _facts(file)["models"].items()}


def _facts(file: Path) -> dict[str, Any]:
    try:
        facts = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ImportFormatError(file, f"no provenance ({error})") from error
    missing = [name for name in FACTS if name not in facts]
    if missing:
        raise ImportFormatError(file, f"lacks {', '.join(missing)}")
    return facts


def _rows(file: Path, facts: dict[str, Any], columns: dict[str, list[str]]) -> Iterator[MeasurementRow]:
    cells = zip(*(columns[name] for name in COLUMNS), strict=True)
    for line, (space, key, latency_ms, _, _, runs, batch_size, input_shape, measured_at) in enumerate(cells, start=2):
        try:
            row = MeasurementRow(
                file.stem,
                space,
                key,
                positive_number(file, float(latency_ms), f"line {line}"),
                statistic="median",
                runs=int(runs),
                batch_size=int(batch_size) if batch_size else None,
                precision=facts["precision"],
                runtime=facts["runtime"],
                runtime_version=facts["runtime_version"],
                input_shape=input_shape,
                measured_at=datetime.fromisoformat(measured_at),
            )
        except ValueError as error:
            raise ImportFormatError(file, f"line {line}: {error}") from error
        yield row


def _is_known(row: MeasurementRow, canonical: Canonical) -> bool:
    try:
        return canonical(row.space, row.architecture) == row.architecture
    except Exception:  # the caller's parser: its errors are not known here
        return False

"""Timings that come with archcast: devices that `archcast measure` timed, a CSV file and its provenance as JSON each.

`benchmarks/pack_timings.py` writes them from journals. The CSV file has a row for each network, the JSON file what
holds for all of them: processor, cores, threads, precision, runtime, load, dates and the commands. A gzipped table
beside them, which may be missing, has what each layer of each network took.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from device_db.errors import ImportFormatError
from device_db.importers.benchmark_data import BenchmarkData, Canonical, positive_number
from device_db.importers.csv_table import read_columns
from device_db.models import DeviceKind
from device_db.rows import LayerProfile, MeasurementRow

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
# Time of each layer in whole 100 ns, the grain of a profile, with spaces between them.
LAYER_COLUMNS: Final = ("space", "architecture", "layers", "layer_100ns")
_GRAINS_PER_MS: Final = 10_000
FACTS: Final = ("description", "precision", "runtime", "runtime_version", "models")


def read(path: Path, canonical: Canonical) -> BenchmarkData:
    """Every device of the folder, called as its files.

    Timings of networks that the database has no layers of are left out.
    """
    files = sorted(path.glob("*.csv"))
    if not files:
        raise ImportFormatError(path, "contains no .csv file" if path.is_dir() else "no such folder")
    tables = {file: (_facts(file.with_suffix(".json")), read_columns(file, COLUMNS)) for file in files}
    profiles = {file: _profiles(file.with_suffix(".layers.csv.gz")) for file in files}
    rows = [row for file, (facts, columns) in tables.items() for row in _rows(file, facts, columns, profiles[file])]
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


def profile_cell(layer_ms: Sequence[float]) -> str:
    """What layers took as `layer_100ns` has it."""
    return " ".join(str(round(value * _GRAINS_PER_MS)) for value in layer_ms)


def _profiles(file: Path) -> dict[tuple[str, str], LayerProfile]:
    """Profile of each network by space and architecture; none where the file is missing."""
    if not file.exists():
        return {}
    columns = read_columns(file, LAYER_COLUMNS)
    try:
        return {
            (space, key): LayerProfile(layers, tuple(int(grains) / _GRAINS_PER_MS for grains in took.split()))
            for space, key, layers, took in zip(*(columns[name] for name in LAYER_COLUMNS), strict=True)
        }
    except ValueError as error:
        raise ImportFormatError(file, str(error)) from error


def _rows(
    file: Path,
    facts: dict[str, Any],
    columns: dict[str, list[str]],
    profiles: Mapping[tuple[str, str], LayerProfile],
) -> Iterator[MeasurementRow]:
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
                profile=profiles.get((space, key)),
            )
        except ValueError as error:
            raise ImportFormatError(file, f"line {line}: {error}") from error
        yield row


def _is_known(row: MeasurementRow, canonical: Canonical) -> bool:
    try:
        return canonical(row.space, row.architecture) == row.architecture
    except Exception:  # the caller's parser: its errors are not known here
        return False

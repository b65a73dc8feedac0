"""Packs journals of `archcast measure` into the timings that come with archcast.

    python benchmarks/pack_timings.py ort-cpu-int8 nb201.jsonl fbnet.jsonl --command 'archcast measure ...'

writes `ort-cpu-int8.csv` and `.json` into device_db/timings, from where `archcast import ort-cpu` reads them. Of the
machine only what timings depend on is kept.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from device_db.importers import shipped
from service.onnx_timing import Timed, measurement_row
from spaces.onnx_model import import_here

_SETTINGS = ("threads", "precision", "warmup_s", "half_width", "min_runs", "max_runs", "max_s")
_MACHINE = ("cpu", "cores", "governor", "python", "runtime", "runtime_version", "numpy")


def main() -> None:
    """Writes one device's files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("device", help="what the device is called, and its files")
    parser.add_argument("journals", type=Path, nargs="+", help="all of one condition")
    parser.add_argument("--command", action="append", default=[], help="that made a journal; repeatable")
    parser.add_argument("--models", type=Path, nargs="*", default=[], help="the ONNX files that were timed")
    parser.add_argument("--into", type=Path, default=shipped.FOLDER)
    options = parser.parse_args()
    lines = [line for path in options.journals for line in path.read_text().splitlines()]
    timed = [Timed(**json.loads(line)) for line in lines]
    names = {import_here(path.read_bytes()).key: path.name for path in options.models}
    pack(options.into, options.device, timed, options.command, names)


def pack(folder: Path, device: str, timed: Sequence[Timed], commands: Sequence[str], names: Mapping[str, str]) -> None:
    """Writes the device's table and provenance.

    Args: names: file of each timed ONNX file, by its hash.
    Raises: ValueError for timings of more than one condition, or of a network more than once.
    """
    facts = _facts(timed)
    twice = [key for key, count in Counter((one.space, one.architecture) for one in timed).items() if count > 1]
    if twice:
        raise ValueError(f"{twice[0]} was timed more than once")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{device}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, shipped.COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(_row(device, one) for one in timed)
    threads = facts["settings"]["threads"]
    description = (
        f"{facts['cpu']}, {threads} thread{'s' * (threads > 1)}, {facts['settings']['precision']}, ONNX Runtime "
        f"{facts['runtime_version']}: timed by archcast measure"
    )
    row = measurement_row(device, timed[0])
    conditions = {name: row[name] for name in ("precision", "runtime", "runtime_version")}
    text = json.dumps(
        {"description": description, **facts, **conditions, "commands": list(commands), "models": dict(names)}, indent=1
    )
    (folder / f"{device}.json").write_text(text + "\n")


def _facts(timed: Sequence[Timed]) -> dict[str, Any]:
    """What all timings were made with. Raises: ValueError where that is not one thing."""
    timings = [one.timing for one in timed]
    settings = [{name: timing["settings"][name] for name in _SETTINGS} for timing in timings]
    machines = [{name: timing["machine"][name] for name in _MACHINE} for timing in timings]
    for values in (settings, machines):
        other = next((each for each in values if each != values[0]), None)
        if other is not None:
            raise ValueError(f"timings of two conditions: {values[0]} and {other}")
    loads = [timing["machine"]["load_1min"] for timing in timings if timing["machine"]["load_1min"] is not None]
    return {
        **machines[0],
        "settings": settings[0],
        "load_1min": [round(min(loads), 2), round(max(loads), 2)] if loads else None,
        "measured_at": [min(timing["measured_at"] for timing in timings), max(one["measured_at"] for one in timings)],
        "networks": dict(Counter(one.space for one in timed)),
        "settled": sum(bool(timing["is_settled"]) for timing in timings),
    }


def _row(device: str, one: Timed) -> dict[str, Any]:
    bounds = {name: one.timing[name] for name in ("lower_ms", "upper_ms")}
    row = {**measurement_row(device, one), **bounds}
    return {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in row.items()}


if __name__ == "__main__":
    main()

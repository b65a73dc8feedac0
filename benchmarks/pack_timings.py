"""Packs journals of `archcast measure` into the timings that come with archcast.

    python benchmarks/pack_timings.py ort-cpu-int8 nb201.jsonl fbnet.jsonl --command 'archcast measure ...'

writes `ort-cpu-int8.csv`, `.json` and `.layers.csv.gz` into device_db/timings, from where `archcast import ort-cpu`
reads them. Of the machine only what timings depend on is kept. Journals of an earlier run of the same networks
(`--earlier`) say how far the timings repeat themselves, which an interval within one run cannot; of each network the
run with the smaller median is kept, because what else a machine does can only slow it down.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from device_db.importers import shipped
from service.layer_times import layer_times
from service.onnx_timing import Timed, least_disturbed, measurement_row
from spaces import SPACES, Architecture
from spaces.layer_digest import layer_digest
from spaces.networks import export_onnx
from spaces.onnx_model import ImportedModel, import_here

_SETTINGS = ("threads", "precision", "warmup_s", "half_width", "min_runs", "max_runs", "max_s")
_REPEATED = 0.05  # change of a network between two runs that still counts as the same latency
_APART = 0.25
_MACHINE = ("cpu", "cores", "governor", "python", "runtime", "runtime_version", "numpy")


def main() -> None:
    """Writes one device's files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("device", help="what the device is called, and its files")
    parser.add_argument("journals", type=Path, nargs="+", help="all of one condition")
    parser.add_argument("--command", action="append", default=[], help="that made a journal; repeatable")
    parser.add_argument("--models", type=Path, nargs="*", default=[], help="the ONNX files that were timed")
    parser.add_argument("--earlier", type=Path, nargs="*", default=[], help="journals of an earlier run of the same")
    parser.add_argument("--networks", type=Path, help="as node_profiles.py --keep writes them; others are exported")
    parser.add_argument("--note", action="append", default=[], help="what else must be known; repeatable")
    parser.add_argument("--into", type=Path, default=shipped.FOLDER)
    options = parser.parse_args()
    timed, earlier = _read(options.journals), _read(options.earlier)
    kept = [json.loads(line) for line in options.networks.read_text().splitlines()] if options.networks else []
    networks = {(one["space"], one["architecture"]): ImportedModel.from_json(one["model"]) for one in kept}
    files = {path.name: import_here(path.read_bytes()) for path in options.models}
    names = {model.key: name for name, model in files.items()}
    pack(options.into, options.device, timed, options.command, names, earlier, options.note)
    networks |= {("onnx", model.key): model for model in files.values()}
    pack_layers(options.into, options.device, least_disturbed([*timed, *earlier]), networks)


def pack(
    folder: Path,
    device: str,
    timed: Sequence[Timed],
    commands: Sequence[str],
    names: Mapping[str, str],
    earlier: Sequence[Timed] = (),
    notes: Sequence[str] = (),
) -> None:
    """Writes the device's table and provenance.

    Args:
        names: file of each timed ONNX file, by its hash.
        earlier: timings of the same networks by another run; of each network the faster one is kept.
        notes: what else must be known of them.
    Raises: ValueError for timings of more than one condition, or of a network more than once.
    """
    twice = [key for key, count in Counter((one.space, one.architecture) for one in timed).items() if count > 1]
    if twice:
        raise ValueError(f"{twice[0]} was timed more than once")
    kept = least_disturbed([*timed, *earlier])
    facts = _facts(kept)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{device}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, shipped.COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(_row(device, one) for one in kept)
    threads = facts["settings"]["threads"]
    description = (
        f"{facts['cpu']}, {threads} thread{'s' * (threads > 1)}, {facts['settings']['precision']}, ONNX Runtime "
        f"{facts['runtime_version']}: timed by archcast measure"
    )
    row = measurement_row(device, timed[0])
    conditions = {name: row[name] for name in ("precision", "runtime", "runtime_version")}
    document = {"description": description, **facts, **conditions}
    if earlier:
        document["repeatability"] = repeated = repeatability(earlier, timed)
        document["description"] += (
            f"; of two runs {repeated['within_5_percent']:.0%} of the networks agree within 5 %, "
            f"{repeated['apart_by_25_percent']:.0%} are more than 25 % apart"
        )
    document |= {"notes": list(notes)} if notes else {}
    text = json.dumps({**document, "commands": list(commands), "models": dict(names)}, indent=1)
    (folder / f"{device}.json").write_text(text + "\n")


def pack_layers(
    folder: Path, device: str, timed: Sequence[Timed], networks: Mapping[tuple[str, str], ImportedModel]
) -> None:
    """Writes what the layers of each network took, as far as the timings have profiles.

    Args: networks: read from ONNX, by space and architecture; those of the spaces that are missing are exported.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(shipped.LAYER_COLUMNS)
    for one in timed:
        key = (one.space, one.architecture)
        if not one.timing.get("kernels") or (one.space not in SPACES and key not in networks):
            continue
        model = networks[key] if key in networks else import_here(export_onnx(Architecture(*key)))
        known = SPACES.get(one.space)
        layers = (known.workload(Architecture(*key)) if known else model.workload).layers
        if len(layers) == len(model.layers):
            took = shipped.profile_cell(layer_times(model, one.timing["kernels"]))
            writer.writerow((*key, layer_digest(layers), took))
    # Without a time in it, the same table is the same file.
    (folder / f"{device}.layers.csv.gz").write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def repeatability(earlier: Sequence[Timed], timed: Sequence[Timed]) -> dict[str, Any]:
    """How a network's latency changed between two runs: quantiles of later / earlier, of all and of each space.

    Raises: ValueError for runs of different networks.
    """
    before = {(one.space, one.architecture): one.latency_ms for one in earlier}
    ratios = {key: one.latency_ms / before[key] for one in timed if (key := (one.space, one.architecture)) in before}
    if not len(ratios) == len(before) == len(timed):
        raise ValueError("the two runs are not of the same networks")
    spaces = dict.fromkeys(one.space for one in timed)
    by_space = {space: [ratio for key, ratio in ratios.items() if key[0] == space] for space in spaces}
    return {**_spread(list(ratios.values())), "by_space": {space: _spread(own) for space, own in by_space.items()}}


def _spread(ratios: Sequence[float]) -> dict[str, Any]:
    low, middle, high = np.quantile(ratios, (0.05, 0.5, 0.95)).tolist()
    change = np.exp(np.abs(np.log(ratios))) - 1
    return {
        "networks": len(ratios),
        "p5": round(low, 3),
        "median": round(middle, 3),
        "p95": round(high, 3),
        "within_5_percent": round(float((change <= _REPEATED).mean()), 3),
        "apart_by_25_percent": round(float((change > _APART).mean()), 3),
    }


def _read(journals: Sequence[Path]) -> list[Timed]:
    return [Timed(**json.loads(line)) for path in journals for line in path.read_text().splitlines()]


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

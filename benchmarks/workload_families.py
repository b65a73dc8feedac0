"""How far costs of layers carry from one family of networks to another: `benchmarks/workload_families.py --write`.

Part one: HELP's devices that have latencies of NAS-Bench-201, FBNet and Once-for-all, public measurements. Part two,
with `--journal`: networks timed by `archcast measure`, the families among them ONNX files by their names. Every
predictor is fitted to one family (or two) and asked for another that it has seen nothing of.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from report import markdown_table, write_section
from scipy.optimize import nnls

from arch_encodings import has_path
from predictors.profile_costs import ProfiledNetwork
from predictors.workload_columns import workload_columns
from predictors.workload_latency import WorkloadLatency, fit_workload_latency
from service.benchmarks.latency_tables import read_tables
from service.onnx_timing import Timed, least_disturbed
from spaces import SPACES, Architecture, SearchSpace
from spaces.base import FloatArray, Workload
from spaces.onnx_model import DynamicDimensionsError, ImportedModel, OnnxModels, import_here

_DATA = Path(os.environ.get("ARCHCAST_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
_KINDS = ("conv", "linear", "matmul", "pool", "add", "activation", "norm", "shuffle", "concat", "slice")
_TIMED, _SEED = 100, 0
_PAIRS = (
    ("nb201", "nb201"),
    ("fbnet", "fbnet"),
    ("nb201", "fbnet"),
    ("fbnet", "nb201"),
    ("nb201", "ofa"),
    ("fbnet", "ofa"),
    ("ofa", "nb201"),
    ("nb201+fbnet", "ofa"),
)
_FILES = "files"
_OWN_PAIRS = (
    (("nb201", "fbnet"), _FILES),
    (("nb201",), "fbnet"),
    (("fbnet",), "nb201"),
    ((_FILES,), "nb201"),
    ((_FILES,), "fbnet"),
    (("fbnet", _FILES), "nb201"),
    (("nb201", _FILES), "fbnet"),
)
_HEADER = ["fitted to", "asked for", "networks", "MAPE", "within 10 %", "90 % bounds hold", "called unlike"]


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """Networks of one kind with their latencies on one device, and what their layers took where that is known."""

    workloads: list[Workload]
    architectures: list[Architecture]
    latency_ms: FloatArray
    space: SearchSpace
    profiles: Sequence[ProfiledNetwork] = ()

    @property
    def columns(self) -> FloatArray:
        """(n, d) of the workload predictor."""
        return np.array([workload_columns(workload) for workload in self.workloads])


class Folder:
    """A `ModelStore` of the ONNX files in a folder; open dimensions are one."""

    def __init__(self, folder: Path):
        self.models: dict[str, ImportedModel] = {}
        self.names: dict[str, str] = {}
        for path in sorted(folder.glob("*.onnx")):
            model = _imported(path)
            if model is not None:
                self.models[model.key], self.names[model.key] = model, path.stem

    def keys(self) -> list[str]:
        """Of all models."""
        return list(self.models)

    def get(self, key: str) -> ImportedModel | None:
        """One of them."""
        return self.models.get(key)


def main() -> None:
    """Prints the tables; with --write into docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--journal", type=Path, nargs="*", default=[], help="of archcast measure")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    parts = [_public(), *([_own(options.journal)] if options.journal else [])]
    body = "### Costs of layers, from one family of networks to another\n\n" + "\n\n".join(parts)
    print(body)
    if options.write:
        write_section("workload_families", body)


def _public() -> str:
    tables = read_tables(_DATA)
    rng = np.random.default_rng(_SEED)
    chosen: dict[str, tuple[list[Architecture], list[int]]] = {}
    for name in ("nb201", "fbnet", "ofa"):
        drawn = rng.choice(len(tables[name].architectures), 3 * _TIMED, replace=False)
        works = has_path(SPACES[name], [tables[name].architectures[index] for index in drawn])
        indices = drawn[works][: 2 * _TIMED].tolist()
        chosen[name] = [tables[name].architectures[index] for index in indices], indices
    workloads = {name: [SPACES[name].workload(one) for one in found] for name, (found, _) in chosen.items()}
    results: dict[tuple[str, str], list[dict[str, FloatArray]]] = defaultdict(list)
    for fitted, asked in _PAIRS:
        sources = fitted.split("+")
        devices = set(tables[asked].latency_ms).intersection(*(tables[one].latency_ms for one in sources))
        for device in sorted(devices):
            known = [_family(one, device, tables, chosen, workloads, slice(0, _TIMED)) for one in sources]
            other = _family(asked, device, tables, chosen, workloads, slice(_TIMED, None))
            if all(len(one.workloads) for one in (*known, other)):
                results[fitted, asked].append(_score(known, other))
    return (
        f"HELP's devices with both families; {_TIMED} timed networks of each family, {_TIMED} others asked for, those "
        "without a path from input to output left out; medians over the devices. FLOPs is a line through the "
        "logarithms, kinds a non-negative cost for each kind of layer.\n\n" + _table(results)
    )


def _family(
    name: str,
    device: str,
    tables: dict,
    chosen: dict[str, tuple[list[Architecture], list[int]]],
    workloads: dict[str, list[Workload]],
    part: slice,
) -> Family:
    architectures, indices = chosen[name]
    latency_ms = tables[name].latency_ms[device][indices][part]
    known = np.flatnonzero(np.isfinite(latency_ms))
    batch = _batch(device)
    scaled = [Workload(one.layers, one.input_shape, batch) for one in workloads[name][part]]
    return Family(
        [scaled[index] for index in known],
        [architectures[part][index] for index in known],
        latency_ms[known],
        SPACES[name],
    )


def _batch(device: str) -> int:
    """HELP's devices of a larger batch end in it."""
    last = device.rpartition("_")[2]
    return int(last) if last.isdigit() and int(last) in (32, 256) else 1


def _own(journals: Sequence[Path]) -> str:
    folder = Folder(_DATA / "onnx")
    conditions: dict[tuple[str, int], list[Timed]] = defaultdict(list)
    for line in (line for path in journals for line in path.read_text().splitlines()):
        entry = Timed(**json.loads(line))
        settings = entry.timing["settings"]
        conditions[settings["precision"], settings["threads"]].append(entry)
    return "\n\n".join(_timed(condition, least_disturbed(runs), folder) for condition, runs in conditions.items())


def _timed(condition: tuple[str, int], entries: Sequence[Timed], folder: Folder) -> str:
    """The table of one condition."""
    onnx = OnnxModels(folder)
    groups: dict[str, list[tuple[Architecture, float]]] = defaultdict(list)
    for entry in entries:
        architecture = Architecture(entry.space, entry.architecture)
        if entry.space != "onnx":
            groups[entry.space].append((architecture, entry.latency_ms))
        elif architecture.key in folder.models:
            groups[_FILES].append((architecture, entry.latency_ms))
    families = {}
    for name, members in groups.items():
        space = SPACES.get(name, onnx)
        found = [one for one, _ in members]
        latencies = np.array([latency for _, latency in members])
        families[name] = Family([space.workload(one) for one in found], found, latencies, space)
    results: dict[tuple[str, str], list[dict[str, FloatArray]]] = defaultdict(list)
    for fitted, asked in _OWN_PAIRS:
        if {asked, *fitted} <= families.keys():
            known = [families[name] for name in fitted]
            results["+".join(fitted), asked].append(_score(known, families[asked]))
    machine = entries[0].timing["machine"]
    loads = [entry.timing["machine"]["load_1min"] for entry in entries]
    settled = sum(entry.timing["is_settled"] for entry in entries)
    precision, threads = condition
    return (
        f"Timed by `archcast measure` on {machine['cpu']}, {machine['cores']} cores, ONNX Runtime "
        f"{machine['runtime_version']}, {threads} thread(s), {precision}: {len(entries)} networks, of which {settled} "
        f"reached the interval asked for; load average {min(loads):.1f} to {max(loads):.1f}. Files: "
        f"{', '.join(sorted(folder.names[one.key] for one, _ in groups[_FILES]))}.\n\n" + _table(results)
    )


def _score(known: Sequence[Family], asked: Family, *, is_profiled: bool = True) -> dict[str, FloatArray]:
    """Per predictor: relative error (n,); of the workload predictor also bounds and flags.

    Args: is_profiled: whether the workload predictor may use profiles, where the families have them.
    """
    latency_ms = np.concatenate([family.latency_ms for family in known])
    workloads = [workload for family in known for workload in family.workloads]
    model = fitted_to(known, asked, is_profiled=is_profiled)
    estimate = model.predict(asked.architectures)
    lower, upper = estimate.interval(0.9)
    truth = asked.latency_ms
    return {
        "workload": estimate.mean_ms / truth - 1,
        "FLOPs": _flops(workloads, latency_ms)(asked.workloads) / truth - 1,
        "kinds": _kinds(workloads, latency_ms)(asked.workloads) / truth - 1,
        "covered": ((lower <= truth) & (truth <= upper)).astype(float),
        **_breakdown(model, asked),
        "unlike": np.array(model.is_unlike_samples(asked.architectures), dtype=float),
    }


def fitted_to(known: Sequence[Family], asked: Family, *, is_profiled: bool = True) -> WorkloadLatency:
    """The predictor over layers, fitted to some families for another one."""
    columns = np.concatenate([family.columns for family in known])
    latency_ms = np.concatenate([family.latency_ms for family in known])
    families = [family.space.name for family in known for _ in family.workloads]
    profiles = dict(enumerate(profile for family in known for profile in family.profiles)) if is_profiled else None
    given = _Given(asked)
    return fit_workload_latency(given, columns, latency_ms, families, profiles)  # pyright: ignore[reportArgumentType]


def _breakdown(model: WorkloadLatency, asked: Family) -> dict[str, FloatArray]:
    """What part of a network's profiled time is predicted at another layer, (n,), where the family has profiles."""
    wrong = []
    for architecture, profile in zip(asked.architectures, asked.profiles, strict=False):
        predicted = model.layer_ms(architecture)
        moved = predicted / predicted.sum() - profile.layer_ms / profile.layer_ms.sum()
        wrong.append(np.abs(moved).sum() / 2)
    return {"misplaced": np.array(wrong)} if wrong else {}


class _Given:
    """Stands for a space: gives the workloads that the asked family has, at its batch."""

    def __init__(self, family: Family):
        self.name = family.space.name
        self._workloads = dict(zip(family.architectures, family.workloads, strict=True))

    def workload(self, architecture: Architecture) -> Workload:
        """Of one of the family's architectures."""
        return self._workloads[architecture]


def _flops(workloads: Sequence[Workload], latency_ms: FloatArray) -> Callable[[Sequence[Workload]], FloatArray]:
    slope, offset = np.polyfit(_log_macs(workloads), np.log(latency_ms), 1)
    return lambda asked: np.exp(offset + slope * _log_macs(asked))


def _log_macs(workloads: Sequence[Workload]) -> FloatArray:
    return np.log([max(1, workload.batch * workload.macs) for workload in workloads])


def _kinds(workloads: Sequence[Workload], latency_ms: FloatArray) -> Callable[[Sequence[Workload]], FloatArray]:
    weights = nnls(_kind_counts(workloads) / latency_ms[:, None], np.ones(len(latency_ms)))[0]
    return lambda asked: _kind_counts(asked) @ weights


def _kind_counts(workloads: Sequence[Workload]) -> FloatArray:
    counts = [[sum(layer.kind == kind for layer in workload.layers) for kind in _KINDS] for workload in workloads]
    return np.array(counts, dtype=np.float64)


def _table(results: dict[tuple[str, str], list[dict[str, FloatArray]]]) -> str:
    header = [*_HEADER[:3], "devices", "MAPE", "of FLOPs", "of kinds", *_HEADER[4:]]
    rows = []
    for (fitted, asked), scores in results.items():
        middle = {
            name: float(np.median([np.abs(score[name]).mean() for score in scores]))
            for name in ("workload", "FLOPs", "kinds")
        }
        close = float(np.median([(np.abs(score["workload"]) <= 0.1).mean() for score in scores]))
        covered, unlike = (float(np.median([score[name].mean() for score in scores])) for name in ("covered", "unlike"))
        rows.append(
            [
                fitted,
                asked,
                str(len(scores[0]["workload"])),
                str(len(scores)),
                *(f"{middle[name]:.0%}" for name in ("workload", "FLOPs", "kinds")),
                *(f"{share:.0%}" for share in (close, covered, unlike)),
            ]
        )
    return markdown_table(header, rows)


def _imported(path: Path) -> ImportedModel | None:
    content = path.read_bytes()
    try:
        return import_here(content)
    except DynamicDimensionsError as error:
        try:
            return import_here(content, dict.fromkeys(error.names, 1))
        except Exception:
            return None
    except Exception:
        return None


if __name__ == "__main__":
    main()

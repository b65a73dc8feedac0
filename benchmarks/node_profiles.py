"""Whether profiles of kernels make better costs of layers: `benchmarks/node_profiles.py JOURNAL... --write`.

The journals are of `archcast measure`, with ONNX Runtime's time of each node. Nodes find their layers by name: our own
networks are exported and read back, which keeps the names, and takes minutes; `--keep` keeps what was read. A fused
node counts for its product, and nodes between layers (changes of layout and of number format) for none.

Each family is predicted from others, by the fit to sums that the service uses, and by `profile_costs`.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from profile_costs import ProfiledNetwork, fit_kernel_costs
from report import markdown_table, write_section
from workload_families import _DATA, _FILES, _OWN_PAIRS, Family, Folder, _score

from service.layer_times import layer_times
from spaces import SPACES, Architecture
from spaces.networks import export_onnx
from spaces.onnx_model import ImportedModel, OnnxModels, import_here

_HEADER = ["condition", "fitted to", "asked for", "sums: MAPE", "within 10 %", "profiles: MAPE", "within 10 %"]


@dataclass(frozen=True, slots=True, eq=False)
class Timed:
    """Networks of one kind with their latencies and profiles on one device."""

    family: Family
    profiles: list[ProfiledNetwork]


def main() -> None:
    """Prints the table; with --write into docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("journals", type=Path, nargs="+")
    parser.add_argument("--keep", type=Path, help="file of the networks that were read")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    entries = [json.loads(line) for path in options.journals for line in path.read_text().splitlines()]
    folder = Folder(_DATA / "onnx")
    models = _models(entries, options.keep, folder)
    conditions: dict[str, list[dict]] = defaultdict(list)
    for entry in entries:
        settings = entry["timing"]["settings"]
        conditions[f"{settings['precision']}, {settings['threads']} thread"].append(entry)
    rows = [row for condition, own in conditions.items() for row in _rows(condition, _families(own, models, folder))]
    body = (
        "### Costs of layers from profiles of their kernels\n\nFamilies of networks predicted from others that were "
        "timed with ONNX Runtime on one core, 200 NAS-Bench-201 cells, 200 FBNet networks, 9 files: by the fit to the "
        "networks' sums, which the service uses, and by one to each kernel's time, part by part, with a factor for "
        "what runs between layers. Of what runs next to each other the second sees one thing, norms and activations "
        "right behind a product.\n\n" + markdown_table(_HEADER, rows)
    )
    print(body)
    if options.write:
        write_section("node_profiles", body)


def _models(entries: Sequence[dict], keep: Path | None, folder: Folder) -> dict[tuple[str, str], ImportedModel]:
    """What was timed as it is read from ONNX, whose layers know their nodes."""
    models = {("onnx", key): model for key, model in folder.models.items()}
    if keep and keep.exists():
        for line in keep.read_text().splitlines():
            one = json.loads(line)
            models[one["space"], one["architecture"]] = ImportedModel.from_json(one["model"])
    for key in dict.fromkeys((entry["space"], entry["architecture"]) for entry in entries):
        if key not in models and key[0] in SPACES:
            models[key] = import_here(export_onnx(Architecture(*key)))
    if keep and not keep.exists():
        lines = (
            {"space": space, "architecture": name, "model": one.to_json()} for (space, name), one in models.items()
        )
        keep.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return models


def _families(
    entries: Sequence[dict], models: dict[tuple[str, str], ImportedModel], folder: Folder
) -> dict[str, Timed]:
    onnx = OnnxModels(folder)
    groups: dict[str, list[dict]] = defaultdict(list)
    for entry in entries:
        if (entry["space"], entry["architecture"]) in models:
            groups[entry["space"]].append(entry)
    timed: dict[str, Timed] = {}
    for space, own in groups.items():
        found = [Architecture(space, entry["architecture"]) for entry in own]
        latency_ms = np.array([entry["timing"]["median_ms"] for entry in own])
        workloads = [SPACES.get(space, onnx).workload(one) for one in found]
        family = Family(workloads, found, latency_ms, SPACES.get(space, onnx))
        profiles = [
            ProfiledNetwork(
                workload.layers,
                workload.batch,
                np.array(layer_times(models[space, one.key], entry["timing"]["kernels"])),
                float(latency),
            )
            for workload, one, entry, latency in zip(workloads, found, own, latency_ms, strict=True)
        ]
        timed[_FILES if space == "onnx" else space] = Timed(family, profiles)
    return timed


def _rows(condition: str, families: dict[str, Timed]) -> list[list[str]]:
    rows = []
    for fitted, asked in _OWN_PAIRS:
        if not {asked, *fitted} <= families.keys():
            continue
        other = families[asked].family
        sums = np.abs(_score([families[name].family for name in fitted], other)["workload"])
        profiles = [one for name in fitted for one in families[name].profiles]
        costs = fit_kernel_costs(profiles, [name for name in fitted for _ in families[name].profiles])
        predicted = [costs.layer_ms(workload.layers, workload.batch).sum() for workload in other.workloads]
        own = np.abs(np.array(predicted) / other.latency_ms - 1)
        shown = [f"{value:.0%}" for error in (sums, own) for value in (error.mean(), (error <= 0.1).mean())]
        rows.append([condition, "+".join(fitted), asked, *shown])
    return rows


if __name__ == "__main__":
    main()

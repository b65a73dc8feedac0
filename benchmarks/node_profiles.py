"""Whether profiles of kernels make better costs of layers: `benchmarks/node_profiles.py --write`.

On the timings that come with archcast, which have what each layer took: every family of networks is predicted from the
others that were timed on the same device, one or two of them, by the predictor over layers as the service fits it, with
the profiles and without, beside a line through the logarithms of MACs and a cost for each kind of layer.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from itertools import combinations

import numpy as np
from report import markdown_table, write_section
from workload_families import _DATA, _FILES, Family, Folder, _score

from device_db import MeasurementRow
from device_db.importers import shipped
from predictors.profile_costs import ProfiledNetwork
from spaces import SPACES, Architecture
from spaces.base import BoolArray
from spaces.layer_digest import layer_digest
from spaces.onnx_model import OnnxModels

_MODELS = {"FLOPs": "FLOPs", "kinds": "kinds", "sums": "sums", "workload": "profiles"}
_HEADER = ["device", "fitted to", "asked for", *_MODELS.values()]
_MORE = ["misplaced: sums", "profiles", "90 % bounds hold", "called unlike"]


def main() -> None:
    """Prints the table; with --write into docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    errors: list[list[str]] = []
    bounds: list[list[str]] = []
    for device, families in timed_families().items():
        for fitted, asked in known_pairs(list(families)):
            known, other = [families[name] for name in fitted], families[asked]
            if asked in fitted:
                known[fitted.index(asked)], other = part_of(other, slice(0, None, 2)), part_of(other, slice(1, None, 2))
            score = _score(known, other)
            plain = _score(known, other, is_profiled=False)
            score["sums"] = plain["workload"]
            names = [device, "+".join(fitted), asked]
            errors.append([*names, *(_shown(score[name]) for name in _MODELS)])
            shares = (plain["misplaced"], score["misplaced"], score["covered"], score["unlike"])
            bounds.append([*names, *(f"{share.mean():.0%}" for share in shares)])
    table = [[*row, *more[3:]] for row, more in zip(errors, bounds, strict=True)]
    body = (
        "### Costs of layers from profiles of their kernels\n\nFamilies of networks predicted from others that were "
        "timed with ONNX Runtime on the same device: 200 NAS-Bench-201 cells, 200 FBNet networks, 9 files; and, where "
        "a family is asked for that is among those fitted to, every second of its networks from the others. MAPE, and "
        "the share within 10 %, of a line through the logarithms of MACs, of a cost for each kind of layer, of the "
        "predictor over layers without profiles, and with them. Misplaced is the part of a network's profiled time "
        "that a breakdown puts at another layer. Of the predictor with profiles also how many 90 % bounds hold, and "
        "how many networks it calls unlike those timed. On two threads 39 % of the timings of two runs "
        "are more than a quarter apart; the faster ones count (docs/onboarding.md).\n\n"
        + markdown_table([*_HEADER, *_MORE], table)
    )
    print(body)
    if options.write:
        write_section("node_profiles", body)


def timed_families() -> dict[str, dict[str, Family]]:
    """Families by device of the timings that come with archcast."""
    folder = Folder(_DATA / "onnx")
    timed: dict[str, dict[str, list[MeasurementRow]]] = defaultdict(lambda: defaultdict(list))
    for row in shipped.read(shipped.FOLDER, lambda _space, notation: notation).measurements:
        if row.space in SPACES or row.architecture in folder.models:
            timed[row.device][row.space if row.space in SPACES else _FILES].append(row)
    return {device: {name: _family(own, folder) for name, own in rows.items()} for device, rows in timed.items()}


def known_pairs(names: list[str]) -> list[tuple[tuple[str, ...], str]]:
    """Each family from one and from two of the others; then half of it from the other half, alone and with all."""
    others = {asked: [name for name in names if name != asked] for asked in names}
    unseen = [(fitted, asked) for asked in names for size in (1, 2) for fitted in combinations(others[asked], size)]
    return [*unseen, *(((name,), name) for name in names if name != _FILES), *((tuple(names), name) for name in names)]


def part_of(family: Family, members: slice | BoolArray) -> Family:
    """Some of a family's networks."""
    rows = np.arange(len(family.workloads))[members]
    return Family(
        [family.workloads[row] for row in rows],
        [family.architectures[row] for row in rows],
        family.latency_ms[rows],
        family.space,
        [family.profiles[row] for row in rows],
    )


def _family(rows: list[MeasurementRow], folder: Folder) -> Family:
    space = SPACES.get(rows[0].space, OnnxModels(folder))
    architectures = [Architecture(row.space, row.architecture) for row in rows]
    workloads = [space.workload(one) for one in architectures]
    profiles = []
    for row, workload in zip(rows, workloads, strict=True):
        if row.profile is None or row.profile.layers != layer_digest(workload.layers):
            raise SystemExit(f"{row.architecture} has no profile of the layers that it has")
        took_ms = np.array(row.profile.layer_ms)
        profiles.append(ProfiledNetwork(workload.layers, workload.batch, took_ms, row.value))
    return Family(workloads, architectures, np.array([row.value for row in rows]), space, profiles)


def _shown(errors: np.ndarray) -> str:
    return f"{np.abs(errors).mean():.0%} ({(np.abs(errors) <= 0.1).mean():.0%})"


if __name__ == "__main__":
    main()

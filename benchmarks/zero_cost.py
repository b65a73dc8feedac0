"""The zero-cost proxies against published values: `python benchmarks/zero_cost.py --write`.

Rank correlation of each proxy with NAS-Bench-Suite-Zero's (NB201, CIFAR-10) and with NASFLAT's (FBNet, CIFAR-100), with
accuracy next to the reference's own, and the time of each. What two draws of weights and images have in common bounds
what ours and the reference's can: "other seed" is our own correlation between two. `--keep FOLDER` goes on where an
earlier run stopped.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from report import markdown_table, write_section
from scipy.stats import spearmanr

from arch_encodings.zero_cost import PROXIES, ProxySettings, compute_proxies
from spaces import Architecture, get_space
from spaces.base import FloatArray

_DATA = Path(os.environ.get("ARCHCAST_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
_BATCH_SIZE = {"nb201": 64, "fbnet": 16}
_UNDEFINED = -1e7  # NAS-Bench-Suite-Zero writes -1e8 where a proxy is undefined
_TIMED = 5
_CHUNK = 10
_SLOW = ("grasp",)
_QUICK = tuple(name for name in PROXIES if name not in _SLOW)


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Published proxies of one space.

    Attributes:
        values: proxy -> (n,), NaN where undefined.
        accuracy: (n,) validation accuracy in per cent, None where the reference has none.
    """

    architectures: list[Architecture]
    values: dict[str, FloatArray]
    accuracy: FloatArray | None


def main() -> None:
    """Prints the tables and, with --write, puts them into docs/encodings.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="update docs/encodings.md")
    parser.add_argument("--count", type=int, default=200, help="architectures of each space")
    parser.add_argument("--slow-count", type=int, default=200, help="of these the number for grasp, half of all work")
    parser.add_argument("--repeat-count", type=int, default=100, help="of these the number computed with another seed")
    parser.add_argument("--space", choices=_BATCH_SIZE, help="only compute the values of this space")
    parser.add_argument("--keep", type=Path, help="folder of the values computed so far")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    references = {"nb201": read_nb201(), "fbnet": read_fbnet()}
    if arguments.space:
        all_values(arguments.space, references[arguments.space], arguments)
        return
    body = "\n\n".join(section(space, reference, arguments) for space, reference in references.items())
    print(body)
    if arguments.write:
        write_section("zero_cost", body, page="encodings.md")


def all_values(
    space: str, reference: Reference, arguments: argparse.Namespace
) -> tuple[list[int], FloatArray, FloatArray]:
    """Rows of the reference drawn for this space, our proxies of them, and of the first of them with another seed."""
    rows = np.random.default_rng(0).permutation(len(reference.architectures))[: arguments.count].tolist()
    chosen = [reference.architectures[row] for row in rows]
    values = computed(space, chosen, min(arguments.slow_count, len(chosen)), 0, arguments.keep)
    repeated = chosen[: arguments.repeat_count]
    return rows, values, computed(space, repeated, len(repeated), 1, arguments.keep)


def section(space: str, reference: Reference, arguments: argparse.Namespace) -> str:
    """The table of one space."""
    rows, values, repeated = all_values(space, reference, arguments)
    seconds, together = timed(space, [reference.architectures[row] for row in rows[:_TIMED]])
    header = [
        "proxy",
        "architectures",
        "rank correlation with the reference",
        "with our own, other seed",
        "with accuracy",
        "reference with accuracy",
        "s alone",
    ]
    table = []
    for column, name in enumerate(PROXIES):
        ours, theirs = values[:, column], reference.values[name][rows]
        accuracy = None if reference.accuracy is None else reference.accuracy[rows]
        with_accuracy = [_correlation(one, accuracy) for one in (ours, theirs)]
        again = _correlation(ours[: len(repeated)], repeated[:, column])
        count = str(np.isfinite(ours).sum())
        table.append([name, count, _correlation(ours, theirs), again, *with_accuracy, f"{seconds[name]:.2f}"])
    alone = sum(seconds.values())
    return (
        f"**{space}**, {len(rows)} architectures, {len(repeated)} of them with another seed, batch "
        f"{_BATCH_SIZE[space]}, one core: all 13 in {together:.2f} s each, "
        f"{together / alone:.0%} of the {alone:.2f} s that they take one by one.\n\n" + markdown_table(header, table)
    )


def computed(
    space: str, architectures: list[Architecture], slow_count: int, seed: int, keep: Path | None
) -> FloatArray:
    """Our proxies (n, 13), NaN where not computed: grasp only of the first `slow_count`."""
    columns: dict[str, FloatArray] = {}
    for names, wanted in ((_QUICK, len(architectures)), (_SLOW, slow_count)):
        suffix = f"_seed{seed}" if seed else ""
        path = keep / f"{space}_{names[0]}{suffix}.npy" if keep else None
        values = np.load(path)[:wanted] if path and path.is_file() else np.empty((0, len(names)))
        for start in range(len(values), wanted, _CHUNK):
            chunk = architectures[start : min(start + _CHUNK, wanted)]
            found = compute_proxies(get_space(space), chunk, names, settings=_settings(space, seed))
            values = np.vstack([values, found])
            if path:
                np.save(path, values)
        missing = np.full((len(architectures) - len(values), len(names)), np.nan)
        columns |= dict(zip(names, np.vstack([values, missing]).T, strict=True))
    return np.column_stack([columns[name] for name in PROXIES])


def timed(space: str, architectures: list[Architecture]) -> tuple[dict[str, float], float]:
    """CPU seconds per architecture of each proxy alone, and of all together."""

    def seconds(names: list[str]) -> float:
        begin = time.process_time()
        compute_proxies(get_space(space), architectures, names, settings=_settings(space))
        return (time.process_time() - begin) / len(architectures)

    seconds(["flops", "snip"])  # what torch does only once
    return {name: seconds([name]) for name in PROXIES}, seconds(list(PROXIES))


def read_nb201() -> Reference:
    """NAS-Bench-Suite-Zero's values on CIFAR-10."""
    with gzip.open(_DATA / "zero_cost" / "nb201_zcp.csv.gz", "rt", encoding="utf-8") as file:
        table = [row for row in csv.DictReader(file) if row["dataset"] == "cifar10"]
    values = {name: np.array([float(row[name]) for row in table]) for name in PROXIES}
    for column in values.values():
        column[column < _UNDEFINED] = np.nan
    space = get_space("nb201")
    accuracy = np.array([float(row["val_acc"]) for row in table])
    return Reference([space.parse(row["arch_str"]) for row in table], values, accuracy)


def read_fbnet() -> Reference:
    """NASFLAT's values, on CIFAR-100 images."""
    table = json.loads((_DATA / "zero_cost" / "fbnet_zcp.json").read_text(encoding="utf-8"))
    values = {name: np.array([float(row[name]) for row in table.values()]) for name in PROXIES}
    return Reference([get_space("fbnet").parse(key) for key in table], values, None)


def _settings(space: str, seed: int = 0) -> ProxySettings:
    return ProxySettings.of_space(space, seed=seed, batch_size=_BATCH_SIZE[space])


def _correlation(first: FloatArray, second: FloatArray | None) -> str:
    if second is None:
        return ""
    known = np.isfinite(first) & np.isfinite(second)
    if min(np.ptp(first[known]), np.ptp(second[known])) == 0:
        return "constant"
    return f"{spearmanr(first[known], second[known])[0]:.3f}"


if __name__ == "__main__":
    main()

"""The zero-cost proxies against published values: `python benchmarks/zero_cost.py --write`.

Rank correlation of each proxy with NAS-Bench-Suite-Zero's (NB201, CIFAR-10) and with NASFLAT's (FBNet, CIFAR-100), with
accuracy next to the reference's own, and the time of each. `--keep FOLDER` goes on where an earlier run stopped.
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
    parser.add_argument("--space", choices=_BATCH_SIZE, help="only compute the values of this space")
    parser.add_argument("--keep", type=Path, help="folder of the values computed so far")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    amount = (arguments.count, arguments.slow_count, arguments.keep)
    references = {"nb201": read_nb201(), "fbnet": read_fbnet()}
    if arguments.space:
        computed(arguments.space, references[arguments.space], *amount)
        return
    body = "\n\n".join(section(space, reference, *amount) for space, reference in references.items())
    print(body)
    if arguments.write:
        write_section("zero_cost", body, page="encodings.md")


def section(space: str, reference: Reference, count: int, slow_count: int, keep: Path | None) -> str:
    """The table of one space."""
    rows, values = computed(space, reference, count, slow_count, keep)
    seconds, together = timed(space, [reference.architectures[row] for row in rows[:_TIMED]])
    header = [
        "proxy",
        "architectures",
        "rank correlation with the reference",
        "with accuracy",
        "reference with accuracy",
        "s alone",
    ]
    table = []
    for column, name in enumerate(PROXIES):
        ours, theirs = values[:, column], reference.values[name][rows]
        accuracy = None if reference.accuracy is None else reference.accuracy[rows]
        with_accuracy = [_correlation(one, accuracy) for one in (ours, theirs)]
        table.append(
            [name, str(np.isfinite(ours).sum()), _correlation(ours, theirs), *with_accuracy, f"{seconds[name]:.2f}"]
        )
    alone = sum(seconds.values())
    return (
        f"**{space}**, {count} architectures, batch {_BATCH_SIZE[space]}, one core: all 13 in {together:.2f} s each, "
        f"{together / alone:.0%} of the {alone:.2f} s that they take one by one.\n\n" + markdown_table(header, table)
    )


def computed(
    space: str, reference: Reference, count: int, slow_count: int, keep: Path | None
) -> tuple[list[int], FloatArray]:
    """Rows of the reference drawn for this space, and our proxies of them (count, 13), NaN where not computed."""
    rows = np.random.default_rng(0).permutation(len(reference.architectures))[:count].tolist()
    columns: dict[str, FloatArray] = {}
    for names, wanted in ((_QUICK, count), (_SLOW, min(count, slow_count))):
        chosen = [reference.architectures[row] for row in rows[:wanted]]
        path = keep / f"{space}_{names[0]}.npy" if keep else None
        values = np.load(path)[:wanted] if path and path.is_file() else np.empty((0, len(names)))
        for start in range(len(values), wanted, _CHUNK):
            chunk = chosen[start : start + _CHUNK]
            values = np.vstack([values, compute_proxies(get_space(space), chunk, names, settings=_settings(space))])
            if path:
                np.save(path, values)
        missing = np.full((count - len(values), len(names)), np.nan)
        columns |= dict(zip(names, np.vstack([values, missing]).T, strict=True))
    return rows, np.column_stack([columns[name] for name in PROXIES])


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


def _settings(space: str) -> ProxySettings:
    return ProxySettings.of_space(space, batch_size=_BATCH_SIZE[space])


def _correlation(first: FloatArray, second: FloatArray | None) -> str:
    if second is None:
        return ""
    known = np.isfinite(first) & np.isfinite(second)
    return f"{spearmanr(first[known], second[known])[0]:.3f}"


if __name__ == "__main__":
    main()

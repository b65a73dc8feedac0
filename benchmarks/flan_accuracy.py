"""FLAN, the accuracy predictor and baselines on few accuracies: see `service.benchmarks.accuracy_splits`.

python benchmarks/flan_accuracy.py --data ../shared/data --splits ../shared/goldens/flan_nb201_splits.json --write

With --keep FILE, results are kept there, and those that are there are not computed again.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from kept_rows import keep, read_kept
from report import markdown_table, write_section

from service.benchmarks.accuracy_contestants import CONTESTANTS, run_size
from service.benchmarks.accuracy_splits import AccuracyBench, read_splits

_SHARED = Path(__file__).resolve().parents[2] / "shared"
# The authors' network on the same splits, graph alone.
_ORIGINAL = {8: "0.568 ± 0.049", 40: "0.766 ± 0.017", 78: "0.777 ± 0.010"}


def main() -> None:
    """Prints one JSON object per predictor and number of training cells, or rewrites docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=_SHARED / "data", help="folder with accuracy/ and zero_cost/")
    parser.add_argument("--splits", type=Path, default=_SHARED / "goldens" / "flan_nb201_splits.json")
    parser.add_argument("--train", type=int, nargs="+", default=[8, 40, 78])
    parser.add_argument("--predictor", action="append", choices=sorted(CONTESTANTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="file of results, one JSON object a line")
    parser.add_argument("--kept-only", action="store_true", help="leave out what is not in the kept file")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    kept = {(row["predictor"], row["train"], row["splits"]): row for row in read_kept(arguments.keep)}
    bench: AccuracyBench | None = None
    names = arguments.predictor or list(CONTESTANTS)
    rows: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in names}
    for size in arguments.train:
        splits = read_splits(arguments.splits, size, arguments.seeds)
        for name in names:
            row = kept.get((name, size, len(splits)))
            if row is None and arguments.kept_only:
                continue
            if row is None:
                bench = bench or AccuracyBench.read(arguments.data)
                row = run_size(bench, name, size, splits)
                keep(arguments.keep, [row])
            else:
                print(json.dumps(row), flush=True)
            rows[name][size] = row
    if arguments.write:
        write_section("flan_accuracy", _section(rows, arguments.train, arguments.seeds))


def _cells(by_size: dict[int, dict[str, Any]], sizes: list[int]) -> list[str]:
    formats: list[Callable[[dict[str, Any]], str]] = [
        lambda row: f"{row['kendall']:.3f} ± {row['kendall_std']:.3f}",
        lambda row: f"{row['kendall_apart']:.3f}",
    ]
    return [shown(by_size[size]) if size in by_size else "-" for shown in formats for size in sizes]


def _section(rows: dict[str, dict[int, dict[str, Any]]], sizes: list[int], seeds: int) -> str:
    table = [[name, *_cells(by_size, sizes)] for name, by_size in rows.items() if by_size]
    table.append(["FLAN, the authors' network", *(_ORIGINAL.get(size, "-") for size in sizes), *["-"] * len(sizes)])
    header = [
        "predictor",
        *(f"{size} cells" for size in sizes),
        *(f"{size}, apart" for size in sizes),
    ]
    return f"""### Accuracy from few trained cells, NAS-Bench-201

Kendall's tau with CIFAR-10 test accuracy on 7,813 cells that were not trained on, mean ± standard deviation over
{seeds} given splits; "apart" leaves test cells out that are isomorphic to a training cell. Published proxies of 9,445
cells serve the others of their isomorphism class too.

- `flan` reads the graph alone; `flan_cost`, `flan_arch2vec`, `flan_cate` and `flan_zcp` each one encoding more,
  `flan_all` the four together. `flan_transfer` was trained on other spaces first, and reads the graph alone.
- `accuracy_ensemble` is `predictors.accuracy.fit_accuracy` with proxies and the network from other spaces; the rows
  below lack that network's training on the known cells, the network, the proxies, or both. `expected_untrained` and
  `transfer_untrained` are what it expects, with and without proxies, before it sees an accuracy.
- `flops` and `proxy_*` are single columns, no training; the signs are those of the proxies. "-" was not run.

{markdown_table(header, table)}"""


if __name__ == "__main__":
    main()

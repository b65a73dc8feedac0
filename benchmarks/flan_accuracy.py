"""FLAN and baselines on few accuracies of NAS-Bench-201, protocol in `service.benchmarks.accuracy_splits`.

python benchmarks/flan_accuracy.py --data ../shared/data --splits ../shared/goldens/flan_nb201_splits.json --write
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from report import markdown_table, write_section

from service.benchmarks.accuracy_splits import CONTESTANTS, AccuracyBench, read_splits, run_size

_SHARED = Path(__file__).resolve().parents[2] / "shared"
# The authors' network on the same splits, graph alone.
_ORIGINAL = {8: "0.568 ± 0.049", 40: "0.766 ± 0.017", 78: "0.777 ± 0.010"}


def main() -> None:
    """Prints one JSON object per predictor and number of training cells, or rewrites docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=_SHARED / "data", help="folder with accuracy/")
    parser.add_argument("--splits", type=Path, default=_SHARED / "goldens" / "flan_nb201_splits.json")
    parser.add_argument("--train", type=int, nargs="+", default=[8, 40, 78])
    parser.add_argument("--predictor", action="append", choices=sorted(CONTESTANTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    bench = AccuracyBench.read(arguments.data)
    rows: dict[str, dict[int, dict[str, Any]]] = {}
    for size in arguments.train:
        splits = read_splits(arguments.splits, size, arguments.seeds)
        for name in arguments.predictor or CONTESTANTS:
            row = run_size(bench, name, size, splits)
            print(json.dumps(row), flush=True)
            rows.setdefault(name, {})[size] = row
        if arguments.write:
            write_section("flan_accuracy", _section(rows, arguments.seeds))


def _section(rows: dict[str, dict[int, dict[str, Any]]], seeds: int) -> str:
    sizes = list(next(iter(rows.values())))
    table = [
        [name, *(f"{row['kendall']:.3f} ± {row['kendall_std']:.3f}" for row in by_size.values())]
        for name, by_size in rows.items()
    ]
    table.append(["FLAN, the authors' network", *(_ORIGINAL.get(size, "-") for size in sizes)])
    header = ["predictor", *(f"{size} cells" for size in sizes)]
    return f"""### Accuracy from few trained cells, NAS-Bench-201

Kendall's tau with CIFAR-10 test accuracy on 7,813 cells that were not trained on, mean ± standard deviation over
{seeds} given splits. `flan` reads the graph alone, `flan_cost` the cost encoding as well.

{markdown_table(header, table)}"""


if __name__ == "__main__":
    main()

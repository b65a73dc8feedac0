"""How far off `fit_accuracy` is in per cent, and whether its intervals hold.

python benchmarks/accuracy_intervals.py --data ../shared/data --write

Random splits of NAS-Bench-201, CIFAR-10, other ones than those of flan_accuracy; cells that are isomorphic to a
training cell are left out of the test.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from report import markdown_table, write_section

from predictors.accuracy import encodings_for, fit_accuracy
from predictors.metrics import coverage
from service.benchmarks.accuracy_splits import AccuracyBench, Split

_SHARED = Path(__file__).resolve().parents[2] / "shared"
_LEVELS = (0.5, 0.8, 0.9)
_FIRST_SEED = 1_000
_TESTED = 2_000
_REFERENCE_SIZE = 2_048


def main() -> None:
    """Prints one JSON object per number of training cells, or rewrites docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=_SHARED / "data", help="folder with accuracy/ and zero_cost/")
    parser.add_argument("--train", type=int, nargs="+", default=[8, 20, 40, 78])
    parser.add_argument("--seeds", type=int, default=20, help="fewer tell little: one fit is 17 points off its level")
    parser.add_argument("--untrained", action="store_true", help="without the network's training on the known cells")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    bench = AccuracyBench.read(arguments.data)
    rows = []
    for size in arguments.train:
        splits = bench.random_splits(size, arguments.seeds, first=_FIRST_SEED)
        found = np.mean([_measure(bench, split, is_trained=not arguments.untrained) for split in splits], axis=0)
        rows.append([str(size), *(f"{value:.2f}" for value in found[:3]), *(f"{100 * s:.1f}" for s in found[3:])])
        print(json.dumps({"train": size, "seeds": arguments.seeds, "values": np.round(found, 4).tolist()}), flush=True)
    if arguments.write:
        write_section("accuracy_intervals", _section(rows, arguments.seeds, is_trained=not arguments.untrained))


def _measure(bench: AccuracyBench, split: Split, *, is_trained: bool) -> list[float]:
    """Median and mean absolute error and median standard deviation, in percentage points; coverage of each level."""
    encodings = encodings_for(bench.space, bench.zcp)
    encodings = encodings if is_trained else replace(encodings, trained=None)
    known = [bench.architectures[row] for row in split.train]
    test = split.test[bench.is_apart(split)][:_TESTED]
    accuracy = bench.accuracy[test]
    reference = bench.architectures[:_REFERENCE_SIZE]
    predictor = fit_accuracy(bench.space, known, bench.accuracy[split.train], encodings, reference)
    estimate = predictor.predict([bench.architectures[row] for row in test])
    errors = np.abs(estimate.mean - accuracy)
    covered = [coverage(*estimate.interval(level), accuracy) for level in _LEVELS]
    return [float(np.median(errors)), float(errors.mean()), float(np.median(estimate.std)), *covered]


def _section(rows: list[list[str]], seeds: int, *, is_trained: bool) -> str:
    header = [
        "cells",
        "median error",
        "mean error",
        "median std",
        *(f"in the {100 * level:.0f} %" for level in _LEVELS),
    ]
    without = "" if is_trained else " Without the network's training on the known cells."
    return f"""### Accuracies in per cent from few trained cells, and their intervals

`fit_accuracy` with published proxies on NAS-Bench-201, CIFAR-10; means over {seeds} random splits, {_TESTED:,} test
cells each, none isomorphic to a training cell. Errors in percentage points, then the share of cells inside
intervals.{without}

{markdown_table(header, rows)}"""


if __name__ == "__main__":
    main()

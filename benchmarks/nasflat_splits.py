"""Compares this package's NASFLAT with the authors' network on the same sources, samples and architectures.

python benchmarks/nasflat_splits.py --data ../shared/data --splits splits.json --keep rows.jsonl --write

The splits' format is `service.benchmarks.latency_splits`'s; the protocol `service.benchmarks.latency_tasks`'s.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("OMP_NUM_THREADS", "1")

from kept_rows import keep, read_kept
from report import markdown_table, write_section

from service.benchmarks.latency_splits import Splits
from service.benchmarks.latency_tables import read_tables
from service.benchmarks.latency_tasks import FITS, open_bench, run_task
from service.benchmarks.published import PUBLISHED
from service.benchmarks.tasks import TASKS

_SHARED = Path(__file__).resolve().parents[2] / "shared"
# The authors' network on these splits: weights copied for each target, every architecture but the samples scored.
_AUTHORS: Final = {
    "30 epochs at 1e-3": {
        "F1": (0.814, 0.027),
        "F2": (0.833, 0.029),
        "F3": (0.750, 0.017),
        "FA": (0.574, 0.074),
        "ND": (0.955, 0.005),
    },
    "40 epochs at 3e-3": {
        "F1": (0.829, 0.014),
        "F2": (0.805, 0.014),
        "F3": (0.799, 0.018),
        "FA": (0.662, 0.055),
        "ND": (0.951, 0.004),
    },
}
_SAMPLES: Final = 20
_SEEDS: Final = 3


def main() -> None:
    """Prints one JSON object a row, or rewrites the section of docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=_SHARED / "data", help="folder with help/ and eagle/")
    parser.add_argument("--splits", type=Path, action="append", required=True, help="JSON of rows; repeatable")
    parser.add_argument("--task", action="append", choices=sorted(TASKS))
    parser.add_argument("--predictor", action="append", choices=list(FITS))
    parser.add_argument("--section", default="nasflat_splits", help="name of the section that --write writes")
    parser.add_argument("--keep", type=Path, help="file of rows, which an interrupted run goes on from")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    splits = Splits({name: task for path in arguments.splits for name, task in Splits.read(path).tasks.items()})
    names = [name for name in TASKS if name in splits.tasks and name in (arguments.task or TASKS)]
    predictors = arguments.predictor or ["nasflat", "cost_linear"]
    rows = read_kept(arguments.keep)
    tables = read_tables(arguments.data)
    for name in names:
        missing = [p for p in predictors if (name, p) not in {(row["task"], row["predictor"]) for row in rows}]
        if missing:
            bench = open_bench(TASKS[name], tables, arguments.data, missing)
            found = run_task(bench, missing, [], [_SAMPLES], _SEEDS, splits=splits)
            keep(arguments.keep, found)
            rows += found
    if arguments.write:
        shown = [row for row in rows if row["task"] in names and row["predictor"] in predictors]
        write_section(arguments.section, _section(shown))


def _section(rows: Sequence[dict[str, Any]]) -> str:
    names = [name for name in TASKS if any(row["task"] == name for row in rows)]
    header = ["predictor", *names, "Kendall", "median APE", "in 50 %", "in 80 %", "in 90 %"]
    body = []
    for predictor in dict.fromkeys(row["predictor"] for row in rows):
        own = {row["task"]: row for row in rows if row["predictor"] == predictor}
        shown = [
            f"{own[name]['spearman']:.3f} ± {own[name]['spearman_std']:.3f}" if name in own else "-" for name in names
        ]
        keys = ("kendall", "median_ape", "coverage50", "coverage80", "coverage90")
        body.append([f"`{predictor}`", *shown, *(f"{_mean([row[key] for row in own.values()]):.3f}" for key in keys)])
    for title, scores in _AUTHORS.items():
        shown = [f"{scores[name][0]:.3f} ± {scores[name][1]:.3f}" if name in scores else "-" for name in names]
        body.append([f"authors' network, {title}", *shown, *["-"] * 5])
    published = PUBLISHED["NASFLAT"]
    body.append(["as published, other splits", *(f"{published[name]:.3f}" for name in names), *["-"] * 5])
    return f"""### NASFLAT on the splits of its authors' network

Spearman correlation over every architecture that was not timed, {_SAMPLES} random timings of each target device, mean
over targets ± standard deviation over {_SEEDS} seeds; the columns on the right are means over the tasks of the row. The
authors' network was run on the same 256 source architectures and the same timings, its weights copied for each target;
the published figures go on from one target to the next and score 128 architectures.

{markdown_table(header, body)}"""


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


if __name__ == "__main__":
    main()

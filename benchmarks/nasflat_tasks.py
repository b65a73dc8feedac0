"""Compares predictors and samplers on NASFLAT's tasks, protocol in `service.benchmarks.latency_tasks`.

python benchmarks/nasflat_tasks.py --space fbnet --data ../shared/data --keep rows.jsonl --write
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("OMP_NUM_THREADS", "1")

from kept_rows import keep, read_kept
from nasflat_tables import section, short_section
from report import write_section

from service.benchmarks.latency_tables import read_tables
from service.benchmarks.latency_tasks import PREDICTOR_NAMES, SAMPLER_NAMES, open_bench, run_task
from service.benchmarks.tasks import TASKS

_SHARED = Path(__file__).resolve().parents[2] / "shared"
_BASELINES = ("one_hot_ridge", "gradient_boosting", "gaussian_process", "flops")
# Predictors, samplers and numbers of timings that are run with each other, the quickest first.
_PARTS: Final[tuple[tuple[Sequence[str], Sequence[str], Sequence[int]], ...]] = (
    (("cost_linear", "cost_linear_alone"), ("random", "d_optimal"), (20,)),
    (("cost_linear", "graph_linear", "auto"), ("random", "d_optimal", "d_optimal_sources"), (20,)),
    (("cost_linear",), ("random", "d_optimal"), (5, 10, 40)),
    (_BASELINES, ("random", "d_optimal"), (20,)),
)


def main() -> None:
    """Prints one JSON object a row, or rewrites the space's section of docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=_SHARED / "data", help="folder with help/ and eagle/")
    parser.add_argument("--space", choices=["nb201", "fbnet"], required=True)
    parser.add_argument("--task", action="append", choices=sorted(TASKS))
    parser.add_argument("--predictor", action="append", choices=PREDICTOR_NAMES, help="these alone, in a short table")
    parser.add_argument("--sampler", action="append", choices=SAMPLER_NAMES, help="of the short table")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--section", default="nasflat_tasks", help="name of the section, before the space's")
    parser.add_argument("--keep", type=Path, help="file of rows, which an interrupted run goes on from")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    names = [name for name, task in TASKS.items() if task.space == arguments.space]
    names = [name for name in names if name in (arguments.task or names)]
    kept = read_kept(arguments.keep)
    rows = [row for row in kept if row["task"] in names and row["seeds"] == arguments.seeds]
    tables = read_tables(arguments.data)
    samplers = arguments.sampler or ["random", "d_optimal"]
    parts = [(arguments.predictor, samplers, [20])] if arguments.predictor else _PARTS
    for part in parts:
        for name in names:
            if _lacks(rows, name, *part):
                found = run_task(open_bench(TASKS[name], tables, arguments.data, part[0]), *part, arguments.seeds)
                found = [row for row in found if _key(row) not in map(_key, rows)]
                keep(arguments.keep, found)
                rows += found
    if arguments.write:
        text = short_section(arguments.space, rows) if arguments.predictor else section(arguments.space, names, rows)
        write_section(f"{arguments.section}_{arguments.space}", text)


def _lacks(
    rows: Sequence[dict[str, Any]],
    task: str,
    predictors: Sequence[str],
    samplers: Sequence[str],
    samples: Sequence[int],
) -> bool:
    known = set(map(_key, rows))
    return any((task, p, s, n) not in known for p in predictors for s in samplers for n in samples)


def _key(row: dict[str, Any]) -> tuple[str, str, str, int]:
    return row["task"], row["predictor"], row["sampler"], row["samples"]


if __name__ == "__main__":
    main()

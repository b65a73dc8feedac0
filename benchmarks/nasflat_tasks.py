"""Compares predictors and samplers on NASFLAT's tasks, protocol in `service.benchmarks.latency_tasks`.

python benchmarks/nasflat_tasks.py --space fbnet --data ../shared/data --write
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from report import markdown_table, write_section
from scipy.stats import gmean

from service.benchmarks.latency_splits import Splits
from service.benchmarks.latency_tables import read_tables
from service.benchmarks.latency_tasks import PREDICTOR_NAMES, SAMPLER_NAMES, Bench, run_task
from service.benchmarks.tasks import TASKS

_SHARED = Path(__file__).resolve().parents[2] / "shared"
_DEFAULT_PREDICTORS = ("cost_linear", "graph_linear", "auto", "one_hot_ridge", "gaussian_process")
_DEFAULT_SAMPLERS = ("random", "d_optimal", "d_optimal_sources")


def main() -> None:
    """Prints one JSON object per task, predictor and sampler, or rewrites the space's section of docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=_SHARED / "data", help="folder with help/ and eagle/")
    parser.add_argument("--space", choices=["nb201", "fbnet"], required=True)
    parser.add_argument("--task", action="append", choices=sorted(TASKS))
    parser.add_argument("--predictor", action="append", choices=PREDICTOR_NAMES)
    parser.add_argument("--sampler", action="append", choices=SAMPLER_NAMES)
    parser.add_argument("--splits", type=Path, help="JSON of source and timed rows, in the place of drawn ones")
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--section", default="nasflat_tasks", help="name of the section, before the space's")
    parser.add_argument("--rows", type=Path, help="write the section from what an earlier run printed")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    predictors = arguments.predictor or list(_DEFAULT_PREDICTORS)
    samplers = arguments.sampler or list(_DEFAULT_SAMPLERS)
    splits = Splits.read(arguments.splits) if arguments.splits else None
    names = arguments.task or [name for name, task in TASKS.items() if task.space == arguments.space]
    if arguments.rows:
        rows = [json.loads(line) for line in arguments.rows.read_text(encoding="utf-8").splitlines()]
        _write(arguments, rows)
        return
    table = read_tables(arguments.data)[arguments.space]
    rows: list[dict[str, Any]] = []
    for name in names:
        bench = Bench.of(TASKS[name], table)
        found = run_task(bench, predictors, samplers, arguments.samples, arguments.seeds, splits=splits)
        for row in found:
            print(json.dumps(row), flush=True)
        rows += found
        if arguments.write:  # after each task, as all of them take long
            _write(arguments, rows)


def _write(arguments: argparse.Namespace, rows: list[dict[str, Any]]) -> None:
    write_section(f"{arguments.section}_{arguments.space}", _section(arguments.space, rows))


def _section(space: str, rows: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(row["task"] for row in rows))
    header = [
        "predictor",
        "sampler",
        *names,
        "geometric mean",
        "Kendall",
        "median APE",
        "in 50 %",
        "in 80 %",
        "in 90 %",
        "adaptation, s",
    ]
    body = []
    for predictor, sampler in dict.fromkeys((row["predictor"], row["sampler"]) for row in rows):
        own = [row for row in rows if (row["predictor"], row["sampler"]) == (predictor, sampler)]
        spread = [f"{row['spearman']:.3f} ± {row['spearman_std']:.3f}" for row in own]
        keys = ("kendall", "median_ape", "coverage50", "coverage80", "coverage90", "adapt_seconds")
        rest = [_mean([row[key] for row in own]) for key in keys]
        body.append([predictor, sampler, *spread, f"{gmean([max(row['spearman'], 1e-3) for row in own]):.3f}", *rest])
    return f"""### Predictors and samplers on NASFLAT's tasks, {space}

Spearman correlation over every measured architecture that was not timed, {rows[0]["samples"]} timings of each
target device, mean over targets ± standard deviation over seeds ({rows[0]["seeds"]}); the other columns are means over
tasks. Every network is trained anew for each task and seed, on 256 architectures of the task's source devices alone.

{markdown_table(header, body)}"""


def _mean(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known):.3f}" if known else "-"


if __name__ == "__main__":
    main()

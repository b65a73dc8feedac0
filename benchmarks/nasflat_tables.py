"""The tables of NASFLAT's tasks for docs/benchmarks.md, from the rows of `service.benchmarks.latency_tasks`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from report import markdown_table
from scipy.stats import gmean

from service.benchmarks.published import CEILING, PUBLISHED

Row = dict[str, Any]
_COVERAGES: Final = ("coverage50", "coverage80", "coverage90")
_ERRORS: Final = ("mape", "median_ape", "within5", "within10")
_ERROR_HEADS: Final = ("MAPE", "median APE", "within ±5 %", "within ±10 %")
_COVERAGE_HEADS: Final = ("in 50 %", "in 80 %", "in 90 %")


def section(space: str, tasks: Sequence[str], rows: Sequence[Row]) -> str:
    """Four tables of one space's tasks.

    Args: rows: predictors and samplers that lack a task are left out.
    """
    whole = {key for key in map(_contest, rows) if {row["task"] for row in rows if _contest(row) == key} >= set(tasks)}
    rows = [row for row in rows if _contest(row) in whole]
    twenty = [row for row in rows if row["samples"] == 20]
    own = [row for row in rows if row["predictor"] == "cost_linear" and row["sampler"] in ("random", "d_optimal")]
    return f"""### A new device from 20 timings, and NASFLAT's tasks: {space}

Spearman correlation over every measured architecture that was not timed (nor, in NAS-Bench-201, is isomorphic to a
timed one), 20 timings of each target device, mean over targets ± standard deviation over {rows[0]["seeds"]} seeds.
Every network is trained anew for each task and seed, on 256 architectures of the task's source devices alone.
`cost_linear_alone` knows no source. Published rows are from the papers' tables; the ceiling is about what thousands of
timings of the target allow.

{_ranks(tasks, twenty)}

Means over the tasks; the ratio is Spearman over the ceiling, the mean of the tasks' ratios. Adaptation is in
seconds of one core. The MAPE of ND and N2 is carried by pixel3 and raspi4, whose runtime folds the 341 cells without a
path to microseconds; the median and the shares say what a working network gets.

{_means(twenty)}

`cost_linear` by task; MAE is the mean absolute error, of all targets together. An interval's level is met on average
and not on each device: the devices that the 90 % interval covers least and most are named.

{_by_task(tasks, [row for row in own if row["samples"] == 20])}

`cost_linear` by the number of timings, means over the tasks.

{_by_samples(own)}"""


def short_section(space: str, rows: Sequence[Row]) -> str:
    """One table, of some predictors and samplers."""
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    return f"""### Some predictors on NASFLAT's tasks: {space}

Spearman correlation over every measured architecture that was not timed, {rows[0]["samples"]} timings of each target
device, mean over targets ± standard deviation over {rows[0]["seeds"]} seeds. Every network is trained anew for each
task and seed, on 256 architectures of the task's source devices alone; *given* samples are those of the splits that
the original was measured on.

{_ranks(tasks, rows)}

{_means(rows)}"""


def _ranks(tasks: Sequence[str], rows: Sequence[Row]) -> str:
    body = []
    for predictor, sampler in _contestants(rows):
        by_task = {row["task"]: row for row in rows if (row["predictor"], row["sampler"]) == (predictor, sampler)}
        values = [f"{by_task[task]['spearman']:.3f} ± {by_task[task]['spearman_std']:.3f}" for task in tasks]
        body.append([predictor, sampler, *values, _geometric([by_task[task]["spearman"] for task in tasks])])
    for name, published in PUBLISHED.items():
        own = [published[task] for task in tasks]
        body.append([name, "published", *(f"{value:.3f}" for value in own), _geometric(own)])
    ceiling = [CEILING[task] for task in tasks]
    body.append(["ceiling", "", *(f"{value:.3f}" for value in ceiling), _geometric(ceiling)])
    return markdown_table(["predictor", "sampler", *tasks, "geometric mean"], body)


def _means(rows: Sequence[Row]) -> str:
    keys = ("ceiling_ratio", "kendall", *_ERRORS, *_COVERAGES, "adapt_seconds")
    body = []
    for predictor, sampler in _contestants(rows):
        own = [row for row in rows if (row["predictor"], row["sampler"]) == (predictor, sampler)]
        body.append([predictor, sampler, *(_mean(own, key) for key in keys)])
    heads = ("predictor", "sampler", "of the ceiling", "Kendall", *_ERROR_HEADS, *_COVERAGE_HEADS, "adaptation, s")
    return markdown_table(list(heads), body)


def _by_task(tasks: Sequence[str], rows: Sequence[Row]) -> str:
    body = []
    for task in tasks:
        for row in (row for row in rows if row["task"] == task):
            figures = [f"{row[key]:.3f}" for key in (*_ERRORS, *_COVERAGES)]
            body.append([task, row["sampler"], f"{row['mae_ms']:.3g}", *figures, *_extremes(row)])
    heads = ("task", "sampler", "MAE, ms", *_ERROR_HEADS, *_COVERAGE_HEADS, "least in 90 %", "most in 90 %")
    return markdown_table(list(heads), body)


def _by_samples(rows: Sequence[Row]) -> str:
    body = []
    for sampler in dict.fromkeys(row["sampler"] for row in rows):
        for samples in sorted({row["samples"] for row in rows}):
            own = [row for row in rows if (row["sampler"], row["samples"]) == (sampler, samples)]
            ranks = _geometric([row["spearman"] for row in own])
            body.append([sampler, str(samples), ranks, *(_mean(own, key) for key in (*_ERRORS, *_COVERAGES))])
    heads = ("sampler", "timings", "Spearman, geometric mean", *_ERROR_HEADS, *_COVERAGE_HEADS)
    return markdown_table(list(heads), body)


def _contest(row: Row) -> tuple[str, str, int]:
    return row["predictor"], row["sampler"], row["samples"]


def _contestants(rows: Sequence[Row]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((row["predictor"], row["sampler"]) for row in rows))


def _mean(rows: Sequence[Row], key: str) -> str:
    known = [row[key] for row in rows if row[key] is not None]
    return f"{sum(known) / len(known):.3f}" if known else "-"


def _geometric(values: Sequence[float]) -> str:
    return f"{gmean([max(value, 1e-3) for value in values]):.3f}"


def _extremes(row: Row) -> list[str]:
    """The devices with the smallest and the greatest coverage of 90 %."""
    covered = sorted((levels[-1], device) for device, levels in row["coverage_by_device"].items())
    return [f"{device}: {share:.3f}" for share, device in (covered[0], covered[-1])]

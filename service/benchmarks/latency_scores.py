"""Scores of predicted latencies on a target device, and their means over targets and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from predictors import LatencyEstimate
from predictors.metrics import coverage, kendall, relative_errors, spearman
from service.benchmarks.published import CEILING
from spaces.base import FloatArray

LEVELS: Final = (50, 80, 90)
_COVERAGES: Final = tuple(f"coverage{level}" for level in LEVELS)
_METRICS: Final = (
    "spearman",
    "kendall",
    "mape",
    "median_ape",
    "mae_ms",
    "within5",
    "within10",
    *_COVERAGES,
    "adapt_seconds",
)
# Of one target: metric -> value. A baseline lacks what it does not predict.
Scores = dict[str, float]


def rank_scores(predicted: FloatArray, truth: FloatArray) -> Scores:
    """How alike the orders are; all that can be said of a proxy such as FLOPs."""
    return {"spearman": spearman(predicted, truth), "kendall": kendall(predicted, truth)}


def point_scores(predicted_ms: FloatArray, truth_ms: FloatArray) -> Scores:
    """Ranks and errors; `within5` and `within10` are the shares of errors up to 5 and 10 %."""
    errors = relative_errors(predicted_ms, truth_ms)
    return {
        **rank_scores(predicted_ms, truth_ms),
        "mape": float(errors.mean()),
        "median_ape": float(np.median(errors)),
        "mae_ms": float(np.abs(predicted_ms - truth_ms).mean()),
        "within5": float((errors <= 0.05).mean()),
        "within10": float((errors <= 0.1).mean()),
    }


def estimate_scores(estimate: LatencyEstimate, truth_ms: FloatArray) -> Scores:
    """`point_scores`, and the shares of measurements inside the intervals of `LEVELS`."""
    covered = {f"coverage{level}": coverage(*estimate.interval(level / 100), truth_ms) for level in LEVELS}
    return {**point_scores(estimate.mean_ms, truth_ms), **covered}


def mean_scores(task: str, scores: Sequence[dict[str, Scores]]) -> dict[str, Any]:
    """Means over targets, then over seeds; None for what a baseline lacks.

    `spearman_std` is over seeds, `ceiling_ratio` the share of `CEILING` that is reached, and `coverage_by_device` has
    each target's mean coverage of the levels.

    Args: scores: for each seed the targets' scores by device.
    """
    first = next(iter(scores[0].values()))
    per_seed = {
        metric: [float(np.mean([target[metric] for target in targets.values()])) for targets in scores]
        for metric in _METRICS
        if metric in first
    }
    means = {metric: float(np.mean(per_seed[metric])) if metric in per_seed else None for metric in _METRICS}
    by_device = {
        device: [float(np.mean([targets[device][key] for targets in scores])) for key in _COVERAGES]
        for device in scores[0]
        if _COVERAGES[0] in first
    }
    return {
        **means,
        "spearman_std": float(np.std(per_seed["spearman"], ddof=1)) if len(scores) > 1 else 0.0,
        "ceiling_ratio": float(np.mean(per_seed["spearman"])) / CEILING[task] if task in CEILING else None,
        "coverage_by_device": by_device,
    }

"""How a predictor tells the samples that it was fitted on, each from the others: the errors to expect of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from predictors.linear_latency import LinearLatency
from predictors.metrics import coverage, relative_errors, spearman
from spaces.base import FloatArray

LEVELS: Final = (0.5, 0.8, 0.9)


@dataclass(frozen=True, slots=True)
class LeftOutErrors:
    """Agreement of measured latencies with what the other samples predict.

    Attributes:
        samples: compared; of more than five thousand, as many.
        mape_percent, median_ape_percent: mean and median of the absolute error over the measured latency.
        spearman: rank correlation.
        within_5_percent, within_10_percent: percentage of samples with no greater error.
        coverage_percent: level in % -> percentage of samples inside that interval, in whose width they had no part.
    """

    samples: int
    mape_percent: float
    median_ape_percent: float
    spearman: float
    within_5_percent: float
    within_10_percent: float
    coverage_percent: dict[str, float]


def left_out_errors(line: LinearLatency, measured_ms: FloatArray) -> LeftOutErrors:
    """Errors of a fitted model.

    Args: measured_ms: (n,) of the samples that were fitted, in their order.
    """
    errors = relative_errors(line.left_out_ms, measured_ms)
    return LeftOutErrors(
        samples=len(measured_ms),
        mape_percent=100 * float(errors.mean()),
        median_ape_percent=100 * float(np.median(errors)),
        spearman=spearman(line.left_out_ms, measured_ms),
        within_5_percent=100 * float((errors <= 0.05).mean()),
        within_10_percent=100 * float((errors <= 0.1).mean()),
        coverage_percent={
            f"{100 * level:g}": 100 * coverage(*line.left_out_interval(measured_ms, level), measured_ms)
            for level in LEVELS
        },
    )

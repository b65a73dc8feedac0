"""Scores of how differently a network treats the samples of a batch: epe_nas and jacov on Jacobians, nwot on codes.

Sources: Mellor et al. 2021, arXiv 2006.04647 (nwot, and jacov in its first version); Lopes et al. 2021,
arXiv 2102.08099 (epe_nas); with the constants of NAS-Bench-Suite-Zero.
"""

from __future__ import annotations

import math

import numpy as np

from spaces.base import FloatArray, IntArray

_K = 1e-5
_MANY_CLASSES = 100


def jacov(jacobians: FloatArray) -> float:
    """Minus the sum of log(v + k) + 1 / (v + k) over the eigenvalues v of the samples' correlation; NaN if undefined.

    Args: jacobians: (batch, inputs) gradient of the summed outputs by each sample's input.
    """
    correlation = _correlation(jacobians)
    if not np.isfinite(correlation).all():
        return math.nan
    values = np.linalg.eigvalsh(correlation).clip(min=0) + _K
    return float(-(np.log(values) + 1 / values).sum())


def epe_nas(jacobians: FloatArray, labels: IntArray, classes: int) -> float:
    """How strongly samples of one class correlate; NaN if undefined.

    Sums |sum of log(|correlation| + k)| over the classes; with more than 100 classes, mean differences between them.
    Args: jacobians: as for `jacov`; labels: (batch,) below `classes`.
    """
    correlations = [_correlation(jacobians[labels == label]) for label in np.unique(labels)]
    sums = np.array([np.log(np.abs(correlation) + _K).sum() for correlation in correlations])
    if classes <= _MANY_CLASSES:
        return float(np.abs(sums).sum())
    means = sums / [len(correlation) for correlation in correlations]
    return float(np.abs(means[:, None] - means[None, :]).sum() / len(means))


def nwot(agreement: FloatArray) -> float:
    """Log of the determinant's size; NaN where it is zero, as if all samples are switched alike.

    Args: agreement: (batch, batch) number of activations that two samples switch alike.
    """
    value = float(np.linalg.slogdet(agreement)[1])
    return value if math.isfinite(value) else math.nan


def _correlation(rows: FloatArray) -> FloatArray:
    """(n, n), NaN where a row is constant."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.atleast_2d(np.corrcoef(rows))

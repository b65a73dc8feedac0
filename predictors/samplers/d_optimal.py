"""Greedy D-optimal design: each architecture is the one whose latency the timings so far determine least.

With weights w ~ N(0, I) over the standardised cost features and noise of variance `_NOISE_VARIANCE`, timing x
multiplies the determinant of the posterior precision by 1 + x' S x / noise, S the posterior covariance. Taking the
largest factor each time is the greedy maximiser of the information gained (Fedorov 1972; Krause et al. 2008 bound
its loss).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from predictors.features import GROUPS, feature_map
from predictors.samplers.base import unmeasured
from spaces.base import Architecture, FloatArray, SearchSpace

_NOISE_VARIANCE: Final = 0.05


def sample_d_optimal(
    space: SearchSpace,
    candidates: Sequence[Architecture],
    measured: Sequence[Architecture],
    count: int,
    *,
    rng: np.random.Generator,
) -> list[Architecture]:
    """See `Sampler`; ties go to the earlier candidate, `rng` is not drawn from."""
    pool = unmeasured(candidates, measured)
    features = design_features(space, pool)
    covariance = _posterior(design_features(space, measured))
    variances = np.einsum("nd,nd->n", features @ covariance, features)
    chosen: list[int] = []
    for _ in range(min(count, len(pool))):
        best = int(np.argmax(variances))
        chosen.append(best)
        gain = covariance @ features[best]
        variances = variances - (features @ gain) ** 2 / (_NOISE_VARIANCE + features[best] @ gain)
        variances[chosen] = -np.inf
        covariance = _after(covariance, features[best])
    return [pool[index] for index in chosen]


def design_features(space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
    """(n, d) columns of the feature map that a design spreads over.

    Those of kernels stay out: they are sums over what the others tell apart, and a design that spreads over them as
    well seeks the rare extremes of their combinations.
    """
    features = feature_map(space)
    return features(architectures)[:, np.array(features.groups) != GROUPS.index("kernel")]


def _posterior(timed: np.ndarray) -> np.ndarray:
    """Posterior covariance once the architectures with features `timed`, (n, d), are timed."""
    precision = np.eye(timed.shape[1]) + timed.T @ timed / _NOISE_VARIANCE
    covariance = np.linalg.inv(precision)
    return (covariance + covariance.T) / 2


def _after(covariance: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Posterior covariance once the architecture with features `row` is timed."""
    gain = covariance @ row
    return covariance - np.outer(gain, gain) / (_NOISE_VARIANCE + row @ gain)

"""Greedy D-optimal design: each architecture is the one whose latency the timings so far determine least.

With weights w ~ N(0, I) over the columns of `encode`, by default the standardised cost features, and noise of variance
`_NOISE_VARIANCE`, timing x multiplies the determinant of the posterior precision by 1 + x' S x / noise, S the posterior
covariance. Taking the largest factor each time is the greedy maximiser of the information gained (Fedorov 1972; Krause
et al. 2008 bound its loss).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from predictors.samplers.base import Encode, encoded, unmeasured
from spaces.base import Architecture, SearchSpace

_NOISE_VARIANCE: Final = 0.05


def sample_d_optimal(
    space: SearchSpace,
    candidates: Sequence[Architecture],
    measured: Sequence[Architecture],
    count: int,
    *,
    rng: np.random.Generator,
    encode: Encode | None = None,
) -> list[Architecture]:
    """See `Sampler`; ties go to the earlier candidate, `rng` is not drawn from."""
    pool = unmeasured(candidates, measured)
    if not pool or not count:
        return []
    features = encoded(space, pool, encode)
    timed = encoded(space, measured, encode) if measured else np.zeros((0, features.shape[1]))
    covariance = _posterior(timed)
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


def _posterior(timed: np.ndarray) -> np.ndarray:
    """Posterior covariance once the architectures with features `timed`, (n, d), are timed."""
    precision = np.eye(timed.shape[1]) + timed.T @ timed / _NOISE_VARIANCE
    covariance = np.linalg.inv(precision)
    return (covariance + covariance.T) / 2


def _after(covariance: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Posterior covariance once the architecture with features `row` is timed."""
    gain = covariance @ row
    return covariance - np.outer(gain, gain) / (_NOISE_VARIANCE + row @ gain)

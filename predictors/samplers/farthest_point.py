"""Farthest point: each architecture is the one least like all that are chosen or measured.

Source: Gonzalez 1985, whose bound on the largest distance it keeps. In place of the authors' greedy cosine, which looks
at the last choice alone and may repeat itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from predictors.samplers.base import Encode, encoded, standardised, unmeasured
from spaces.base import Architecture, FloatArray, SearchSpace


def sample_farthest_point(
    space: SearchSpace,
    candidates: Sequence[Architecture],
    measured: Sequence[Architecture],
    count: int,
    *,
    rng: np.random.Generator,
    encode: Encode | None = None,
) -> list[Architecture]:
    """See `Sampler`."""
    pool = unmeasured(candidates, measured)
    if not pool or not count:
        return []
    vectors = standardised(encoded(space, [*pool, *measured], encode))
    own, known = vectors[: len(pool)], vectors[len(pool) :]
    distance = np.full(len(pool), np.inf)
    for vector in known:
        distance = np.minimum(distance, _distance(own, vector))
    chosen = [int(np.argmax(distance)) if len(known) else int(rng.integers(len(pool)))]
    while len(chosen) < min(count, len(pool)):
        distance = np.minimum(distance, _distance(own, own[chosen[-1]]))
        distance[chosen] = -np.inf
        chosen.append(int(np.argmax(distance)))
    return [pool[row] for row in chosen]


def _distance(vectors: FloatArray, vector: FloatArray) -> FloatArray:
    return ((vectors - vector) ** 2).sum(axis=1)

"""The architecture nearest to the centre of each of as many clusters.

Source: Akhauri & Abdelfattah 2024, arXiv 2403.02446, sec. 4.3, there a random member of each cluster over vectors
without scaling. Seeds are drawn with probability proportional to the squared distance (Arthur & Vassilvitskii 2007).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from predictors.samplers.base import Encode, encoded, standardised, unmeasured
from spaces.base import Architecture, FloatArray, IntArray, SearchSpace

_ROUNDS = 25


def sample_k_means(
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
    if count >= len(pool):
        return [pool[row] for row in rng.permutation(len(pool)).tolist()]
    vectors = standardised(encoded(space, pool, encode))
    centres = _seeds(vectors, count, rng)
    for _ in range(_ROUNDS):
        nearest = _distances(vectors, centres).argmin(axis=1)
        members = [vectors[nearest == cluster] for cluster in range(count)]
        means = [part.mean(axis=0) if len(part) else centre for part, centre in zip(members, centres, strict=True)]
        if np.allclose(means, centres):
            break
        centres = np.array(means).reshape(centres.shape)
    return [pool[row] for row in _representatives(_distances(vectors, centres))]


def _seeds(vectors: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
    """(count, d) of the vectors."""
    rows: list[int] = []
    weight = np.ones(len(vectors))
    for _ in range(count):
        row = int(rng.choice(len(vectors), p=weight / weight.sum())) if weight.sum() > 0 else len(rows)
        rows.append(row)
        weight = np.minimum(weight if len(rows) > 1 else np.inf, ((vectors - vectors[row]) ** 2).sum(axis=1))
    return vectors[rows]


def _distances(vectors: FloatArray, centres: FloatArray) -> FloatArray:
    """(n, count) squared distances, up to what is the same for all centres."""
    return (centres**2).sum(axis=1) - 2 * vectors @ centres.T


def _representatives(distances: FloatArray) -> IntArray:
    """(count,) for each centre the nearest row that no earlier centre has taken."""
    taken = np.zeros(len(distances))
    rows = np.zeros(distances.shape[1], dtype=np.int64)
    for centre, column in enumerate(distances.T):
        rows[centre] = np.argmin(np.where(taken > 0, np.inf, column))
        taken[rows[centre]] = 1
    return rows

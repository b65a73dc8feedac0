"""One random architecture from each of as many buckets of equal size, by mean cosine similarity to all candidates.

Source: Akhauri & Abdelfattah 2024, arXiv 2403.02446, sec. 4.3, there over the joined encodings arch2vec, CATE and ZCP
without scaling; here columns are standardised, or the one with the largest numbers would decide.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from predictors.samplers.base import Encode, encoded, one_of_each, standardised, unmeasured
from spaces.base import Architecture, SearchSpace


def sample_cosine(
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
    vectors = standardised(encoded(space, pool, encode))
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    order = np.argsort(unit @ unit.sum(axis=0), kind="stable")
    return [pool[row] for row in one_of_each(order, count, rng=rng)]

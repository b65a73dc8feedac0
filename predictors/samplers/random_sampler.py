"""Uniform choice: the baseline of every transfer sampler."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from predictors.samplers.base import Encode, unmeasured
from spaces.base import Architecture, SearchSpace


def sample_random(
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
    chosen = rng.permutation(len(pool))[:count]
    return [pool[index] for index in chosen.tolist()]

"""One random architecture from each of as many buckets of equal size, by the number of parameters.

Source: Akhauri & Abdelfattah 2024, arXiv 2403.02446, sec. 4.3; their NAS-Bench-201 file of parameters held accuracies.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from predictors.samplers.base import Encode, one_of_each, unmeasured
from spaces.base import Architecture, SearchSpace
from spaces.part_table import PartTable


def sample_params(
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
    params = PartTable(space, lambda layers: [float(sum(layer.params for layer in layers))], 1)(pool).sum(axis=(1, 2))
    order = np.argsort(params, kind="stable")
    return [pool[row] for row in one_of_each(order, count, rng=rng)]

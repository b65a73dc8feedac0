"""The contract of transfer samplers: which architectures to time on a new device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from predictors.features import GROUPS, feature_map
from spaces.base import Architecture, FloatArray, IntArray, SearchSpace

# n architectures -> (n, d) vectors in which a sampler judges how alike they are.
Encode = Callable[[Sequence[Architecture]], FloatArray]


class Sampler(Protocol):
    """Chooses architectures to measure.

    Contract: the answer holds `count` distinct candidates (fewer only where the candidates run out), none of them
    measured already, in the order in which to time them; it depends on the arguments alone; candidates are not
    changed. Samplers that compare architectures do so in `encode`'s vectors, by default `design_features`; what known
    devices have in common comes in through it, as columns of their predicted latencies. The others ignore it.
    """

    def __call__(
        self,
        space: SearchSpace,
        candidates: Sequence[Architecture],
        measured: Sequence[Architecture],
        count: int,
        *,
        rng: np.random.Generator,
        encode: Encode | None = None,
    ) -> list[Architecture]:
        """`count` of the candidates."""
        ...


def unmeasured(candidates: Sequence[Architecture], measured: Sequence[Architecture]) -> list[Architecture]:
    """Distinct candidates that are not measured, in their order."""
    known = set(measured)
    return [candidate for candidate in dict.fromkeys(candidates) if candidate not in known]


def design_features(space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
    """(n, d) columns of the feature map that a choice of architectures spreads over.

    Those of kernels stay out: they are sums over what the others tell apart, and a design that spreads over them as
    well seeks the rare extremes of their combinations.
    """
    features = feature_map(space)
    return features(architectures)[:, np.array(features.groups) != GROUPS.index("kernel")]


def encoded(space: SearchSpace, architectures: Sequence[Architecture], encode: Encode | None) -> FloatArray:
    """(n, d) in the vectors asked for, or in `design_features`."""
    return design_features(space, architectures) if encode is None else encode(architectures)


def standardised(vectors: FloatArray) -> FloatArray:
    """Columns (n, d) of zero mean and unit deviation, constant ones dropped: no column rules by its unit."""
    deviation = vectors.std(axis=0)
    varies = deviation > 1e-9 * np.abs(vectors).max(axis=0, initial=0)
    return (vectors[:, varies] - vectors[:, varies].mean(axis=0)) / deviation[varies]


def one_of_each(order: IntArray, count: int, *, rng: np.random.Generator) -> list[int]:
    """A random row of each of `count` buckets of about equal size, all rows if they are fewer.

    Args: order: (n,) the rows, sorted by what the buckets divide.
    """
    buckets = [bucket for bucket in np.array_split(order, max(count, 1)) if len(bucket)]
    return [int(rng.choice(bucket)) for bucket in buckets][:count]

"""Linear models of the source devices, as directions in which the weights of a new device are likely to lie.

A network that knows the sources keeps what they say over a fixed sample of the space, not their weights, so that it
outlives a change of the feature map: in its columns the weights are found again by least squares.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from predictors.cost_linear import fit_cost_linear
from predictors.features import feature_map
from predictors.source_latencies import SourceLatencies
from spaces.base import Architecture, FloatArray, SearchSpace

_REFERENCE_SIZE: Final = 1024
_MAX_FITTED: Final = 512  # more change little but the time
# Singular values below this share of the greatest say nothing.
_NEGLIGIBLE: Final = 1e-5


def reference_sample(space: SearchSpace) -> list[Architecture]:
    """Architectures over which columns are standardised; always the same."""
    return space.sample(int(min(_REFERENCE_SIZE, space.size)), rng=np.random.default_rng(0))


@lru_cache(maxsize=16)
def reference_columns(space: SearchSpace) -> FloatArray:
    """(r, d) cost columns of `reference_sample`."""
    return feature_map(space)(reference_sample(space))


def linear_latencies(sources: SourceLatencies) -> FloatArray:
    """(r, m) what a linear model of each source says of `reference_sample`, over the source's median latency."""
    reference = reference_columns(sources.space)
    return np.stack([_linear(sources, reference, column) for column in sources.latency_ms.T], axis=1)


def _linear(sources: SourceLatencies, reference: FloatArray, latency_ms: FloatArray) -> FloatArray:
    known = np.flatnonzero(np.isfinite(latency_ms))
    known = known[np.linspace(0, len(known) - 1, min(len(known), _MAX_FITTED)).astype(np.int64)]
    timed = [sources.architectures[row] for row in known.tolist()]
    model = fit_cost_linear(sources.space, timed, latency_ms[known])
    return reference @ model.line.weights / np.median(latency_ms[known])


def split_columns(own: FloatArray, linear: FloatArray, others: FloatArray) -> FloatArray:
    """(d + k, d + m + k) that makes columns (n, d + k) into the first d, the sources' directions, and what the other k
    say beyond the first d.

    Each part's columns are standardised, over the root of their number: the directions one by one, the rest together,
    as what a network says of a device that is linear all but for its errors deserves no more room than that.

    Args: own, linear, others: (r, d), (r, m) and (r, k) values over a sample of the space; the first of `own` is one.
    """
    width, sources, rest = own.shape[1], linear.shape[1], others.shape[1]
    weights = np.linalg.lstsq(own, np.concatenate([linear, others], axis=1), rcond=_NEGLIGIBLE)[0]
    directions, explained = weights[:, :sources], weights[:, sources:]
    predicted = own @ directions
    directions[0] -= predicted.mean(axis=0)
    beyond = others - own @ explained
    split = np.zeros((width + rest, width + sources + rest))
    split[:width, :width] = np.eye(width)
    split[:width, width : width + sources] = directions / _size(predicted.std(axis=0)) / np.sqrt(sources)
    scale = _size(np.sqrt((beyond**2).sum() / len(beyond)))  # of all columns together
    split[:width, width + sources :] = -explained / scale
    split[width:, width + sources :] = np.eye(rest) / scale
    return split


def _size(spread: FloatArray) -> FloatArray:
    return np.where(spread > 1e-9, spread, np.inf)

"""Latency of a device as a Bayesian linear model over the costs of an architecture, adapted from a handful of timings.

See `linear_latency` for the model; a linear model of the logarithm ranks and fits worse (docs/benchmarks.md). Known
devices help a new one through the prior: the weights of the new device lie near the span of theirs, w = w_own + W b
with the columns of W the sources' weights in standardised units, which is a low-rank device factor model with the
factors given. Everything is linear in the same columns, so the sources fold into one weight vector and the artifact
stands alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from predictors.base import LatencyEstimate
from predictors.bayesian_linear import PriorGrid
from predictors.errors import InvalidArtifactError
from predictors.features import GROUPS, feature_map
from predictors.linear_latency import LinearLatency, checked_latencies, fit_linear_latency
from spaces.base import Architecture, FloatArray, IntArray, SearchSpace

NAME: Final = "cost_linear"
# Of new artifacts. Those of format 2 lack the left-out predictions and stay readable.
FORMAT: Final = 3
_READABLE: Final = (2, FORMAT)
# More samples than this, evenly spaced among them, change nothing but the time a fit takes.
MAX_FITTED: Final = 5_000

# Natural logarithms of the prior variances on the grid; targets have unit scale. -6 switches a group off.
_LOG_VARIANCES: Final[dict[str, tuple[float, ...]]] = {
    "intercept": (np.log(4.0),),
    "work": (-2.0, 1.0),
    "total": (-6.0, -2.0, 1.0),
    "count": (-6.0, -1.0),
    "live": (-6.0, -2.0),
    "position": (-6.0, -2.0),
    "kernel": (-6.0, -2.0, 1.0),
}
LOG_SOURCE_VARIANCES: Final = (-6.0, -2.0, 1.0)
_LOG_NOISES: Final = (-8.0, -6.5, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class CostLinear:
    """A fitted model; see `fit_cost_linear`.

    Attributes:
        line: weights in ms per unit of each column of the space's feature map, and their uncertainty.
    """

    space: SearchSpace
    line: LinearLatency

    @property
    def name(self) -> str:
        """Key in `PREDICTORS`."""
        return NAME

    @property
    def samples(self) -> int:
        """Measured architectures it was fitted on."""
        return self.line.samples

    def predict(self, architectures: Sequence[Architecture]) -> LatencyEstimate:
        """Latency of each architecture, in the order given."""
        return self.line.estimate(feature_map(self.space)(architectures))

    def to_bytes(self) -> bytes:
        """Safetensors with a JSON manifest; `predictors.load` reads it."""
        manifest = {
            "predictor": NAME,
            "format": FORMAT,
            "space": self.space.name,
            "features": feature_map(self.space).names,
            **self.line.numbers(),
        }
        return save(self.line.tensors(), metadata={"manifest": json.dumps(manifest)})

    @classmethod
    def from_bytes(cls, blob: bytes, manifest: dict, space: SearchSpace) -> CostLinear:
        """The model that `to_bytes` wrote. Raises: InvalidArtifactError."""
        if manifest.get("format") not in _READABLE or tuple(manifest["features"]) != feature_map(space).names:
            raise InvalidArtifactError(f"it was fitted on other features of {space.name}; fit it again")
        try:
            tensors = load(blob)
        except SafetensorError as error:
            raise InvalidArtifactError(str(error)) from error
        return cls(space, LinearLatency.of(manifest, tensors))


def fit_cost_linear(
    space: SearchSpace,
    architectures: Sequence[Architecture],
    latency_ms: FloatArray,
    sources: Sequence[CostLinear] = (),
) -> CostLinear:
    """Fits a device from its timings; closed form, about 0.3 s for 20 of them with sources.

    Args:
        architectures: the n measured ones.
        latency_ms: (n,) positive and finite.
        sources: models of other devices on the same space.
    Raises: TooFewSamplesError below `MIN_SAMPLES`; ValueError for a latency that is not positive and finite.
    """
    latency_ms = checked_latencies(latency_ms)
    samples = len(latency_ms)
    if samples > MAX_FITTED:
        fitted = fitted_rows(samples)
        architectures, latency_ms = [architectures[index] for index in fitted], latency_ms[fitted]
    features = feature_map(space)
    own = features(architectures)
    directions = source_directions(sources, own.shape[1])
    columns = np.concatenate([own, own @ directions], axis=1)
    fold = np.concatenate([np.eye(own.shape[1]), directions], axis=1)
    sizes, axes = ([directions.shape[1]], [LOG_SOURCE_VARIANCES]) if sources else ([], [])
    grid = prior_grid(features.groups, sizes, axes)
    return CostLinear(space, fit_linear_latency(columns, latency_ms, grid, fold, samples))


def fitted_rows(samples: int) -> IntArray:
    """Which samples a fit looks at: all of them, or `MAX_FITTED` evenly spaced ones."""
    return np.linspace(0, samples - 1, min(samples, MAX_FITTED)).astype(np.int64)


def prior_grid(groups: Sequence[int], extra: Sequence[int] = (), axes: Sequence[Sequence[float]] = ()) -> PriorGrid:
    """Every combination of group variances and noise.

    Args:
        groups: of the feature map's columns.
        extra: sizes of further groups, whose columns follow.
        axes: for each further group the logarithms of its variances.
    """
    every = [*(_LOG_VARIANCES[group] for group in GROUPS), *axes]
    further = [len(GROUPS) + number for number, size in enumerate(extra) for _ in range(size)]
    return PriorGrid((*groups, *further), np.exp(np.array(list(product(*every)))), np.exp(np.array(_LOG_NOISES)))


def source_directions(sources: Sequence[CostLinear], dimension: int) -> FloatArray:
    """(d, s) weights of each source, its latency standardised over the space, over the root of s.

    The columns of a feature map are standardised, so a weight's part in the spread of latencies shows in the norm of
    the prediction over the space; the intercept is the device's own.
    """
    if not sources:
        return np.zeros((dimension, 0))
    reference = feature_map(sources[0].space).reference
    weights = np.stack([source.line.weights for source in sources], axis=1)
    weights[0] = 0.0
    predicted = reference @ weights
    weights[0] = -predicted.mean(axis=0)
    spread = predicted.std(axis=0)
    return weights / np.where(spread > 0, spread, np.inf) / np.sqrt(len(sources))

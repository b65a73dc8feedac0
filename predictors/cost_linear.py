"""Latency of a device as a Bayesian linear model over the cost encoding, adapted from a handful of timings.

Latency adds up over the operations of a network, so the model is linear in milliseconds; a linear model of the
logarithm ranks and fits worse (docs/benchmarks.md). Known devices help a new one through the prior: the weights of the
new device lie near the span of theirs, w = w_own + W b with the columns of W the sources' weights in standardised
units, which is a low-rank device factor model with the factors given. Everything is linear in the same columns, so
the sources fold into one weight vector and the artifact stands alone.

Noise is constant or proportional to the latency, whichever makes the samples likelier: a phone's timing of a slow
network scatters more, a GPU's often does not.

Intervals: leave-one-out residuals in units of the predicted scale, smoothed by the noise model's own
Student-t distribution, which counts as much as `_PRIOR_RESIDUALS` residuals.
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
from scipy.special import stdtrit  # the t quantile; scipy.stats takes a second to import

from predictors.base import MIN_SAMPLES, LatencyEstimate
from predictors.bayesian_linear import DEGREES_OF_FREEDOM, PriorGrid, fit_bayesian_linear
from predictors.errors import InvalidArtifactError, TooFewSamplesError
from predictors.features import GROUPS, feature_map
from spaces.base import Architecture, FloatArray, SearchSpace

NAME: Final = "cost_linear"
_FORMAT: Final = 1
_MAX_RESIDUALS: Final = 256
_PRIOR_RESIDUALS: Final = 10
# Latency below this share of the samples' median is not believed.
_FLOOR_SHARE: Final = 0.02
# Proportional noise stops shrinking at this share of the median.
_QUIETEST_SHARE: Final = 0.1
# Timings that agree to this share of their median still say nothing about the next digit.
_LEAST_SPREAD: Final = 1e-3
# More samples than this, evenly spaced among them, change nothing but the time a fit takes.
_MAX_FITTED: Final = 5_000

# Natural logarithms of the prior variances on the grid; targets have unit scale. -6 switches a group off.
_LOG_VARIANCES: Final[dict[str, tuple[float, ...]]] = {
    "intercept": (np.log(4.0),),
    "work": (-2.0, 1.0),
    "total": (-6.0, -2.0, 1.0),
    "count": (-6.0, -1.0),
    "live": (-6.0, -2.0),
    "position": (-6.0, -2.0),
}
_LOG_SOURCE_VARIANCES: Final = (-6.0, -2.0, 1.0)
_LOG_NOISES: Final = (-8.0, -6.5, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class CostLinear:
    """A fitted model; see `fit_cost_linear`.

    Attributes:
        space: the search space.
        samples: measured architectures of the device; of very many, a part is fitted.
        weights: (d,) ms per unit of each column of the space's feature map.
        covariance: (d, d) their posterior covariance in ms^2.
        noise_ms: scale of the measurement noise; with a `noise_share`, its lower bound.
        noise_share: scale of the noise as a share of the latency; 0 where it is constant.
        floor_ms: smallest latency it answers.
        residuals: (m,) ascending absolute leave-one-out residuals in predicted scales.
    """

    space: SearchSpace
    samples: int
    weights: FloatArray
    covariance: FloatArray
    noise_ms: float
    noise_share: float
    floor_ms: float
    residuals: FloatArray

    @property
    def name(self) -> str:
        """Key in `PREDICTORS`."""
        return NAME

    def predict(self, architectures: Sequence[Architecture]) -> LatencyEstimate:
        """Latency of each architecture, in the order given."""
        features = feature_map(self.space)(architectures)
        variance = np.einsum("nd,nd->n", features @ self.covariance, features)
        mean_ms = np.maximum(features @ self.weights, self.floor_ms)
        noise_ms = np.maximum(self.noise_ms, self.noise_share * mean_ms)
        return LatencyEstimate(
            mean_ms=mean_ms,
            std_ms=np.sqrt(np.maximum(variance, 0.0) + noise_ms**2),
            floor_ms=self.floor_ms,
            half_width=self._half_width,
        )

    def _half_width(self, level: float) -> float:
        own = _student_half_width(np.linspace(0, 1, _PRIOR_RESIDUALS + 2)[1:-1])
        values = np.concatenate([self.residuals, own])
        share = np.concatenate([np.full(len(self.residuals), self.samples / len(self.residuals)), np.ones(len(own))])
        order = np.argsort(values)
        # Hazen positions; beyond the last one the Student-t tail goes on.
        position = (np.cumsum(share[order]) - share[order] / 2) / share.sum()
        if level <= position[-1]:
            return float(np.interp(level, np.concatenate([[0.0], position]), np.concatenate([[0.0], values[order]])))
        tail = _student_half_width(np.array([level, position[-1]]))
        return float(values[order][-1] * tail[0] / tail[1])

    def to_bytes(self) -> bytes:
        """Safetensors with a JSON manifest; `predictors.load` reads it."""
        manifest = {
            "predictor": NAME,
            "format": _FORMAT,
            "space": self.space.name,
            "features": feature_map(self.space).names,
            "samples": self.samples,
            "noise_ms": self.noise_ms,
            "noise_share": self.noise_share,
            "floor_ms": self.floor_ms,
        }
        tensors = {
            "weights": self.weights,
            "covariance": self.covariance,
            "residuals": self.residuals,
        }
        return save(tensors, metadata={"manifest": json.dumps(manifest)})

    @classmethod
    def from_bytes(cls, blob: bytes, manifest: dict, space: SearchSpace) -> CostLinear:
        """The model that `to_bytes` wrote. Raises: InvalidArtifactError."""
        if manifest.get("format") != _FORMAT or tuple(manifest["features"]) != feature_map(space).names:
            raise InvalidArtifactError(f"it was fitted on other features of {space.name}; fit it again")
        try:
            tensors = load(blob)
        except SafetensorError as error:
            raise InvalidArtifactError(str(error)) from error
        return cls(
            space=space,
            samples=manifest["samples"],
            weights=tensors["weights"],
            covariance=tensors["covariance"],
            noise_ms=manifest["noise_ms"],
            noise_share=manifest["noise_share"],
            floor_ms=manifest["floor_ms"],
            residuals=tensors["residuals"],
        )


def fit_cost_linear(
    space: SearchSpace,
    architectures: Sequence[Architecture],
    latency_ms: FloatArray,
    sources: Sequence[CostLinear] = (),
) -> CostLinear:
    """Fits a device from its timings; closed form, about 0.1 s for 20 of them.

    Args:
        architectures: the n measured ones.
        latency_ms: (n,) positive and finite.
        sources: models of other devices on the same space.
    Raises: TooFewSamplesError below `MIN_SAMPLES`; ValueError for a latency that is not positive and finite.
    """
    latency_ms = np.asarray(latency_ms, dtype=np.float64)
    if len(architectures) < MIN_SAMPLES:
        raise TooFewSamplesError(MIN_SAMPLES, len(architectures))
    if not (np.isfinite(latency_ms).all() and (latency_ms > 0).all()):
        raise ValueError("latencies must be positive and finite")
    samples = len(architectures)
    if samples > _MAX_FITTED:
        fitted = np.linspace(0, samples - 1, _MAX_FITTED).astype(np.int64)
        architectures, latency_ms = [architectures[index] for index in fitted], latency_ms[fitted]
    features = feature_map(space)
    own = features(architectures)
    location = float(np.median(latency_ms))
    scale = max(float(latency_ms.std()), _LEAST_SPREAD * location)
    directions = _source_directions(sources, own.shape[1])
    columns = np.concatenate([own, own @ directions], axis=1)
    fold = np.concatenate([np.eye(own.shape[1]), directions], axis=1)
    targets, grid = (latency_ms - location) / scale, _prior_grid(features.groups, directions.shape[1])

    posterior = fit_bayesian_linear(columns, targets, grid)
    predicted_ms = location + scale * (columns @ posterior.weights)
    proportional = np.maximum(predicted_ms / location, _QUIETEST_SHARE)
    alternative = fit_bayesian_linear(columns, targets, grid, proportional)
    is_proportional = alternative.log_evidence > posterior.log_evidence
    if is_proportional:
        posterior = alternative
    noise_ms = scale * posterior.noise_std  # of a network of median latency
    weights = scale * (fold @ posterior.weights)
    weights[0] += location
    residuals = np.sort(np.abs(posterior.loo_residuals))
    kept = np.linspace(0, len(residuals) - 1, min(len(residuals), _MAX_RESIDUALS)).astype(np.int64)
    return CostLinear(
        space=space,
        samples=samples,
        weights=weights,
        covariance=scale**2 * (fold @ posterior.covariance @ fold.T),
        noise_ms=_QUIETEST_SHARE * noise_ms if is_proportional else noise_ms,
        noise_share=noise_ms / location if is_proportional else 0.0,
        floor_ms=_FLOOR_SHARE * location,
        residuals=residuals[kept],
    )


def _student_half_width(level: FloatArray) -> FloatArray:
    """Half the central intervals (n,) of the noise model's Student-t distribution; finite for every level below 1."""
    return -stdtrit(DEGREES_OF_FREEDOM, (1 - level) / 2)  # the upper tail's 0.5 + level / 2 would round to 1


def _prior_grid(groups: Sequence[int], sources: int) -> PriorGrid:
    """Every combination of group variances and noise; the sources form a group of their own."""
    axes = [_LOG_VARIANCES[group] for group in GROUPS]
    if sources:
        axes.append(_LOG_SOURCE_VARIANCES)
    variances = np.exp(np.array(list(product(*axes))))
    return PriorGrid((*groups, *[len(GROUPS)] * sources), variances, np.exp(np.array(_LOG_NOISES)))


def _source_directions(sources: Sequence[CostLinear], dimension: int) -> FloatArray:
    """(d, s) weights of each source, its latency standardised over the space, over the root of s.

    The columns of a feature map are standardised, so a weight's part in the spread of latencies shows in the norm of
    the prediction over the space; the intercept is the device's own.
    """
    if not sources:
        return np.zeros((dimension, 0))
    reference = feature_map(sources[0].space).reference
    weights = np.stack([source.weights for source in sources], axis=1)
    weights[0] = 0.0
    predicted = reference @ weights
    weights[0] = -predicted.mean(axis=0)
    spread = predicted.std(axis=0)
    return weights / np.where(spread > 0, spread, np.inf) / np.sqrt(len(sources))

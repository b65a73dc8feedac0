"""Latency as a Bayesian linear model of any columns, with intervals from its leave-one-out residuals.

Latency adds up over the operations of a network, so the model is linear in milliseconds. Noise is constant or
proportional to the latency, whichever makes the samples likelier: a phone's timing of a slow network scatters more, a
GPU's often does not.

Intervals: leave-one-out residuals in units of the predicted scale, smoothed by the noise model's own
Student-t distribution, which counts as much as a quarter of the samples and never more than 10 residuals. That weight
was chosen on devices that are no target of a benchmark, see benchmarks/interval_coverage.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from predictors.base import MIN_SAMPLES, LatencyEstimate
from predictors.bayesian_linear import PriorGrid, fit_bayesian_linear, log_evidence
from predictors.errors import TooFewSamplesError
from predictors.student import student_half_width
from spaces.base import FloatArray

_MAX_RESIDUALS: Final = 256
_PRIOR_SHARE: Final = 0.25
_MOST_PRIOR_RESIDUALS: Final = 10.0
_PRIOR_LEVELS: Final = (np.arange(20) + 0.5) / 20
# Latency below this share of the samples' median is not believed.
_FLOOR_SHARE: Final = 0.02
# Proportional noise stops shrinking at this share of the median.
_QUIETEST_SHARE: Final = 0.1
# Timings that agree to this share of their median still say nothing about the next digit.
_LEAST_SPREAD: Final = 1e-3
_NUMBERS: Final = ("noise_ms", "noise_share", "floor_ms")
_TENSORS: Final = ("weights", "covariance", "residuals", "left_out_ms", "left_out_std_ms")
_UNKNOWN: Final = ("left_out_ms", "left_out_std_ms")  # in older artifacts


@dataclass(frozen=True, slots=True, eq=False)
class LinearLatency:
    """A fitted model; see `fit_linear_latency`.

    Attributes:
        samples: measured architectures of the device; of very many, a part is fitted.
        weights: (d,) ms per unit of each column.
        covariance: (d, d) their posterior covariance in ms^2.
        noise_ms: scale of the measurement noise; with a `noise_share`, its lower bound.
        noise_share: scale of the noise as a share of the latency; 0 where it is constant.
        floor_ms: smallest latency it answers.
        residuals: (m,) ascending absolute leave-one-out residuals in predicted scales.
        left_out_ms: (n,) what the model of the other samples predicts for each fitted one, in the order given; empty
            in artifacts of older versions. Of more than `MAX_FITTED` samples, those are `cost_linear.fitted_rows`.
        left_out_std_ms: (n,) scale of those predictions, which `LatencyEstimate.std_ms` compares with.
        left_out_log_density: mean logarithm of the density that the model gives each sample from the others, per
            millisecond.
    """

    samples: int
    weights: FloatArray
    covariance: FloatArray
    noise_ms: float
    noise_share: float
    floor_ms: float
    residuals: FloatArray
    left_out_ms: FloatArray
    left_out_std_ms: FloatArray
    left_out_log_density: float = -np.inf

    def estimate(self, columns: FloatArray) -> LatencyEstimate:
        """Latency of n architectures from their columns (n, d)."""
        variance = np.einsum("nd,nd->n", columns @ self.covariance, columns)
        mean_ms = np.maximum(columns @ self.weights, self.floor_ms)
        noise_ms = np.maximum(self.noise_ms, self.noise_share * mean_ms)
        return LatencyEstimate(
            mean_ms=mean_ms,
            std_ms=np.sqrt(np.maximum(variance, 0.0) + noise_ms**2),
            floor_ms=self.floor_ms,
            half_width=self._half_width,
            shared_ms=lambda: columns @ self._covariance_root(),
        )

    def _covariance_root(self) -> FloatArray:
        """(d, d) a root of the covariance, which rounding may have left without a Cholesky one."""
        values, vectors = np.linalg.eigh(self.covariance)
        return vectors * np.sqrt(np.maximum(values, 0.0))

    def left_out_interval(self, measured_ms: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
        """Central interval of each fitted sample, to whose place and width that sample contributed nothing.

        Args:
            measured_ms: (n,) the fitted samples' latencies, in their order.
            level: within (0, 1).

        Returns: lower_ms (n,) and upper_ms (n,); both empty in artifacts of older versions.
        """
        if len(self.residuals) < len(self.left_out_ms):  # one of so many residuals does not matter
            half_width = np.full(len(self.left_out_ms), self._half_width(level))
        else:
            own = np.abs(measured_ms - self.left_out_ms) / self.left_out_std_ms
            nearest = [int(np.argmin(np.abs(self.residuals - residual))) for residual in own]
            others = [
                replace(self, samples=len(self.residuals) - 1, residuals=np.delete(self.residuals, row))
                for row in nearest
            ]
            half_width = np.array([other._half_width(level) for other in others])
        margin = half_width * self.left_out_std_ms
        return np.maximum(self.left_out_ms - margin, self.floor_ms), self.left_out_ms + margin

    def numbers(self) -> dict[str, Any]:
        """What a manifest keeps."""
        return {"samples": self.samples, **{name: getattr(self, name) for name in _NUMBERS}}

    def tensors(self) -> dict[str, FloatArray]:
        """What an artifact keeps beside its manifest."""
        return {name: getattr(self, name) for name in _TENSORS}

    @classmethod
    def of(cls, numbers: Mapping[str, Any], tensors: Mapping[str, FloatArray]) -> LinearLatency:
        """The inverse of `numbers` and `tensors`. Raises: KeyError."""
        fields: dict[str, Any] = {name: numbers[name] for name in ("samples", *_NUMBERS)}
        known = {name: np.empty(0) for name in _UNKNOWN} | dict(tensors)
        fields.update({name: known[name] for name in _TENSORS})
        return cls(**fields)

    def _half_width(self, level: float) -> float:
        weight = min(_PRIOR_SHARE * self.samples, _MOST_PRIOR_RESIDUALS)
        return half_width(level, self.residuals, self.samples, weight)


def half_width(level: float, residuals: FloatArray, samples: int, prior_weight: float) -> float:
    """Quantile of absolute residuals and of the noise model's Student-t distribution, taken together.

    Args:
        residuals: (m,) absolute, standing for `samples`.
        prior_weight: how many residuals the distribution counts as.
    """
    own = student_half_width(_PRIOR_LEVELS) if prior_weight > 0 else np.empty(0)
    values = np.concatenate([residuals, own])
    share = np.repeat([samples / max(len(residuals), 1), prior_weight / max(len(own), 1)], [len(residuals), len(own)])
    order = np.argsort(values)
    # Hazen positions; beyond the last one the Student-t tail goes on.
    position = (np.cumsum(share[order]) - share[order] / 2) / share.sum()
    if level <= position[-1]:
        return float(np.interp(level, np.concatenate([[0.0], position]), np.concatenate([[0.0], values[order]])))
    tail = student_half_width(np.array([level, position[-1]]))
    return float(values[order][-1] * tail[0] / tail[1])


def checked_latencies(latency_ms: FloatArray) -> FloatArray:
    """The latencies (n,) as float64.

    Raises: TooFewSamplesError below `MIN_SAMPLES`; ValueError for a latency that is not positive and finite.
    """
    latency_ms = np.asarray(latency_ms, dtype=np.float64)
    if len(latency_ms) < MIN_SAMPLES:
        raise TooFewSamplesError(MIN_SAMPLES, len(latency_ms))
    if not (np.isfinite(latency_ms).all() and (latency_ms > 0).all()):
        raise ValueError("latencies must be positive and finite")
    return latency_ms


def fit_linear_latency(
    columns: FloatArray, latency_ms: FloatArray, grid: PriorGrid, fold: FloatArray | None = None, samples: int = 0
) -> LinearLatency:
    """The model of a device from its samples; closed form.

    Args:
        columns: (n, d), the first of them the intercept's ones.
        latency_ms: (n,), see `checked_latencies`.
        grid: prior variances of standardised latencies' weights.
        fold: (e, d) with which columns (n, d) are columns (n, e) times it; the model is then one of the e columns.
        samples: how many there are, if not n.
    """
    location = float(np.median(latency_ms))
    scale = max(float(latency_ms.std()), _LEAST_SPREAD * location)
    targets = (latency_ms - location) / scale
    posterior = fit_bayesian_linear(columns, targets, grid)
    predicted_ms = location + scale * (columns @ posterior.weights)
    proportional = np.maximum(predicted_ms / location, _QUIETEST_SHARE)
    is_proportional = log_evidence(columns, targets, grid, proportional) > posterior.log_evidence
    if is_proportional:
        posterior = fit_bayesian_linear(columns, targets, grid, proportional)
    noise_ms = scale * posterior.noise_std  # of a network of median latency
    weights, covariance = scale * posterior.weights, scale**2 * posterior.covariance
    if fold is not None:
        weights, covariance = fold @ weights, fold @ covariance @ fold.T
    weights[0] += location
    residuals = np.sort(np.abs(posterior.loo_residuals))
    kept = np.linspace(0, len(residuals) - 1, min(len(residuals), _MAX_RESIDUALS)).astype(np.int64)
    left_out_std_ms = scale * posterior.loo_scales
    return LinearLatency(
        samples=samples or len(latency_ms),
        weights=weights,
        covariance=covariance,
        noise_ms=_QUIETEST_SHARE * noise_ms if is_proportional else noise_ms,
        noise_share=noise_ms / location if is_proportional else 0.0,
        floor_ms=_FLOOR_SHARE * location,
        residuals=residuals[kept],
        left_out_ms=np.maximum(latency_ms - posterior.loo_residuals * left_out_std_ms, _FLOOR_SHARE * location),
        left_out_std_ms=left_out_std_ms,
        left_out_log_density=posterior.left_out_log_density - float(np.log(scale)),
    )

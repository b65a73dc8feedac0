"""Bayesian linear regression averaged over its prior variances, with Student-t noise; closed form throughout.

The model is z = G v + e, v ~ N(0, diag(rho)), where the columns of G come in groups that share one prior variance
each. Twenty samples cannot settle those variances, and picking the likeliest ones is overconfident. So they are laid
out on a small grid, each point is solved exactly, and the solutions are averaged by their evidence (Hoeting et al.
1999, Bayesian model averaging). Phones answer with outliers of three times the median, so the noise is Student-t,
found by reweighting the samples (Lange, Little & Taylor 1989); each round is closed form again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np
from scipy.special import gammaln

from predictors.student import DEGREES_OF_FREEDOM
from spaces.base import FloatArray, IntArray

_ROUNDS: Final = 6
_SETTLED: Final = 0.02  # change of the samples' weights, between 0 and 1.25, at which no further round is worth it
# The whole grid is weighed on at most this many samples, what is left of it on at most `_MAX_DUAL_SAMPLES`; with more
# of them the prior hardly matters.
_MAX_EVIDENCE_SAMPLES: Final = 48
_MAX_DUAL_SAMPLES: Final = 160
_NEGLIGIBLE: Final = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class PriorGrid:
    """Prior variances to average over: the product of `variances` and `noises`.

    Attributes:
        groups: (d,) group of each column.
        variances: (k, number of groups) prior variance of each group's weights.
        noises: (m,) noise variance.
    """

    groups: Sequence[int]
    variances: FloatArray
    noises: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Weighed:
    """What the evidence leaves of a grid, p points of it.

    Attributes:
        points: (p,) index of each point's prior in the grid.
        variances: (p, number of groups) prior variance of each group's weights.
        kernels: (p, n, n) prior covariance of the samples, noise aside.
        noises: (p,) noise variance.
        probability: (p,) of each point.
        weighting: (n,) Student-t weight of each sample.
        log_evidence: under Gaussian noise.
    """

    points: np.ndarray
    variances: FloatArray
    kernels: FloatArray
    noises: FloatArray
    probability: FloatArray
    weighting: FloatArray
    log_evidence: float


@dataclass(frozen=True, slots=True, eq=False)
class LinearPosterior:
    """Moments of the averaged posterior.

    Attributes:
        weights: (d,) mean of v.
        covariance: (d, d) covariance of v, the disagreement between grid points included.
        noise_std: scale of the Student-t noise.
        loo_residuals: (m,) leave-one-out residuals in units of their predicted scale.
        loo_scales: (m,) those scales, in units of the targets.
        log_evidence: of the samples under Gaussian noise, comparable between calls with the same samples and grid.
    """

    weights: FloatArray
    covariance: FloatArray
    noise_std: float
    loo_residuals: FloatArray
    loo_scales: FloatArray
    log_evidence: float

    @property
    def left_out_log_density(self) -> float:
        """Mean logarithm of the Student-t density of each sample given the others."""
        nu = DEGREES_OF_FREEDOM
        constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - np.log(nu * np.pi) / 2
        density = constant - (nu + 1) / 2 * np.log1p(self.loo_residuals**2 / nu) - np.log(self.loo_scales)
        return float(density.mean())


def fit_bayesian_linear(
    features: FloatArray, targets: FloatArray, grid: PriorGrid, noise_scale: FloatArray | None = None
) -> LinearPosterior:
    """Posterior of the weights given samples.

    Args:
        features: (n, d).
        targets: (n,), about zero mean and unit scale.
        noise_scale: (n,) positive, what each sample's noise is multiplied with; 1 if not given.
    """
    if noise_scale is not None:
        scaled = fit_bayesian_linear(features / noise_scale[:, None], targets / noise_scale, grid)
        return replace(
            scaled,
            loo_scales=scaled.loo_scales * noise_scale,
            log_evidence=scaled.log_evidence - float(np.log(noise_scale[_evidence_part(len(targets))]).sum()),
        )
    count = len(targets)
    part = _evidence_part(count)
    weighed = _weigh(features[part], targets[part], grid)
    log_evidence = weighed.log_evidence
    if len(part) < count <= _MAX_DUAL_SAMPLES:
        left = PriorGrid(grid.groups, grid.variances[np.unique(weighed.points)], grid.noises)
        weighed = _weigh(features, targets, left)
    if count <= _MAX_DUAL_SAMPLES:
        return _solve_few(features, targets, weighed, np.asarray(grid.groups), log_evidence)
    prior = np.exp(weighed.probability @ np.log(weighed.variances))[np.asarray(grid.groups)]
    noise = float(np.exp(weighed.probability @ np.log(weighed.noises)))
    return _solve_many(features, targets, prior, noise, log_evidence)


def log_evidence(features: FloatArray, targets: FloatArray, grid: PriorGrid, noise_scale: FloatArray) -> float:
    """`LinearPosterior.log_evidence` of the same arguments, without the posterior."""
    part = _evidence_part(len(targets))
    scaled = features[part] / noise_scale[part, None], targets[part] / noise_scale[part]
    evidence = _Spectra.of(_kernels(scaled[0], grid), np.ones(len(part)), scaled[1], grid.noises).evidence
    return _mean_evidence(evidence) - float(np.log(noise_scale[part]).sum())


def _evidence_part(count: int) -> IntArray:
    """Rows of the samples that the whole grid is weighed on."""
    return np.linspace(0, count - 1, min(count, _MAX_EVIDENCE_SAMPLES)).astype(np.int64)


def _weigh(features: FloatArray, targets: FloatArray, grid: PriorGrid) -> _Weighed:
    """Probabilities of the grid's points, found together with the weights of the samples.

    No point is dropped before the weights settle: an outlier rules out every low noise until its weight has fallen.
    """
    kernels = _kernels(features, grid)
    weighting = np.ones(len(targets))
    probability = np.empty(0)
    evidence_before = 0.0
    for round_ in range(_ROUNDS):
        spectra = _Spectra.of(kernels, weighting, targets, grid.noises)
        evidence = spectra.evidence
        probability = np.exp(evidence - evidence.max())
        if round_ == 0:
            evidence_before = _mean_evidence(evidence)
        probability /= probability.sum()
        shrunk = np.einsum("km,m,kmn->kn", probability, grid.noises, spectra.rotated)
        residuals = np.einsum("kin,kn->i", spectra.vectors, shrunk) / np.sqrt(weighting)
        before, weighting = weighting, _student_weights(residuals, float((probability @ grid.noises).sum()))
        if np.abs(weighting - before).max() < _SETTLED:
            break
    prior, noise = np.nonzero(probability > _NEGLIGIBLE * probability.max())
    kept = probability[prior, noise]
    return _Weighed(
        points=prior,
        variances=grid.variances[prior],
        kernels=kernels[prior],
        noises=grid.noises[noise],
        probability=kept / kept.sum(),
        weighting=weighting,
        log_evidence=evidence_before,
    )


def _kernels(features: FloatArray, grid: PriorGrid) -> FloatArray:
    """(k, n, n) prior covariance of the samples, noise aside, for each of the grid's priors."""
    groups = np.asarray(grid.groups)
    members = [features[:, groups == group] for group in range(grid.variances.shape[1])]
    return np.tensordot(grid.variances, np.stack([member @ member.T for member in members]), axes=1)


@dataclass(frozen=True, slots=True, eq=False)
class _Spectra:
    """Targets in the eigenvectors of each prior's kernel; one decomposition per prior serves all noises.

    Attributes:
        vectors: (k, n, n).
        spectrum: (k, m, n) eigenvalues, noise included.
        rotated: (k, m, n) targets over the spectrum.
    """

    vectors: FloatArray
    spectrum: FloatArray
    rotated: FloatArray

    @classmethod
    def of(cls, kernels: FloatArray, weighting: FloatArray, targets: FloatArray, noises: FloatArray) -> _Spectra:
        root = np.sqrt(weighting)
        eigenvalues, vectors = np.linalg.eigh(kernels * np.outer(root, root))
        spectrum = np.maximum(eigenvalues, 0.0)[:, None] + noises[:, None]
        return cls(vectors, spectrum, ((root * targets) @ vectors)[:, None] / spectrum)

    @property
    def evidence(self) -> FloatArray:
        """(k, m) logarithm of each point's, up to a constant."""
        return -0.5 * (self.rotated**2 * self.spectrum + np.log(self.spectrum)).sum(axis=2)


def _mean_evidence(evidence: FloatArray) -> float:
    """Logarithm of the mean over the grid."""
    return float(evidence.max() + np.log(np.exp(evidence - evidence.max()).mean()))


def _student_weights(residuals: FloatArray, noise: float) -> FloatArray:
    return (DEGREES_OF_FREEDOM + 1) / (DEGREES_OF_FREEDOM + residuals**2 / noise)


def _solve_few(
    features: FloatArray, targets: FloatArray, weighed: _Weighed, groups: IntArray, log_evidence: float
) -> LinearPosterior:
    """Exact mixture over the grid in the n-dimensional dual."""
    covariances = weighed.kernels + weighed.noises[:, None, None] * np.diag(1 / weighed.weighting)
    inverses = np.linalg.inv(covariances).astype(np.float64)
    dual = inverses @ targets
    shares = weighed.probability[:, None] * weighed.variances
    mean = (features * (shares.T @ dual)[groups].T).sum(axis=0)
    covariance = _mixture_covariance(features, weighed, groups, dual[:, :, None] * dual[:, None] - inverses)
    covariance -= np.outer(mean, mean)
    covariance[np.diag_indices(len(mean))] += shares.sum(axis=0)[groups]
    noise_std = float(np.sqrt(weighed.probability @ weighed.noises))
    return LinearPosterior(mean, covariance, noise_std, *_leave_one_out(inverses, dual, weighed), log_evidence)


def _mixture_covariance(features: FloatArray, weighed: _Weighed, groups: IntArray, middles: FloatArray) -> FloatArray:
    """(d, d) mean over the points of D X' M X D, with D each point's diagonal prior and `middles` its M, (p, n, n).

    D is constant within a group, so each block of two groups needs one (n, n) mean, however many points there are.
    """
    shares = np.einsum("p,pg,ph->ghp", weighed.probability, weighed.variances, weighed.variances)
    means = np.tensordot(shares, middles, axes=1)
    members = [np.flatnonzero(groups == group) for group in range(weighed.variances.shape[1])]
    result = np.empty((len(groups), len(groups)))
    for left, right in product(range(len(members)), repeat=2):
        block = features[:, members[left]].T @ means[left, right] @ features[:, members[right]]
        result[np.ix_(members[left], members[right])] = block
    return result


def _leave_one_out(inverses: FloatArray, dual: FloatArray, weighed: _Weighed) -> tuple[FloatArray, FloatArray]:
    """Residuals (n,) of predicting each sample from the others, in predicted scales, and those scales.

    Leaving a sample out also changes the evidence, which loses the factor N(z_i | the others): a grid point that only
    this sample spoke for must not vouch for it. Source: Rasmussen & Williams 2006, eq. 5.12.
    """
    precision = np.diagonal(inverses, axis1=1, axis2=2)
    residuals = dual / precision
    log_probability = np.log(weighed.probability)[:, None] + 0.5 * (residuals**2 * precision - np.log(precision))
    without = np.exp(log_probability - log_probability.max(axis=0))
    without /= without.sum(axis=0)
    mean = (without * residuals).sum(axis=0)
    model_variance = np.maximum(1 / precision - weighed.noises[:, None] / weighed.weighting, 0.0)
    variance = (without * (model_variance + weighed.noises[:, None] + (residuals - mean) ** 2)).sum(axis=0)
    return mean / np.sqrt(variance), np.sqrt(variance)


def _solve_many(
    features: FloatArray, targets: FloatArray, prior: FloatArray, noise: float, log_evidence: float
) -> LinearPosterior:
    """One prior in the d-dimensional primal; the noise is estimated from all samples.

    Source of the noise's update: expectation maximisation, which adds to each squared residual the variance of the
    fit; without it, a fit with as many columns as samples would leave no noise.
    """
    weighting = np.ones(len(targets))
    covariance: FloatArray = np.diag(prior)
    weights = np.zeros_like(prior)
    left_out, scales = np.zeros_like(targets), np.ones_like(targets)
    for _ in range(2 * _ROUNDS):
        weighted = features * weighting[:, None]
        precision = weighted.T @ features / noise + np.diag(1 / prior)
        covariance = np.linalg.inv(precision).astype(np.float64)
        weights = covariance @ (weighted.T @ targets) / noise
        residuals = targets - features @ weights
        variance = np.einsum("nd,nd->n", features @ covariance, features)
        leverage = np.minimum(weighting * variance / noise, 0.99)
        used, noise = noise, max(float(weighting @ residuals**2 / max(1.0, (1 - leverage).sum())), 1e-10)
        scales = np.sqrt(used + used / weighting * leverage / (1 - leverage))
        left_out = residuals / (1 - leverage) / scales
        weighting = _student_weights(residuals, noise)
    return LinearPosterior(weights, covariance, float(np.sqrt(noise)), left_out, scales, log_evidence)

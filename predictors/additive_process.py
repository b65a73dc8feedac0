"""A Gaussian process whose covariance is a sum over encodings, with variances that a handful of samples can settle.

Eight samples cannot tell which of several encodings count. So each has a prior variance with a log-normal prior around
what is expected of it, and the likeliest values under both are taken (type II maximum a posteriori; Rasmussen &
Williams 2006, sec. 5.2, whose equations 5.9 and 5.12 are the gradient and the leave-one-out predictions here).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from scipy.optimize import minimize
from scipy.special import stdtrit  # the quantile of Student's t; scipy.stats takes most of a second to import

from spaces.base import FloatArray

# Logarithm of the noise variance, of targets with unit variance, and the standard deviation of all logarithms.
_LOG_NOISE: Final = -2.0
_PRIOR_DEVIATION: Final = 1.0
_BOUNDS: Final = (-9.0, 4.0)
_NOISE_BOUNDS: Final = (-7.0, 1.0)
_JITTER: Final = 1e-6
# Variances are settled on at most this many samples; more of them hardly move what a dozen numbers are.
_MOST_WEIGHED: Final = 200
# The calibration counts as many residuals of a well calibrated model beside the left-out ones.
_PRIOR_RESIDUALS: Final = 8


class Kernel(Protocol):
    """Covariance of about unit size between rows of columns."""

    def __call__(self, left: FloatArray, right: FloatArray) -> FloatArray:
        """(n, m) from (n, d) and (m, d)."""
        ...

    def diagonal(self, columns: FloatArray) -> FloatArray:
        """(n,) of each row with itself."""
        ...


class Linear:
    """Mean product of the columns."""

    def __call__(self, left: FloatArray, right: FloatArray) -> FloatArray:
        """See `Kernel.__call__`."""
        return left @ right.T / left.shape[1]

    def diagonal(self, columns: FloatArray) -> FloatArray:
        """See `Kernel.diagonal`."""
        return np.einsum("nd,nd->n", columns, columns) / columns.shape[1]


@dataclass(frozen=True, slots=True)
class Matern:
    """Matern covariance of order 3/2: a rough function of the columns together. Attributes: length: scale of a step."""

    length: float

    @classmethod
    def around(cls, columns: FloatArray) -> Matern:
        """With the median distance between the rows as its length."""
        distances = _distances(columns, columns)[np.triu_indices(len(columns), k=1)]
        return cls(max(float(np.median(distances)), 1e-9) if len(distances) else 1.0)

    def __call__(self, left: FloatArray, right: FloatArray) -> FloatArray:
        """See `Kernel.__call__`."""
        steps = np.sqrt(3.0) / self.length * _distances(left, right)
        return (1 + steps) * np.exp(-steps)

    def diagonal(self, columns: FloatArray) -> FloatArray:
        """See `Kernel.diagonal`."""
        return np.ones(len(columns))


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    """A summand. Attributes: group: of columns that the kernel compares; log_variance: what is expected of it."""

    group: int
    kernel: Kernel
    log_variance: float


@dataclass(frozen=True, slots=True, eq=False)
class AdditiveProcess:
    """A fitted process; see `fit_additive_process`.

    Attributes:
        samples: groups of columns (n, d_g) of the samples.
        variances: (k,) of the components.
        noise: variance of the noise.
        dual: (n,) weight of each sample.
        inverse: (n, n) of the samples' covariance, noise included.
        calibration: what predicted standard deviations are multiplied with, from left-out residuals.
    """

    components: tuple[Component, ...]
    samples: tuple[FloatArray, ...]
    variances: FloatArray
    noise: float
    dual: FloatArray
    inverse: FloatArray
    calibration: float

    def predict(self, groups: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation (m,) of new targets, noise included, from groups of columns (m, d_g)."""
        covariance = np.zeros((len(groups[0]), len(self.dual)))
        prior = np.full(len(groups[0]), self.noise)
        for component, variance in zip(self.components, self.variances, strict=True):
            asked, known = groups[component.group], self.samples[component.group]
            covariance += variance * component.kernel(asked, known)
            prior += variance * component.kernel.diagonal(asked)
        explained = np.einsum("mn,mn->m", covariance @ self.inverse, covariance)
        spread = np.sqrt(np.maximum(prior - explained, self.noise))
        return covariance @ self.dual, self.calibration * spread

    def half_width(self, level: float) -> float:
        """Half the central interval of a level in standard deviations.

        Student's t, as n samples set the scale. They set k variances too, which costs a degree of freedom each, but no
        more than half of them, as the variances have priors.
        """
        count, settled = len(self.dual), len(self.variances) + 1
        return float(-stdtrit(max(count - settled, count / 2), (1 - level) / 2))


def fit_additive_process(
    groups: Sequence[FloatArray],
    targets: FloatArray,
    components: Sequence[Component],
    classes: Sequence[Hashable] | None = None,
) -> AdditiveProcess:
    """Fit to n samples.

    Args:
        groups: columns (n, d_g) of each group.
        targets: (n,) of about zero mean and unit variance.
        classes: (n,) equal for samples that tell of each other and are left out together; by default none do.
    """
    kernels = np.stack([component.kernel(groups[component.group], groups[component.group]) for component in components])
    part = np.linspace(0, len(targets) - 1, min(len(targets), _MOST_WEIGHED)).astype(np.int64)
    some, some_targets = kernels[:, part[:, None], part], targets[part]
    expected = np.array([*(component.log_variance for component in components), _LOG_NOISE])

    def negative_log_posterior(logs: FloatArray) -> tuple[float, FloatArray]:
        inverse, log_determinant = _inverse(_covariance(some, np.exp(logs)))
        dual = inverse @ some_targets
        away = (logs - expected) / _PRIOR_DEVIATION
        slope = np.outer(dual, dual) - inverse
        gradient = -0.5 * np.exp(logs) * np.append(np.tensordot(some, slope, 2), np.trace(slope))
        return 0.5 * float(some_targets @ dual + log_determinant + away @ away), gradient + away / _PRIOR_DEVIATION

    bounds = [_BOUNDS] * len(components) + [_NOISE_BOUNDS]
    found = np.exp(minimize(negative_log_posterior, expected, jac=True, method="L-BFGS-B", bounds=bounds).x)
    inverse, _ = _inverse(_covariance(kernels, found))
    dual = inverse @ targets
    left_out = _left_out(dual, inverse, range(len(targets)) if classes is None else classes)
    calibration = np.sqrt((left_out + _PRIOR_RESIDUALS) / (len(targets) + _PRIOR_RESIDUALS))
    return AdditiveProcess(
        tuple(components), tuple(groups), found[:-1], float(found[-1]), dual, inverse, float(calibration)
    )


def _left_out(dual: FloatArray, inverse: FloatArray, classes: Sequence[Hashable]) -> float:
    """Squares of the samples' standardised residuals, summed, each class of them predicted from the others.

    With the class B left out the residuals are inverse(P_BB) dual_B, and their covariance is inverse(P_BB), P the
    inverse of the whole covariance.
    """
    rows: dict[Hashable, list[int]] = {}
    for row, name in enumerate(classes):
        rows.setdefault(name, []).append(row)
    return sum(float(dual[own] @ np.linalg.solve(inverse[np.ix_(own, own)], dual[own])) for own in rows.values())


def _covariance(kernels: FloatArray, variances: FloatArray) -> FloatArray:
    return np.tensordot(variances[:-1], kernels, 1) + (variances[-1] + _JITTER) * np.eye(kernels.shape[1])


def _inverse(covariance: FloatArray) -> tuple[FloatArray, float]:
    """The inverse and the logarithm of the determinant."""
    values, vectors = np.linalg.eigh(covariance)
    values = np.maximum(values, _JITTER)
    return (vectors / values) @ vectors.T, float(np.log(values).sum())


def _distances(left: FloatArray, right: FloatArray) -> FloatArray:
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T
    return np.sqrt(np.maximum(squares, 0.0))

"""Latency of any network from its layers alone: costs of kinds of kernels that a device's timings say.

    latency(network) = sum over its layers of sum_k w_k f_k(layer),  w >= 0

with the columns f of `COLUMNS`: a launch, multiply-accumulates by kind of kernel, bytes by kind of traffic, and
rooflines of several balances. The same w holds for every network, so timings of one space's networks speak of those of
another, and a prediction divides among the layers. Weights are fitted by non-negative least squares of relative errors
with a ridge that draws towards a plain device; cross-validation says how far it may. A negative cost, or one that the
samples do not tell and that is left to chance, shows as soon as a network is unlike those timed.

Spread: the cross-validated relative error, times sqrt(1 + h) with h the leverage of the network's row, which is small
among networks like those timed and grows without bound away from them. A network whose h is far above all of theirs is
called unlike them, and is expected to be off by no less than one timed family is when the others predict it, nor by
less than families commonly are. One with a kind of kernel that was never timed is unlike them too, and may be off by
what that kernel takes, of which nothing is known. What
layers run next to each other, hence what a runtime fuses or keeps in a cache, is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from predictors.base import MIN_SAMPLES, LatencyEstimate
from predictors.linear_latency import checked_latencies
from predictors.student import student_half_width
from spaces.base import Architecture, BoolArray, FloatArray, Layer, SearchSpace, Workload

NAME: Final = "workload"
# MACs per byte where a device's limit turns from memory to arithmetic.
_BALANCES: Final = (1.0, 8.0, 64.0)
_MACS: Final[dict[str, Callable[[Layer], bool]]] = {
    "depthwise": lambda layer: layer.kind == "conv" and 1 < layer.groups == layer.in_channels,
    "grouped": lambda layer: layer.kind == "conv" and 1 < layer.groups < layer.in_channels,
    "pointwise": lambda layer: layer.kind == "conv" and layer.groups == 1 and layer.kernel_area == 1,
    "dense": lambda layer: layer.kind == "conv" and layer.groups == 1 and layer.kernel_area > 1,
    "linear": lambda layer: layer.kind == "linear",
    "matmul": lambda layer: layer.kind == "matmul",
}
_TRAFFIC: Final[dict[str, Callable[[Layer], bool]]] = {
    "product": lambda layer: layer.kind in ("conv", "linear", "matmul"),
    "elementwise": lambda layer: layer.kind in ("add", "activation") or (layer.kind == "norm" and layer.is_affine),
    # Norms over neighbours or samples, which no product takes in.
    "unlearned": lambda layer: layer.kind == "norm" and not layer.is_affine,
    "pool": lambda layer: layer.kind == "pool",
    "copy": lambda layer: layer.kind in ("shuffle", "concat", "slice"),
}
COLUMNS: Final = (
    "launch",
    *(f"macs:{kind}" for kind in _MACS),
    *(f"bytes:{kind}" for kind in _TRAFFIC),
    *(f"roofline:{balance:g}" for balance in _BALANCES),
)
_GROUPS: Final = np.array([name.partition(":")[0] for name in COLUMNS])
# Before any sample a launch, MACs, bytes and the rooflines carry a quarter of the latency each.
_PRIOR: Final = np.where(_GROUPS == "roofline", 0.25 / len(_BALANCES), 0.25)
_RIDGES: Final = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)
# The strongest ridge whose error is within this factor of the best: what the samples leave open stays near the prior.
_TOLERANCE: Final = 1.25
_FOLDS: Final = 5
_REWEIGHTINGS: Final = 6
_HUBER: Final = 2.0
_LEAST_SPREAD: Final = 0.01
_MOST_OFF: Final = 10.0  # so many times too little counts like nothing at all
_FLOOR_SHARE: Final = 0.01
# So many times the largest leverage of a timed network, and at least so much: unlike all of them.
_UNLIKE_FACTOR: Final = 2.0
_UNLIKE_LEAST: Final = 1.0
# Standard deviations, as shares of the latency. A family that is predicted from others: what is common among families
# timed on CPUs (benchmarks/workload_families.py), where the device's own do not say more. A kind of kernel that was
# never timed: it may take as long as all the rest.
_UNLIKE_SPREAD: Final = 0.3
_UNLIKE_MOST: Final = 1.0  # of what the leverage alone says
_UNTIMED_SPREAD: Final = 0.5
# Half widths of a level are those of Student's t: few samples, heavy tails.


def layer_columns(layers: Sequence[Layer], batch: int = 1) -> FloatArray:
    """(layers, d) the columns `COLUMNS` of each layer, run on `batch` samples at once."""
    return np.array([_row(layer, batch) for layer in layers], dtype=np.float64).reshape(len(layers), len(COLUMNS))


def workload_columns(workload: Workload) -> FloatArray:
    """(d,) sum over the layers of one run of the workload's batch."""
    return layer_columns(workload.layers, workload.batch).sum(axis=0)


def layer_design(space: SearchSpace, pool: Sequence[Architecture]) -> Callable[[Sequence[Architecture]], FloatArray]:
    """Vectors in which samplers compare networks of any size: logarithms of the columns, standardised over the pool.

    Args: pool: at least one architecture.
    """

    def logarithms(architectures: Sequence[Architecture]) -> FloatArray:
        rows = [workload_columns(space.workload(architecture)) for architecture in architectures]
        return np.log1p(np.array(rows).reshape(len(rows), len(COLUMNS)))

    known = logarithms(pool)
    mean, deviation = known.mean(axis=0), known.std(axis=0)
    varies = deviation > 0
    return lambda architectures: np.concatenate(
        [
            np.ones((len(architectures), 1)),
            (logarithms(architectures)[:, varies] - mean[varies]) / deviation[varies] / np.sqrt(max(varies.sum(), 1)),
        ],
        axis=1,
    )


def _row(layer: Layer, batch: int) -> list[float]:
    macs = float(batch * layer.macs)
    activations = 4.0 * batch * (layer.in_elements + layer.out_elements)
    weights = 4.0 * layer.params
    return [
        1.0,
        *(macs if belongs(layer) else 0.0 for belongs in _MACS.values()),
        *(activations + weights if belongs(layer) else 0.0 for belongs in _TRAFFIC.values()),
        *(max(macs / balance, activations + weights) for balance in _BALANCES),
    ]


@dataclass(frozen=True, slots=True, eq=False)
class WorkloadLatency:
    """A fitted model; see `fit_workload_latency`.

    Attributes:
        space: whose architectures it predicts.
        samples: networks it was fitted on, of any space.
        weights: (d,) ms per unit of each column, none negative.
        covariance: (d, d) with which a network's leverage is h(x) = x' C x / latency(x)^2.
        spread: relative error of a network like those timed.
        largest_leverage: of the timed networks.
        unlike_spread: least relative error of a network unlike those timed: what a family of them shows when it is
            predicted from the others; 0 of a single family.
        untimed: (d,) columns that no timed network has anything of.
        floor_ms: smallest latency it answers.
    """

    space: SearchSpace
    samples: int
    weights: FloatArray
    covariance: FloatArray
    spread: float
    largest_leverage: float
    unlike_spread: float
    untimed: BoolArray
    floor_ms: float

    @property
    def name(self) -> str:
        """What answers call it; it has no key in `PREDICTORS`, because nothing of it is stored."""
        return NAME

    def predict(self, architectures: Sequence[Architecture]) -> LatencyEstimate:
        """Latency of each architecture, in the order given."""
        columns, mean_ms, leverage = self._mean_and_leverage(architectures)
        spread = self.spread * np.sqrt(1 + leverage)
        least = max(self.unlike_spread, _UNLIKE_SPREAD)
        unlike = np.maximum(np.minimum(spread, _UNLIKE_MOST), least)
        spread = np.where(self._is_unlike(columns, leverage), unlike, spread)
        return LatencyEstimate(
            mean_ms=mean_ms,
            std_ms=mean_ms * np.sqrt(spread**2 + (_UNTIMED_SPREAD * self._has_untimed(columns)) ** 2),
            floor_ms=self.floor_ms,
            half_width=student_half_width,
        )

    def is_unlike_samples(self, architectures: Sequence[Architecture]) -> list[bool]:
        """Whether each architecture lies far from all that the device was timed with."""
        columns, _, leverage = self._mean_and_leverage(architectures)
        return self._is_unlike(columns, leverage).tolist()

    def layer_ms(self, architecture: Architecture) -> FloatArray:
        """(layers,) what each layer adds to the latency."""
        workload = self.space.workload(architecture)
        return layer_columns(workload.layers, workload.batch) @ self.weights

    def _is_unlike(self, columns: FloatArray, leverage: FloatArray) -> BoolArray:
        far = leverage > max(_UNLIKE_LEAST, _UNLIKE_FACTOR * self.largest_leverage)
        return far | self._has_untimed(columns)

    def _has_untimed(self, columns: FloatArray) -> BoolArray:
        return np.any(columns[:, self.untimed], axis=1).astype(np.bool_)

    def _mean_and_leverage(self, architectures: Sequence[Architecture]) -> tuple[FloatArray, FloatArray, FloatArray]:
        rows = [workload_columns(self.space.workload(architecture)) for architecture in architectures]
        columns = np.array(rows).reshape(len(rows), len(COLUMNS))
        mean_ms = np.maximum(columns @ self.weights, self.floor_ms)
        relative = columns / mean_ms[:, None]
        return columns, mean_ms, np.einsum("nd,de,ne->n", relative, self.covariance, relative)

    def to_bytes(self) -> bytes:
        """Not stored: it is fitted again from the samples. Raises: TypeError."""
        raise TypeError("a workload predictor is fitted where it is needed and has no artifact")


def fit_workload_latency(
    space: SearchSpace, columns: FloatArray, latency_ms: FloatArray, families: Sequence[str] = ()
) -> WorkloadLatency:
    """Fits a device from timings of networks of any spaces; a fraction of a second for hundreds of them.

    Args:
        space: whose architectures will be asked for.
        columns: (n, d) `workload_columns` of the timed networks.
        latency_ms: (n,) positive and finite.
    Raises: TooFewSamplesError; ValueError for a latency that is not positive and finite.
    """
    latency_ms = checked_latencies(latency_ms)
    scale = np.maximum(_scale(columns, latency_ms), np.finfo(float).tiny)
    scaled = columns / scale
    errors = {ridge: _cross_validated(scaled, latency_ms, ridge) for ridge in _RIDGES}
    best = max(min(map(_typical, errors.values())), _LEAST_SPREAD)
    ridge = max(one for one in _RIDGES if _typical(errors[one]) <= _TOLERANCE * best or one == _RIDGES[0])
    weights = _solve(scaled, latency_ms, ridge)
    spread = max(_typical(errors[ridge]), _LEAST_SPREAD)
    rows = scaled / np.maximum(latency_ms, scaled @ weights)[:, None]
    # A priori any column may carry a latency of its own: a variance of one, in units of the spread.
    covariance = np.linalg.inv(rows.T @ rows + spread**2 * np.eye(rows.shape[1]))
    leverage = np.einsum("nd,de,ne->n", rows, covariance, rows)
    return WorkloadLatency(
        space=space,
        samples=len(latency_ms),
        weights=weights / scale,
        covariance=covariance / np.outer(scale, scale),
        spread=spread,
        largest_leverage=float(leverage.max()),
        unlike_spread=_between_families(scaled, latency_ms, ridge, np.array(families)),
        untimed=np.array(columns.sum(axis=0) == 0, dtype=np.bool_),
        floor_ms=_FLOOR_SHARE * float(latency_ms.min()),
    )


def _scale(columns: FloatArray, latency_ms: FloatArray) -> FloatArray:
    """(d,) units of each column that go with a millisecond.

    The same for all MACs and for all bytes, whatever their kind: a MAC of a kind that the samples have few of costs,
    before they say otherwise, what MACs cost, and not a share of the latency.
    """
    per_ms = columns.sum(axis=0) / latency_ms.sum()
    return np.array(
        [
            per_ms[group == _GROUPS].sum() if is_shared else one
            for group, is_shared, one in zip(_GROUPS, _GROUPS != "roofline", per_ms, strict=True)
        ]
    )


def _solve(scaled: FloatArray, latency_ms: FloatArray, ridge: float) -> FloatArray:
    """(d,) weights of the scaled columns, none negative.

    Errors are relative to the sample or the prediction, whichever is larger, and large ones count by their size rather
    than its square: networks that a runtime left out in part would rule the fit otherwise.
    """
    weights = _PRIOR
    prior = np.sqrt(ridge) * weights
    penalty = np.sqrt(ridge) * np.eye(len(weights))
    for _ in range(_REWEIGHTINGS):
        size_ms = np.maximum(latency_ms, scaled @ weights)
        error = np.abs(scaled @ weights - latency_ms) / size_ms
        bound = _HUBER * max(float(np.median(error)), _LEAST_SPREAD)
        trust = np.sqrt(np.minimum(1.0, bound / np.maximum(error, 1e-12))) / size_ms / np.sqrt(len(latency_ms))
        stacked = np.concatenate([scaled * trust[:, None], penalty])
        weights = nnls(stacked, np.concatenate([latency_ms * trust, prior]))[0]
    return weights


def _cross_validated(scaled: FloatArray, latency_ms: FloatArray, ridge: float) -> FloatArray:
    """(n,) error of each sample, relative to the larger of it and its prediction from folds without it."""
    errors = np.zeros(len(scaled))
    for fold in range(min(_FOLDS, len(scaled))):
        held_out = np.arange(len(scaled)) % _FOLDS == fold
        predicted = scaled[held_out] @ _solve(scaled[~held_out], latency_ms[~held_out], ridge)
        errors[held_out] = (predicted - latency_ms[held_out]) / np.maximum(latency_ms[held_out], predicted)
    return errors


def _between_families(scaled: FloatArray, latency_ms: FloatArray, ridge: float, families: NDArray[np.str_]) -> float:
    """The largest typical error of a family of some size that is predicted from the others; 0 where there is none."""
    typical = [0.0]
    for family in np.unique(families):
        is_own = families == family
        if min(is_own.sum(), (~is_own).sum()) >= MIN_SAMPLES:
            predicted = scaled[is_own] @ _solve(scaled[~is_own], latency_ms[~is_own], ridge)
            own = latency_ms[is_own]
            typical.append(_typical((predicted - own) / np.minimum(own, np.maximum(predicted, own / _MOST_OFF))))
    return max(typical)


def _typical(errors: FloatArray) -> float:
    """Standard deviation of what is not an outlier: from the quantile that 68 % of a normal lie below."""
    return float(np.quantile(np.abs(errors), 0.683))

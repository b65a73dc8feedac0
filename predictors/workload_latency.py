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
what that kernel takes, of which nothing is known; so is one that moves a far larger share of its bytes in a kind of
kernel than any timed network, and that kind may cost per byte what the dearest one does. What layers run next to each
other, hence what a runtime fuses or keeps in a cache, is not seen.

Where profiles say what each layer of timed networks took, `profile_costs` gives a second estimate. The answer is then
the geometric mean of both, weighted by their variances: near the timed networks the fit to sums is at least as good,
away from them its sqrt(1 + h) leaves the word to the profiles, which also say how a latency divides among layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from predictors.base import MIN_SAMPLES, LatencyEstimate
from predictors.linear_latency import checked_latencies
from predictors.profile_costs import ProfileCosts, ProfiledNetwork, fit_profile_costs
from predictors.student import spread_of, student_half_width
from predictors.workload_columns import BALANCES, COLUMNS, layer_columns, workload_columns
from spaces.base import Architecture, BoolArray, FloatArray, SearchSpace

NAME: Final = "workload"
_GROUPS: Final = np.array([name.partition(":")[0] for name in COLUMNS])
# Before any sample a launch, MACs, bytes and the rooflines carry a quarter of the latency each.
_PRIOR: Final = np.where(_GROUPS == "roofline", 0.25 / len(BALANCES), 0.25)
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
_BYTES: Final = np.array([name.startswith("bytes:") for name in COLUMNS])
# A kind's share of a network's bytes, as a multiple of the largest among timed networks, from which its cost is open;
# and what of the latency that cost may be before the network counts as unlike the timed ones.
_SCARCE_FACTOR: Final = 5.0
_SCARCE_SHARE: Final = 0.1
# Half widths of a level are those of Student's t: few samples, heavy tails.


@dataclass(frozen=True, slots=True, eq=False)
class _Estimates:
    """Of n networks: columns (n, d), latency, leverage, and what kinds that timed networks have little of may take."""

    columns: FloatArray
    mean_ms: FloatArray
    leverage: FloatArray
    scarce_ms: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class WorkloadLatency:
    """A fitted model; see `fit_workload_latency`.

    Attributes:
        space: whose architectures it predicts.
        samples: networks it was fitted on, of any space.
        weights: (d,) ms per unit of each column, none negative.
        covariance: (d, d) with which a network's leverage is h(x) = x' C x / latency(x)^2.
        spread: relative error of a network like those timed.
        own_spread: the same of the networks of each family that has enough of them.
        largest_leverage: of the timed networks.
        unlike_spread: least relative error of a network unlike those timed: what a family of them shows when it is
            predicted from the others; 0 of a single family.
        untimed: (d,) columns that no timed network has anything of.
        floor_ms: smallest latency it answers.
        most_bytes: (kinds,) largest share of its bytes that a timed network moves in kernels of each kind.
        dearest_ms: what a byte takes in the dearest kind of kernel.
        profile_costs: fitted to profiles; None where none of the device are known.
    """

    space: SearchSpace
    samples: int
    weights: FloatArray
    covariance: FloatArray
    spread: float
    own_spread: Mapping[str, float]
    largest_leverage: float
    unlike_spread: float
    untimed: BoolArray
    floor_ms: float
    most_bytes: FloatArray
    dearest_ms: float
    profile_costs: ProfileCosts | None = None

    @property
    def name(self) -> str:
        """What answers call it; it has no key in `PREDICTORS`, because nothing of it is stored."""
        return NAME

    def predict(self, architectures: Sequence[Architecture]) -> LatencyEstimate:
        """Latency of each architecture, in the order given."""
        found = self._estimates(architectures)
        spread = self._space_spread * np.sqrt(1 + found.leverage)
        least = max(self.unlike_spread, _UNLIKE_SPREAD)
        unlike = np.maximum(np.minimum(spread, _UNLIKE_MOST), least)
        spread = np.where(self._is_unlike(found), unlike, spread)
        variance = spread**2 + (_UNTIMED_SPREAD * self._has_untimed(found)) ** 2
        return LatencyEstimate(
            mean_ms=found.mean_ms,
            std_ms=np.sqrt(found.mean_ms**2 * variance + found.scarce_ms**2),
            floor_ms=self.floor_ms,
            half_width=student_half_width,
        )

    def is_unlike_samples(self, architectures: Sequence[Architecture]) -> list[bool]:
        """Whether each architecture lies far from all that the device was timed with."""
        return self._is_unlike(self._estimates(architectures)).tolist()

    def layer_ms(self, architecture: Architecture) -> FloatArray:
        """(layers,) what each layer adds to the latency."""
        workload = self.space.workload(architecture)
        if self.profile_costs is None:
            return layer_columns(workload.layers, workload.batch) @ self.weights
        parts_ms = self.profile_costs.layer_ms(workload.layers, workload.batch)
        return parts_ms * (self._estimates([architecture]).mean_ms[0] / parts_ms.sum())

    @property
    def _space_spread(self) -> float:
        """Of networks like those timed in the space that is asked for."""
        return self.own_spread.get(self.space.name, self.spread)

    def _is_unlike(self, found: _Estimates) -> BoolArray:
        far = found.leverage > max(_UNLIKE_LEAST, _UNLIKE_FACTOR * self.largest_leverage)
        return far | self._has_untimed(found) | (found.scarce_ms > _SCARCE_SHARE * found.mean_ms)

    def _has_untimed(self, found: _Estimates) -> BoolArray:
        return np.any(found.columns[:, self.untimed], axis=1).astype(np.bool_)

    def _estimates(self, architectures: Sequence[Architecture]) -> _Estimates:
        workloads = [self.space.workload(architecture) for architecture in architectures]
        columns = np.array([workload_columns(one) for one in workloads]).reshape(len(workloads), len(COLUMNS))
        sums_ms = np.maximum(columns @ self.weights, self.floor_ms)
        relative = columns / sums_ms[:, None]
        leverage = np.einsum("nd,de,ne->n", relative, self.covariance, relative)
        mean_ms = sums_ms
        if self.profile_costs is not None:
            layers_ms = [self.profile_costs.layer_ms(one.layers, one.batch).sum() for one in workloads]
            variance = self._space_spread**2 * (1 + leverage)
            trust = variance / (variance + self.profile_costs.spread**2)
            mean_ms = sums_ms ** (1 - trust) * np.maximum(np.array(layers_ms), self.floor_ms) ** trust
        bytes_moved = columns[:, _BYTES]
        total = bytes_moved.sum(axis=1, keepdims=True)
        scarce = bytes_moved > _SCARCE_FACTOR * self.most_bytes * total
        return _Estimates(columns, mean_ms, leverage, self.dearest_ms * (bytes_moved * scarce).sum(axis=1))

    def to_bytes(self) -> bytes:
        """Not stored: it is fitted again from the samples. Raises: TypeError."""
        raise TypeError("a workload predictor is fitted where it is needed and has no artifact")


def fit_workload_latency(
    space: SearchSpace,
    columns: FloatArray,
    latency_ms: FloatArray,
    families: Sequence[str] = (),
    profiles: Mapping[int, ProfiledNetwork] | None = None,
) -> WorkloadLatency:
    """Fits a device from timings of networks of any spaces; a fraction of a second for hundreds of them.

    Args:
        space: whose architectures will be asked for.
        columns: (n, d) `workload_columns` of the timed networks.
        latency_ms: (n,) positive and finite.
        families: (n,) what each network is of; a single one where nothing is said.
        profiles: what the layers took, by number of the network, of those where it is known.

    Raises: TooFewSamplesError; ValueError for a latency that is not positive and finite.
    """
    latency_ms = checked_latencies(latency_ms)
    scale = np.maximum(_scale(columns, latency_ms), np.finfo(float).tiny)
    scaled = columns / scale
    errors = {ridge: _cross_validated(scaled, latency_ms, ridge) for ridge in _RIDGES}
    best = max(min(map(_typical, errors.values())), _LEAST_SPREAD)
    ridge = max(one for one in _RIDGES if _typical(errors[one]) <= _TOLERANCE * best or one == _RIDGES[0])
    weights = _solve(scaled, latency_ms, ridge)
    spread = _spread(errors[ridge])
    names = np.array(families)
    rows = scaled / np.maximum(latency_ms, scaled @ weights)[:, None]
    # A priori any column may carry a latency of its own: a variance of one, in units of the spread.
    covariance = np.linalg.inv(rows.T @ rows + spread**2 * np.eye(rows.shape[1]))
    leverage = np.einsum("nd,de,ne->n", rows, covariance, rows)
    costs = _profile_costs(profiles or {}, families)
    between = _between_families(scaled, latency_ms, ridge, names) if costs is None else costs.between
    bytes_moved = columns[:, _BYTES]
    return WorkloadLatency(
        space=space,
        samples=len(latency_ms),
        weights=weights / scale,
        covariance=covariance / np.outer(scale, scale),
        spread=spread,
        own_spread={
            str(name): _spread(errors[ridge][names == name])
            for name in np.unique(names)
            if (names == name).sum() >= MIN_SAMPLES
        },
        largest_leverage=float(leverage.max()),
        unlike_spread=between,
        untimed=np.array(columns.sum(axis=0) == 0, dtype=np.bool_),
        floor_ms=_FLOOR_SHARE * float(latency_ms.min()),
        most_bytes=(bytes_moved / bytes_moved.sum(axis=1, keepdims=True)).max(axis=0),
        dearest_ms=_dearest_ms(weights / scale) if costs is None else costs.dearest_ms,
        profile_costs=costs,
    )


def _profile_costs(profiles: Mapping[int, ProfiledNetwork], families: Sequence[str]) -> ProfileCosts | None:
    """Costs of kernels, where as many networks were profiled as a fit needs."""
    if len(profiles) < MIN_SAMPLES:
        return None
    return fit_profile_costs(list(profiles.values()), [families[number] if families else "" for number in profiles])


def _dearest_ms(weights: FloatArray) -> float:
    """What a byte takes in the dearest kind of kernel, rooflines included."""
    return float(weights[_BYTES].max() + weights[_GROUPS == "roofline"].sum())


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


def _spread(errors: FloatArray) -> float:
    """Of predictions that make such errors.

    Args: errors: relative to the larger of sample and prediction; bounds are relative to the prediction.
    """
    size = np.abs(errors)
    of_prediction = np.where(errors < 0, size / np.maximum(1 - size, 1 / _MOST_OFF), size)
    return max(spread_of(of_prediction), _LEAST_SPREAD)

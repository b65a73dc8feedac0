"""What a predictor of accuracy reads: columns that go along with accuracy elsewhere, and ones that tell cells apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtri

from arch_encodings import ENCODERS, Encoder, UnsupportedSpaceError
from predictors.additive_process import Component, Linear, Matern
from predictors.remembered import RememberingEncoder
from spaces.base import Architecture, FloatArray, SearchSpace

if TYPE_CHECKING:
    from predictors.graph.accuracy_network import AccuracyNetwork

# Logarithms of prior variances, of targets with unit variance.
_LOG_VARIANCE_EXPECTED: Final = 0.0
_LOG_VARIANCE_CONSTANT: Final = 0.0
_LOG_VARIANCE_DESCRIBED: Final = -1.0
LOG_VARIANCE_TRAINED: Final = -2.0
_LENGTH_SAMPLE: Final = 1000
_DESCRIPTIONS: Final = ("cost", "paths")
# How much proxies count, in standard deviations of normal scores: the mean of ridge regressions on NAS-Bench-101, 301
# and the tasks of TransNAS-Bench-101, see `benchmarks/zero_cost_prior.py`. NAS-Bench-201 has no part in it.
ZERO_COST_WEIGHTS: Final[Mapping[str, float]] = {
    "epe_nas": 0.011,
    "fisher": -0.055,
    "flops": 0.186,
    "grad_norm": -0.074,
    "grasp": -0.004,
    "jacov": 0.19,
    "l2_norm": -0.022,
    "nwot": 0.251,
    "params": 0.055,
    "plain": 0.087,
    "snip": 0.022,
    "synflow": 0.022,
    "zen": 0.018,
}

# Outputs of the transfer network that are accuracies of image classification.
CLASSIFICATION_SERIES: Final = (
    "nb101/cifar10",
    "tnb101_micro/class_scene",
    "tnb101_micro/class_object",
    "tnb101_micro/class_scene_2128",
)


@dataclass(frozen=True, slots=True, eq=False)
class Expectation:
    """Columns that are known to go along with accuracy in other spaces.

    Attributes: weights: of the encoder's columns by name, as normal scores; without, each column counts alike.
    """

    encoder: Encoder
    weights: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class AccuracyEncodings:
    """What a predictor of accuracy reads.

    Attributes:
        expected: their mean is the score that architectures are ordered by before any accuracy is known.
        described: encoders in which architectures are compared, each by itself.
        trained: a network from other spaces that goes on training on the known accuracies.
    """

    expected: Sequence[Expectation]
    described: Sequence[Encoder]
    trained: AccuracyNetwork | None = None

    def remembering(self) -> AccuracyEncodings:
        """The same, of which each architecture's is computed once: for fits one after the other in one space."""
        return AccuracyEncodings(
            [replace(part, encoder=RememberingEncoder(part.encoder)) for part in self.expected],
            [RememberingEncoder(encoder) for encoder in self.described],
            self.trained,
        )


def encodings_for(space: SearchSpace, zcp: Encoder | None = None, *, transfer: bool = True) -> AccuracyEncodings:
    """The combination that does best on NAS-Bench-201 among those that the space has, see docs/predictors.md.

    Args:
        zcp: zero-cost proxies, if they are at hand for every architecture that will be asked for.
        transfer: whether to expect also what the network trained on other spaces does, if it knows the operations.
    """
    if zcp is not None:
        weights = {f"zcp:{proxy}": weight for proxy, weight in ZERO_COST_WEIGHTS.items()}
        expected, described = [Expectation(zcp, weights)], [zcp]
    else:
        expected = [Expectation(ENCODERS["cost"], {"total:live_macs": 1.0})]
        described = [ENCODERS[name] for name in _DESCRIPTIONS if _covers(name, space)]
    return _with_transfer(space, expected, described) if transfer else AccuracyEncodings(expected, described)


def _with_transfer(space: SearchSpace, expected: list[Expectation], described: list[Encoder]) -> AccuracyEncodings:
    from predictors.graph.pretrained_accuracy import TransferScores, load_transfer_network  # brings torch

    network = load_transfer_network()
    if not network.covers(space):
        return AccuracyEncodings(expected, described)
    scores = TransferScores(network)
    carried = Expectation(scores, {f"{scores.name}:{series}": 1.0 for series in CLASSIFICATION_SERIES})
    return AccuracyEncodings([*expected, carried], described, network)


@dataclass(frozen=True, slots=True, eq=False)
class AccuracyColumns:
    """Groups of columns of one space, as normal scores over the reference.

    Attributes: components: of the Gaussian process over the groups.
    """

    space: SearchSpace
    encodings: AccuracyEncodings
    components: tuple[Component, ...]
    _expected: tuple[_NormalScores, ...]
    _described: tuple[_NormalScores, ...]
    _units: tuple[FloatArray, float]

    @classmethod
    def over(
        cls, space: SearchSpace, encodings: AccuracyEncodings, reference: Sequence[Architecture]
    ) -> AccuracyColumns:
        """Standardised over architectures of the space; no accuracy has a part in it."""
        expected = tuple(_NormalScores.of(part.encoder.encode(space, reference)) for part in encodings.expected)
        described = tuple(_NormalScores.of(encoder.encode(space, reference)) for encoder in encodings.described)
        sample = reference[:_LENGTH_SAMPLE]
        components = [Component(0, Linear(), _LOG_VARIANCE_CONSTANT), Component(1, Linear(), _LOG_VARIANCE_EXPECTED)]
        for number, (encoder, scores) in enumerate(zip(encodings.described, described, strict=True)):
            kernel = Matern.around(scores(encoder.encode(space, sample)))
            components.append(Component(2 + number, kernel, _LOG_VARIANCE_DESCRIBED))
        unscaled = cls(space, encodings, tuple(components), expected, described, (np.ones(len(expected)), 1.0))
        parts = unscaled._expectations(reference)
        units = np.maximum(parts.std(axis=0), 1e-9)
        return replace(unscaled, _units=(units, max(float((parts / units).mean(axis=1).std()), 1e-9)))

    def __call__(self, architectures: Sequence[Architecture]) -> list[FloatArray]:
        """Groups (n, d_g): ones, the expected score, then each description."""
        space = self.space
        units, unit = self._units
        expected = (self._expectations(architectures) / units).mean(axis=1, keepdims=True) / unit
        described = [
            scores(encoder.encode(space, architectures))
            for encoder, scores in zip(self.encodings.described, self._described, strict=True)
        ]
        return [np.ones((len(architectures), 1)), expected, *described]

    def _expectations(self, architectures: Sequence[Architecture]) -> FloatArray:
        """(n, expected encoders) each one's weighted columns."""
        parts = [
            _weighted(part, self.space, scores(part.encoder.encode(self.space, architectures)))
            for part, scores in zip(self.encodings.expected, self._expected, strict=True)
        ]
        return np.column_stack(parts)


@dataclass(frozen=True, slots=True, eq=False)
class _NormalScores:
    """Columns as normal scores of their rank among a reference. Attributes: reference: (d, m) ascending."""

    reference: FloatArray

    @classmethod
    def of(cls, columns: FloatArray) -> _NormalScores:
        return cls(np.sort(columns, axis=0).T)

    def __call__(self, columns: FloatArray) -> FloatArray:
        scores = np.empty_like(columns)
        for number, (values, column) in enumerate(zip(self.reference, columns.T, strict=True)):
            rank = (np.searchsorted(values, column, "left") + np.searchsorted(values, column, "right")) / 2
            scores[:, number] = ndtri(np.clip(rank, 0.5, len(values) - 0.5) / len(values))
        return scores


def _weighted(part: Expectation, space: SearchSpace, scores: FloatArray) -> FloatArray:
    if part.weights is None:
        return scores.mean(axis=1)
    weights = np.array([part.weights.get(name, 0.0) for name in part.encoder.feature_names(space)])
    return scores @ weights


def _covers(name: str, space: SearchSpace) -> bool:
    try:
        ENCODERS[name].feature_names(space)
    except UnsupportedSpaceError:
        return False
    return True

"""Accuracy of unseen architectures from few known ones: a Gaussian process over encodings, expecting what others had.

Eight accuracies say next to nothing about hundreds of columns. What carries over from other search spaces does: scores
that go along with accuracy there are the prior mean, and a rough function of the encodings corrects them. Targets are
normal scores of the known accuracies; answers are in %.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from predictors.accuracy_encodings import (
    LOG_VARIANCE_TRAINED,
    AccuracyColumns,
    AccuracyEncodings,
    Expectation,
    encodings_for,
)
from predictors.accuracy_scale import AccuracyEstimate, AccuracyScale
from predictors.additive_process import AdditiveProcess, Component, Linear, fit_additive_process
from predictors.errors import TooFewSamplesError
from predictors.normal_scores import normal_scores
from spaces.base import Architecture, FloatArray, SearchSpace, class_of

if TYPE_CHECKING:
    from predictors.graph.cross_fitted import CrossFittedFlan

# With fewer known accuracies there is no spread to speak of.
MIN_ACCURACIES: Final = 5
# With fewer, a network that goes on training has too little to learn from.
MIN_TO_TRAIN: Final = 20
# Of more, this many are fitted, evenly spaced among them.
MAX_FITTED: Final = 1_000
_REFERENCE_SIZE: Final = 2048
_CHUNK: Final = 4096


@dataclass(frozen=True, slots=True, eq=False)
class AccuracyPredictor:
    """A fitted predictor of one space and data set; read-only and thread-safe.

    A batch equals its singles up to rounding. See `fit_accuracy`.

    Attributes:
        samples: known accuracies it was fitted on.
        process: of the normal scores.
        scale: from normal scores to %.
    """

    space: SearchSpace
    samples: int
    process: AdditiveProcess
    scale: AccuracyScale
    _columns: AccuracyColumns = field(repr=False)
    _trained: CrossFittedFlan | None = field(repr=False)

    def predict(self, architectures: Sequence[Architecture]) -> AccuracyEstimate:
        """Accuracy of each architecture, in the order given."""
        parts = [slice(start, start + _CHUNK) for start in range(0, len(architectures), _CHUNK)] or [slice(0, 0)]
        moments = [self.process.predict(self._groups(architectures[part])) for part in parts]
        mean, std = (np.concatenate(values) for values in zip(*moments, strict=True))
        return self.scale.estimate(mean, std, self.process.half_width)

    def _groups(self, architectures: Sequence[Architecture]) -> list[FloatArray]:
        groups = self._columns(architectures)
        return groups if self._trained is None else [*groups, self._trained.score(architectures)[:, None]]


def fit_accuracy(
    space: SearchSpace,
    architectures: Sequence[Architecture],
    accuracy: FloatArray,
    encodings: AccuracyEncodings | None = None,
    reference: Sequence[Architecture] | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> AccuracyPredictor:
    """Fit to known accuracies: seconds of one core where a network goes on training, else a fraction of one.

    Args:
        architectures: n >= `MIN_ACCURACIES` of the space.
        accuracy: (n,) in %.
        encodings: what to read; by default `encodings_for(space)`, which needs no proxies.
        reference: architectures that columns are standardised over, without any accuracy; by default a sample of the
            space. Give those that there are proxies of where these do not cover the space.
        on_progress: called with (epochs done, all epochs) while networks are trained; what it raises ends the fit.
    Raises: TooFewSamplesError; ValueError for an accuracy that is not within 0..100 %.
    """
    accuracy = np.asarray(accuracy, dtype=np.float64)
    if len(accuracy) < MIN_ACCURACIES:
        raise TooFewSamplesError(MIN_ACCURACIES, len(accuracy))
    if not ((accuracy >= 0) & (accuracy <= 100)).all():
        raise ValueError("accuracies must be within 0..100 %")
    if reference is None:
        reference = space.sample(int(min(_REFERENCE_SIZE, space.size)), rng=np.random.default_rng(0))
    encodings = encodings or encodings_for(space)
    columns = AccuracyColumns.over(space, encodings, reference)
    samples, scale = len(accuracy), AccuracyScale.of(accuracy)
    if samples > MAX_FITTED:
        kept = np.linspace(0, samples - 1, MAX_FITTED).astype(np.int64).tolist()
        architectures, accuracy = [architectures[row] for row in kept], accuracy[kept]
    groups, components, trained = columns(architectures), columns.components, None
    # Of equal accuracies there is no order to learn.
    if encodings.trained is not None and len(accuracy) >= MIN_TO_TRAIN and np.ptp(accuracy) > 0:
        from predictors.graph.cross_fitted import fit_cross_fitted  # brings torch

        trained = fit_cross_fitted(space, architectures, accuracy, encodings.trained, on_progress)
        groups = [*groups, trained.left_out[:, None]]
        components = (*components, Component(len(groups) - 1, Linear(), LOG_VARIANCE_TRAINED))
    classes = [class_of(space, architecture) for architecture in architectures]
    process = fit_additive_process(groups, normal_scores(accuracy), components, classes)
    return AccuracyPredictor(space, samples, process, scale, columns, trained)


__all__ = [
    "MIN_ACCURACIES",
    "AccuracyEncodings",
    "AccuracyEstimate",
    "AccuracyPredictor",
    "Expectation",
    "encodings_for",
    "fit_accuracy",
]

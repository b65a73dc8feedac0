"""A network from other spaces that goes on training on a few accuracies, with left-out scores of these.

What a model that read the known accuracies says of them is worth nothing, so its weight against other evidence could
not be told. Here the known architectures are split into folds, and each is scored by the network trained on the others
(stacking; Wolpert 1992). Architectures that are not known get the mean of the folds' networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch

from predictors.graph.accuracy import FlanRanker, fit_flan
from predictors.graph.accuracy_network import AccuracyNetwork
from predictors.graph.embedding import embed_graphs
from predictors.graph.settings import TrainingSettings
from predictors.graph.training import OnProgress, silent
from spaces.base import Architecture, FloatArray, IntArray, SearchSpace, class_of

_FOLDS: Final = 4
_TRAINING: Final = TrainingSettings(epochs=30, batch=8)
# Batches grow so that an epoch has no more than this many.
_MOST_BATCHES: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class CrossFittedFlan:
    """Read-only and thread-safe.

    Attributes:
        rankers: one for each fold.
        left_out: (n,) score of each known architecture by the ranker that was not trained on it.
    """

    rankers: tuple[FlanRanker, ...]
    left_out: FloatArray

    def score(self, architectures: Sequence[Architecture]) -> FloatArray:
        """(n,) greater for the more accurate."""
        modules = [ranker.module for ranker in self.rankers]
        embedded = embed_graphs(self.rankers[0].space, architectures, self.rankers[0].operations, modules)
        with torch.inference_mode():
            scores = [module.read(rows)[:, 0] for module, rows in zip(modules, embedded, strict=True)]
        return torch.stack(scores).mean(dim=0).double().numpy()


def fit_cross_fitted(
    space: SearchSpace,
    architectures: Sequence[Architecture],
    accuracy: FloatArray,
    start: AccuracyNetwork,
    on_progress: OnProgress = silent,
) -> CrossFittedFlan:
    """Train a copy of the network for each fold; seconds on one core, whatever n.

    Args:
        architectures: n of a space that the network covers.
        accuracy: (n,) whose ranks alone count.
        on_progress: called with (epochs done, all epochs) of each fold; what it raises ends the training.
    """
    count = len(architectures)
    fold = _folds(space, architectures)
    training = replace(_TRAINING, batch=max(_TRAINING.batch, -(-count // _MOST_BATCHES)))
    left_out = np.zeros(count)
    rankers = []
    for number in range(_FOLDS):
        is_asked = fold == number
        kept = [architecture for architecture, asked in zip(architectures, is_asked, strict=True) if not asked]
        held_out = [architecture for architecture, asked in zip(architectures, is_asked, strict=True) if asked]
        rankers.append(
            fit_flan(space, kept, accuracy[~is_asked], training=training, start=start, on_progress=on_progress)
        )
        left_out[is_asked] = rankers[-1].score(held_out)
    return CrossFittedFlan(tuple(rankers), left_out)


def _folds(space: SearchSpace, architectures: Sequence[Architecture]) -> IntArray:
    """(n,) the fold of each architecture, the same for those that are one network; never are all in one fold."""
    classes = [class_of(space, architecture) for architecture in architectures]
    if len(set(classes)) < _FOLDS:
        classes = [str(row) for row in range(len(architectures))]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(classes))}
    fold = np.random.default_rng(_TRAINING.seed).permutation(len(numbers)) % _FOLDS
    return fold[[numbers[name] for name in classes]]

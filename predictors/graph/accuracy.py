"""FLAN trained on the accuracies of a few architectures of one space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from arch_encodings.learned.vocabulary import Vocabulary
from predictors.graph.flan import Flan
from predictors.graph.inputs import GraphInputs
from predictors.graph.pretraining import chunks
from predictors.graph.settings import FlanSettings, TrainingSettings
from predictors.graph.training import OnProgress, seeded, silent, train
from predictors.normal_scores import normal_scores
from spaces.base import Architecture, FloatArray, SearchSpace


@dataclass(frozen=True, slots=True, eq=False)
class FlanRanker:
    """Orders architectures by accuracy; read-only and thread-safe."""

    space: SearchSpace
    module: Flan
    vocabulary: Vocabulary

    def score(self, architectures: Sequence[Architecture], supplementary: FloatArray | None = None) -> FloatArray:
        """(n,) greater for the more accurate.

        Args: supplementary: (n, d), if the ranker has been trained with one.
        """
        scores = np.zeros(len(architectures))
        for part, graphs in chunks(self.space, architectures, self.vocabulary):
            extra = None if supplementary is None else torch.from_numpy(supplementary[part]).float()
            with torch.inference_mode():
                scores[part] = self.module(graphs, extra).double().numpy()
        return scores


def fit_flan(
    space: SearchSpace,
    architectures: Sequence[Architecture],
    accuracy: FloatArray,
    supplementary: FloatArray | None = None,
    settings: FlanSettings = FlanSettings(),  # noqa: B008 (frozen)
    training: TrainingSettings = TrainingSettings(),  # noqa: B008 (frozen)
    on_progress: OnProgress = silent,
) -> FlanRanker:
    """Train FLAN from scratch.

    Args:
        architectures: n of them, of the space.
        accuracy: (n,) whose ranks alone count.
        supplementary: (n, d) an encoding to join at the head, standardised over the space.
    """
    vocabulary = Vocabulary.of([space])
    width = 0 if supplementary is None else supplementary.shape[1]
    with seeded(training.seed):
        module = Flan(vocabulary.size, replace(settings, supplementary=width))
    graphs = GraphInputs.of(space, architectures, vocabulary).to(training.device)
    extra = None if supplementary is None else torch.from_numpy(supplementary).float().to(training.device)
    scorer = _Scorer(module.to(training.device), graphs, extra)
    targets = torch.from_numpy(normal_scores(accuracy)[:, None]).float().to(training.device)
    train(scorer, targets, training, on_progress=on_progress)
    module.to("cpu").requires_grad_(False)
    return FlanRanker(space, module, vocabulary)


class _Scorer:
    """`Scorer` of a network with one output."""

    def __init__(self, module: Flan, graphs: GraphInputs, supplementary: torch.Tensor | None):
        self.module = module
        self._graphs = graphs
        self._supplementary = supplementary

    def __call__(self, rows: torch.Tensor, series: torch.Tensor) -> torch.Tensor:
        extra = None if self._supplementary is None else self._supplementary[rows]
        return self.module(self._graphs.take(rows), extra)[:, None].expand(-1, len(series))

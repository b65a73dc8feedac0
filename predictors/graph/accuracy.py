"""FLAN trained on the accuracies of a few architectures of one space."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from predictors.graph.accuracy_network import AccuracyNetwork
from predictors.graph.embedding import embed_graphs
from predictors.graph.flan import Flan
from predictors.graph.inputs import GraphInputs, OperationIds
from predictors.graph.settings import FlanSettings, TrainingSettings
from predictors.graph.shared_operations import SharedOperations
from predictors.graph.training import OnProgress, silent, train
from predictors.normal_scores import normal_scores
from spaces.base import Architecture, FloatArray, SearchSpace
from spaces.torch_seeding import seeded


@dataclass(frozen=True, slots=True, eq=False)
class FlanRanker:
    """Orders architectures by accuracy; read-only and thread-safe."""

    space: SearchSpace
    module: Flan
    operations: OperationIds

    def score(self, architectures: Sequence[Architecture], supplementary: FloatArray | None = None) -> FloatArray:
        """(n,) greater for the more accurate.

        Args: supplementary: (n, d), if the ranker has been trained with one.
        """
        (embedded,) = embed_graphs(self.space, architectures, self.operations, [self.module])
        extra = None if supplementary is None else torch.from_numpy(supplementary).float()
        with torch.inference_mode():
            return self.module.read(embedded, extra)[:, 0].double().numpy()


def fit_flan(
    space: SearchSpace,
    architectures: Sequence[Architecture],
    accuracy: FloatArray,
    supplementary: FloatArray | None = None,
    settings: FlanSettings = FlanSettings(),  # noqa: B008 (frozen)
    training: TrainingSettings = TrainingSettings(),  # noqa: B008 (frozen)
    on_progress: OnProgress = silent,
    start: AccuracyNetwork | None = None,
) -> FlanRanker:
    """Train FLAN.

    Args:
        architectures: n of them, of the space.
        accuracy: (n,) whose ranks alone count.
        supplementary: (n, d) an encoding to join at the head, standardised over the space.
        settings: of a network trained from scratch.
        start: a network trained on other spaces, all weights of which are trained on; its settings count, and it
            takes no supplementary encoding.
    """
    operations = SharedOperations.of([space]) if start is None else start.operations
    with seeded(training.seed):
        if start is None:
            width = 0 if supplementary is None else supplementary.shape[1]
            module = Flan(operations.size, replace(settings, supplementary=width))
        else:
            module = _with_one_output(start)
    graphs = GraphInputs.of(space, architectures, operations).to(training.device)
    extra = None if supplementary is None else torch.from_numpy(supplementary).float().to(training.device)
    scorer = _Scorer(module.to(training.device), graphs, extra)
    targets = torch.from_numpy(normal_scores(accuracy)[:, None]).float().to(training.device)
    train(scorer, targets, training, on_progress=on_progress)
    module.to("cpu").requires_grad_(False)
    return FlanRanker(space, module, operations)


def _with_one_output(start: AccuracyNetwork) -> Flan:
    """A copy whose output begins as the mean of its series."""
    module = Flan(start.operations.size, start.settings)
    weights = copy.deepcopy(start.module.state_dict())
    last = f"head.{len(module.head) - 1}"
    for name in (f"{last}.weight", f"{last}.bias"):
        weights[name] = weights[name].mean(dim=0, keepdim=True)
    module.load_state_dict(weights)
    return module


class _Scorer:
    """`Scorer` of a network with one output."""

    def __init__(self, module: Flan, graphs: GraphInputs, supplementary: Tensor | None):
        self.module = module
        self._graphs = graphs
        self._supplementary = supplementary

    def __call__(self, rows: Tensor, series: Tensor) -> Tensor:
        extra = None if self._supplementary is None else self._supplementary[rows]
        return self.module(self._graphs.take(rows), extra)[:, series]

"""What the training of latency networks on source devices has in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from arch_encodings.learned.vocabulary import Vocabulary
from predictors.graph.inputs import GraphInputs
from predictors.graph.settings import TrainingSettings
from predictors.graph.supplementary import Supplementary
from predictors.graph.training import OnProgress, train
from predictors.source_latencies import SourceLatencies
from spaces.base import Architecture, SearchSpace

_CHUNK: Final = 256  # the working set of a larger batch leaves the cache

Module = TypeVar("Module", bound=nn.Module)
Score = Callable[[nn.Module, GraphInputs, Tensor], Tensor]


class LatencyScorer(Generic[Module]):
    """Training examples of one space: `Scorer` of a network that reads graphs, and devices where it needs them."""

    def __init__(self, module: Module, graphs: GraphInputs, score: Score):
        self.module = module
        self._graphs = graphs
        self._score = score

    def __call__(self, rows: Tensor, series: Tensor) -> Tensor:
        """See `Scorer.__call__`."""
        return self._score(self.module, self._graphs.take(rows), series)


def fit_network(
    module: nn.Module,
    sources: SourceLatencies,
    vocabulary: Vocabulary,
    training: TrainingSettings,
    score: Score,
    on_progress: OnProgress,
    checkpoint: Path | None = None,
    resume: bool = False,
    supplementary: Supplementary | None = None,
) -> None:
    """Trains the network on the sources' standardised log latencies; it is left on the CPU, in evaluation mode.

    Args: checkpoint, resume: as of `train`.
    """
    graphs = read_graphs(sources.space, sources.architectures, vocabulary, supplementary).to(training.device)
    targets = torch.from_numpy(sources.standardised()).float().to(training.device)
    module.to(training.device)
    shapes = [f"{name} {tuple(weights.shape)}" for name, weights in module.named_parameters()]
    encoding = [] if supplementary is None else [supplementary.normalizer.to_json()]
    inputs = "\n".join([*shapes, *sources.devices, *(one.key for one in sources.architectures), *encoding])
    scorer = LatencyScorer(module, graphs, score)
    train(scorer, targets, training, checkpoint=checkpoint, resume=resume, inputs=inputs, on_progress=on_progress)
    module.to("cpu").requires_grad_(False)


def read_graphs(
    space: SearchSpace,
    architectures: Sequence[Architecture],
    vocabulary: Vocabulary,
    supplementary: Supplementary | None = None,
) -> GraphInputs:
    """What a network reads of at least one architecture."""
    graphs = GraphInputs.of(space, architectures, vocabulary)
    return graphs if supplementary is None else replace(graphs, supplementary=supplementary.columns(architectures))


def chunks(
    space: SearchSpace,
    architectures: Sequence[Architecture],
    vocabulary: Vocabulary,
    supplementary: Supplementary | None = None,
) -> list[tuple[slice, GraphInputs]]:
    """What a network reads of the architectures, part by part."""
    parts = [slice(start, start + _CHUNK) for start in range(0, len(architectures), _CHUNK)]
    return [(part, read_graphs(space, architectures[part], vocabulary, supplementary)) for part in parts]


def module_tensors(tensors: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """The network's part of an artifact's tensors."""
    prefix = "module."
    return {
        name.removeprefix(prefix): torch.from_numpy(np.array(value))
        for name, value in tensors.items()
        if name.startswith(prefix)
    }

"""Graph networks trained on source devices, to be adapted to others: the trunk, and NASFLAT's.

A held-out device is one that is not in the table given here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from arch_encodings.learned.vocabulary import Vocabulary
from predictors.graph.inputs import GraphInputs
from predictors.graph.nasflat import Nasflat
from predictors.graph.settings import NasflatSettings, TrainingSettings, TrunkSettings
from predictors.graph.training import OnProgress, seeded, silent, train
from predictors.graph.trunk import Trunk
from predictors.source_latencies import SourceLatencies
from spaces.base import Architecture, FloatArray, SearchSpace

TRUNK_TRAINING: Final = TrainingSettings(epochs=60, batch=32, learning_rate=3e-3, series=64)
NASFLAT_TRAINING: Final = TrainingSettings(epochs=60, batch=32, series=3)
_CHUNK: Final = 512
_REMEMBERED: Final = 2**16  # architectures, as most of an answer's time goes into reading graphs
_REFERENCE_SIZE: Final = 1024

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


@dataclass(frozen=True, slots=True, eq=False)
class PretrainedTrunk:
    """Latencies of m source devices as columns; read-only and thread-safe.

    Attributes:
        module: the network, whose scores are log latencies in units of `scale`.
        devices: names of the sources.
        scale: (m,) of each device's log latency.
        mean, deviation: (m,) of the relative latencies over a fixed sample of the space.
    """

    space: SearchSpace
    module: Trunk
    settings: TrunkSettings
    vocabulary: Vocabulary
    devices: tuple[str, ...]
    scale: FloatArray
    mean: FloatArray
    deviation: FloatArray
    _remembered: dict[Architecture, FloatArray] = field(default_factory=dict)

    def columns(self, architectures: Sequence[Architecture]) -> FloatArray:
        """(n, m) each source's predicted latency, standardised over the space, over the root of m."""
        missing = [wanted for wanted in dict.fromkeys(architectures) if wanted not in self._remembered]
        if len(self._remembered) + len(missing) > _REMEMBERED:
            return self._computed(architectures)
        if missing:
            self._remembered.update(zip(missing, self._computed(missing), strict=True))
        rows = [self._remembered[architecture] for architecture in architectures]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.devices))

    def _computed(self, architectures: Sequence[Architecture]) -> FloatArray:
        relative = _relative(self.space, self.module, self.vocabulary, self.scale, architectures)
        return (relative - self.mean) / self.deviation / np.sqrt(len(self.devices))

    def manifest(self) -> dict[str, Any]:
        """What an artifact says of it."""
        return {
            "settings": asdict(self.settings),
            "vocabulary": {name: dict(ops) for name, ops in self.vocabulary.ids.items()},
            "devices": list(self.devices),
        }

    def tensors(self) -> dict[str, np.ndarray]:
        """What an artifact keeps of it."""
        statistics = {"scale": self.scale, "mean": self.mean, "deviation": self.deviation}
        return {**{f"module.{name}": value.numpy() for name, value in self.module.state_dict().items()}, **statistics}

    @classmethod
    def of(cls, space: SearchSpace, manifest: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> PretrainedTrunk:
        """The inverse of `manifest` and `tensors`. Raises: KeyError, TypeError, ValueError or RuntimeError."""
        settings, vocabulary = TrunkSettings(**manifest["settings"]), Vocabulary(manifest["vocabulary"])
        module = Trunk(vocabulary.size, len(manifest["devices"]), settings)
        module.load_state_dict(module_tensors(tensors))
        scale, mean, deviation = (np.asarray(tensors[name], np.float64) for name in ("scale", "mean", "deviation"))
        module.eval().requires_grad_(False)
        return cls(space, module, settings, vocabulary, tuple(manifest["devices"]), scale, mean, deviation)


def pretrain_trunk(
    sources: SourceLatencies,
    settings: TrunkSettings = TrunkSettings(),  # noqa: B008 (frozen)
    training: TrainingSettings = TRUNK_TRAINING,
    on_progress: OnProgress = silent,
) -> PretrainedTrunk:
    """Train the trunk; some seconds on one core for 256 architectures."""
    vocabulary = Vocabulary.of([sources.space])
    with seeded(training.seed):
        module = Trunk(vocabulary.size, len(sources.devices), settings)
    _fit(module, sources, vocabulary, training, lambda trunk, graphs, series: trunk(graphs)[:, series], on_progress)
    scale = sources.scale()[1]
    reference = sources.space.sample(int(min(_REFERENCE_SIZE, sources.space.size)), rng=np.random.default_rng(0))
    relative = _relative(sources.space, module, vocabulary, scale, reference)
    mean, deviation = relative.mean(axis=0), np.maximum(relative.std(axis=0), 1e-9)
    return PretrainedTrunk(sources.space, module, settings, vocabulary, sources.devices, scale, mean, deviation)


@dataclass(frozen=True, slots=True, eq=False)
class PretrainedNasflat:
    """NASFLAT's network on m source devices; the table of hardware embeddings has a further row for the next one.

    Attributes:
        sources: what it was trained on.
    """

    module: Nasflat
    settings: NasflatSettings
    vocabulary: Vocabulary
    sources: SourceLatencies
    training: TrainingSettings


def pretrain_nasflat(
    sources: SourceLatencies,
    settings: NasflatSettings = NasflatSettings(),  # noqa: B008 (frozen)
    training: TrainingSettings = NASFLAT_TRAINING,
    on_progress: OnProgress = silent,
) -> PretrainedNasflat:
    """Train NASFLAT's network; a minute or some on one core."""
    vocabulary = Vocabulary.of([sources.space])
    with seeded(training.seed):
        module = Nasflat(vocabulary.size, len(sources.devices) + 1, settings)
    _fit(module, sources, vocabulary, training, lambda nasflat, graphs, series: nasflat(graphs, series), on_progress)
    return PretrainedNasflat(module, settings, vocabulary, sources, training)


def module_tensors(tensors: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """The network's part of an artifact's tensors."""
    prefix = "module."
    return {
        name.removeprefix(prefix): torch.from_numpy(np.array(value))
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def chunks(
    space: SearchSpace, architectures: Sequence[Architecture], vocabulary: Vocabulary
) -> list[tuple[slice, GraphInputs]]:
    """The architectures' graphs, part by part."""
    parts = [slice(start, start + _CHUNK) for start in range(0, len(architectures), _CHUNK)]
    return [(part, GraphInputs.of(space, architectures[part], vocabulary)) for part in parts]


def _fit(
    module: nn.Module,
    sources: SourceLatencies,
    vocabulary: Vocabulary,
    training: TrainingSettings,
    score: Score,
    on_progress: OnProgress,
) -> None:
    graphs = GraphInputs.of(sources.space, sources.architectures, vocabulary).to(training.device)
    targets = torch.from_numpy(sources.standardised()).float().to(training.device)
    module.to(training.device)
    train(LatencyScorer(module, graphs, score), targets, training, on_progress=on_progress)
    module.to("cpu").requires_grad_(False)


def _relative(
    space: SearchSpace,
    module: Trunk,
    vocabulary: Vocabulary,
    scale: FloatArray,
    architectures: Sequence[Architecture],
) -> FloatArray:
    """(n, m) latency over the device's median latency."""
    relative = np.zeros((len(architectures), len(scale)))
    for part, graphs in chunks(space, architectures, vocabulary):
        with torch.inference_mode():
            relative[part] = np.exp(scale * module(graphs).double().numpy())
    return relative

"""Graph networks trained on source devices, to be adapted to others: the trunk, and NASFLAT's.

A held-out device is one that is not in the table given here.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module

from arch_encodings import ENCODERS, Encoder
from arch_encodings.learned.vocabulary import Vocabulary
from predictors.graph.inputs import GraphInputs
from predictors.graph.nasflat import Nasflat
from predictors.graph.pretraining import chunks, fit_network, module_tensors
from predictors.graph.settings import NasflatSettings, TrainingSettings, TrunkSettings
from predictors.graph.supplementary import Supplementary, from_manifest, to_manifest
from predictors.graph.training import OnProgress, silent
from predictors.graph.trunk import Trunk
from predictors.source_latencies import SourceLatencies
from predictors.source_lines import linear_latencies, reference_sample
from spaces.base import Architecture, FloatArray, SearchSpace
from spaces.torch_seeding import seeded

TRUNK_TRAINING: Final = TrainingSettings(epochs=60, batch=32, learning_rate=3e-3, series=64)
NASFLAT_TRAINING: Final = TrainingSettings(epochs=40, batch=32, learning_rate=2e-3, series=2)
_REMEMBERED: Final = 2**16  # architectures, as most of an answer's time goes into reading graphs


@dataclass(frozen=True, slots=True, eq=False)
class PretrainedTrunk:
    """Latencies of m source devices as columns; read-only and thread-safe.

    Attributes:
        module: the network, whose scores are log latencies in units of `scale`.
        devices: names of the sources.
        scale: (m,) of each device's log latency.
        mean, deviation: (m,) of the relative latencies over a fixed sample of the space.
        linear: (r, m) what linear models of the sources say, see `linear_latencies`.
    """

    space: SearchSpace
    module: Trunk
    settings: TrunkSettings
    vocabulary: Vocabulary
    devices: tuple[str, ...]
    scale: FloatArray
    mean: FloatArray
    deviation: FloatArray
    linear: FloatArray
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

    def relative(self, architectures: Sequence[Architecture]) -> FloatArray:
        """(n, m) each source's predicted latency over its median."""
        scores = np.zeros((len(architectures), len(self.devices)))
        for part, graphs in chunks(self.space, architectures, self.vocabulary):
            with torch.inference_mode():
                scores[part] = self.module(graphs).double().numpy()
        return np.exp(self.scale * scores)

    def _computed(self, architectures: Sequence[Architecture]) -> FloatArray:
        return (self.relative(architectures) - self.mean) / self.deviation / np.sqrt(len(self.devices))

    def manifest(self) -> dict[str, Any]:
        """What an artifact says of it."""
        return _manifest(self)

    def tensors(self) -> dict[str, np.ndarray]:
        """What an artifact keeps of it."""
        statistics = {"scale": self.scale, "mean": self.mean, "deviation": self.deviation}
        return {**_module_of(self), **statistics, "linear": self.linear.astype(np.float32)}

    @classmethod
    def of(cls, space: SearchSpace, manifest: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> PretrainedTrunk:
        """The inverse of `manifest` and `tensors`. Raises: KeyError, TypeError, ValueError or RuntimeError."""
        settings, vocabulary = TrunkSettings(**manifest["settings"]), Vocabulary(manifest["vocabulary"])
        module = Trunk(vocabulary.size, len(manifest["devices"]), settings)
        module.load_state_dict(module_tensors(tensors))
        names = ("scale", "mean", "deviation", "linear")
        scale, mean, deviation, linear = (np.asarray(tensors[name], np.float64) for name in names)
        module.eval().requires_grad_(False)
        return cls(space, module, settings, vocabulary, tuple(manifest["devices"]), scale, mean, deviation, linear)


def pretrain_trunk(
    sources: SourceLatencies,
    settings: TrunkSettings = TrunkSettings(),  # noqa: B008 (frozen)
    training: TrainingSettings = TRUNK_TRAINING,
    on_progress: OnProgress = silent,
    checkpoint: Path | None = None,
    *,
    resume: bool = False,
) -> PretrainedTrunk:
    """Train the trunk; some seconds on one core for 256 architectures."""
    vocabulary = Vocabulary.of([sources.space])
    with seeded(training.seed):
        module = Trunk(vocabulary.size, len(sources.devices), settings)
    fit_network(module, sources, vocabulary, training, _score_of_trunk, on_progress, checkpoint, resume)
    known = (sources.space, module, settings, vocabulary, sources.devices, sources.scale()[1])
    unknown = np.zeros(len(sources.devices))
    untold = PretrainedTrunk(*known, unknown, unknown, linear_latencies(sources))
    relative = untold.relative(reference_sample(sources.space))
    return replace(untold, mean=relative.mean(axis=0), deviation=np.maximum(relative.std(axis=0), 1e-9))


@dataclass(frozen=True, slots=True, eq=False)
class PretrainedNasflat:
    """NASFLAT's network on m source devices; the table of hardware embeddings has a further row for the next one.

    Attributes:
        devices: names of the sources.
        scale: (m,) of each device's log latency.
        linear: (r, m) what linear models of the sources say, see `linear_latencies`.
        supplementary: the encoding that the settings name.
    """

    space: SearchSpace
    module: Nasflat
    settings: NasflatSettings
    vocabulary: Vocabulary
    devices: tuple[str, ...]
    scale: FloatArray
    linear: FloatArray
    supplementary: Supplementary | None = None

    def relative(self, architectures: Sequence[Architecture], device: int | None = None) -> FloatArray:
        """(n, m) each source's predicted latency over its median, or (n, 1) that of one of them."""
        wanted = np.arange(len(self.devices)) if device is None else np.array([device])
        rows = torch.from_numpy(wanted)
        scores = np.zeros((len(architectures), len(wanted)))
        for part, graphs in chunks(self.space, architectures, self.vocabulary, self.supplementary):
            with torch.inference_mode():
                scores[part] = self.module(graphs, rows).double().numpy()
        return np.exp(self.scale[wanted] * scores)

    def of_device(self, device: int) -> NetworkOfDevice:
        """The network as it answers for one of the sources, with no other's hardware embedding."""
        module = copy.deepcopy(self.module)
        module.hardware = torch.nn.Embedding.from_pretrained(module.hardware.weight[device : device + 1])
        module.eval().requires_grad_(False)
        known = (self.devices[device], float(self.scale[device]), self.supplementary)
        return NetworkOfDevice(self.space, module, self.settings, self.vocabulary, *known)

    def manifest(self) -> dict[str, Any]:
        """What an artifact says of it."""
        return _manifest(self) | to_manifest(self.supplementary)

    def tensors(self) -> dict[str, np.ndarray]:
        """What an artifact keeps of it."""
        return {**_module_of(self), "scale": self.scale, "linear": self.linear.astype(np.float32)}

    @classmethod
    def of(
        cls, space: SearchSpace, manifest: Mapping[str, Any], tensors: Mapping[str, np.ndarray]
    ) -> PretrainedNasflat:
        """The inverse of `manifest` and `tensors`. Raises: KeyError, TypeError, ValueError or RuntimeError."""
        settings, vocabulary = NasflatSettings(**manifest["settings"]), Vocabulary(manifest["vocabulary"])
        module = Nasflat(vocabulary.size, len(manifest["devices"]) + 1, settings)
        module.load_state_dict(module_tensors(tensors))
        scale, linear = (np.asarray(tensors[name], np.float64) for name in ("scale", "linear"))
        module.eval().requires_grad_(False)
        supplementary = from_manifest(space, manifest)
        return cls(space, module, settings, vocabulary, tuple(manifest["devices"]), scale, linear, supplementary)


@dataclass(frozen=True, slots=True, eq=False)
class NetworkOfDevice:
    """NASFLAT's network with the hardware embedding of one device; read-only and thread-safe.

    Attributes:
        device: its name.
        scale: of its log latency.
        supplementary: the encoding that the settings name.
    """

    space: SearchSpace
    module: Nasflat
    settings: NasflatSettings
    vocabulary: Vocabulary
    device: str
    scale: float
    supplementary: Supplementary | None = None

    @property
    def width(self) -> int:
        """Of `columns`."""
        return 1 + self.settings.head_width

    def columns(self, architectures: Sequence[Architecture]) -> FloatArray:
        """(n, 1 + head_width) predicted latency over the device's median, and each last unit's share in its score."""
        last = self.module.last
        columns = np.zeros((len(architectures), self.width))
        for part, graphs in chunks(self.space, architectures, self.vocabulary, self.supplementary):
            with torch.inference_mode():
                shares = (self.module.embed(graphs, torch.tensor([0]))[:, 0] * last.weight[0]).double()
                columns[part, 0] = np.exp(self.scale * (shares.sum(dim=1) + last.bias[0].double()).numpy())
                columns[part, 1:] = self.scale * shares.numpy()
        return columns


def pretrain_nasflat(
    sources: SourceLatencies,
    settings: NasflatSettings = NasflatSettings(),  # noqa: B008 (frozen)
    training: TrainingSettings = NASFLAT_TRAINING,
    on_progress: OnProgress = silent,
    checkpoint: Path | None = None,
    *,
    resume: bool = False,
    encoders: Mapping[str, Encoder] = ENCODERS,
) -> PretrainedNasflat:
    """Train NASFLAT's network; some seconds on one core for 256 architectures.

    Args:
        encoders: where `settings.encoding` is looked up; `ENCODERS` has those that a saved network finds again.
    Raises: KeyError for an encoding that is not there; UnsupportedSpaceError.
    """
    vocabulary, supplementary = Vocabulary.of([sources.space]), None
    if settings.encoding:
        supplementary = Supplementary.over(sources.space, encoders[settings.encoding], sources.architectures)
    settings = replace(settings, supplementary=supplementary.width if supplementary else 0)
    with seeded(training.seed):
        module = Nasflat(vocabulary.size, len(sources.devices) + 1, settings)
    score = _score_of_nasflat
    fit_network(module, sources, vocabulary, training, score, on_progress, checkpoint, resume, supplementary)
    known = (sources.space, module, settings, vocabulary, sources.devices, sources.scale()[1])
    return PretrainedNasflat(*known, linear_latencies(sources), supplementary)


def _manifest(network: PretrainedTrunk | PretrainedNasflat) -> dict[str, Any]:
    return {
        "settings": asdict(network.settings),
        "vocabulary": {name: dict(ops) for name, ops in network.vocabulary.ids.items()},
        "devices": list(network.devices),
    }


def _module_of(network: PretrainedTrunk | PretrainedNasflat) -> dict[str, np.ndarray]:
    return {f"module.{name}": value.numpy() for name, value in network.module.state_dict().items()}


def _score_of_trunk(module: Module, graphs: GraphInputs, rows: Tensor) -> Tensor:
    return module(graphs)[:, rows]


def _score_of_nasflat(module: Module, graphs: GraphInputs, rows: Tensor) -> Tensor:
    return module(graphs, rows)

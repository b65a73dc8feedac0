"""NASFLAT as published: all weights of the pre-trained network are trained on from the new device's samples.

Source: Akhauri & Abdelfattah 2024, arXiv 2403.02446 (MLSys), sec. 4 and 5: the device's hardware embedding starts from
the source that ranks the samples most alike, then all weights train on them (40 epochs at 3e-3, as on NAS-Bench-201;
30 at 1e-3 on FBNet there). It differs in that weights are copied for each target (there, every target goes on from the
one before), in that the network also regresses log latency, so that the answer is in milliseconds, and in that the
spread of an answer comes from samples that a network has not seen.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from predictors.base import LatencyEstimate
from predictors.errors import InvalidArtifactError
from predictors.graph.settings import NasflatSettings, TrainingSettings
from predictors.linear_latency import checked_latencies
from predictors.metrics import spearman
from predictors.source_latencies import log_scale
from predictors.student import student_half_width
from spaces.base import Architecture, FloatArray, IntArray, SearchSpace

if TYPE_CHECKING:
    from arch_encodings.learned.vocabulary import Vocabulary
    from predictors.graph.nasflat import Nasflat
    from predictors.graph.pretrained import PretrainedNasflat
    from predictors.graph.supplementary import Supplementary

NAME: Final = "nasflat_fine_tuned"
_FORMAT: Final = 1
_FOLDS: Final = 3
_FLOOR_SHARE: Final = 0.02
FINE_TUNING: Final = TrainingSettings(epochs=40, batch=16, learning_rate=3e-3)


@dataclass(frozen=True, slots=True, eq=False)
class FineTunedNasflat:
    """A fine-tuned network; see `fit_nasflat_fine_tuned`.

    Attributes:
        module: whose last hardware embedding is the device's.
        location, scale: of the samples' log latency; scores are in these units.
        log_noise: scale of the errors of log latency on samples that a network has not seen.
        floor_ms: smallest latency it answers.
        supplementary: the encoding that the settings name.
    """

    space: SearchSpace
    samples: int
    module: Nasflat
    settings: NasflatSettings
    vocabulary: Vocabulary
    location: float
    scale: float
    log_noise: float
    floor_ms: float
    supplementary: Supplementary | None = None

    @property
    def name(self) -> str:
        """Key in `PREDICTORS`."""
        return NAME

    def predict(self, architectures: Sequence[Architecture]) -> LatencyEstimate:
        """Latency of each architecture, in the order given."""
        scores = _scores(self.module, self, architectures)
        mean_ms = np.maximum(np.exp(self.location + self.scale * scores), self.floor_ms)
        return LatencyEstimate(mean_ms, self.log_noise * mean_ms, self.floor_ms, student_half_width)

    def to_bytes(self) -> bytes:
        """Safetensors with a JSON manifest; `predictors.load` reads it."""
        from predictors.graph.supplementary import to_manifest

        numbers = {name: getattr(self, name) for name in ("samples", "location", "scale", "log_noise", "floor_ms")}
        manifest = {
            "predictor": NAME,
            "format": _FORMAT,
            "space": self.space.name,
            "settings": asdict(self.settings),
            "vocabulary": {name: dict(ops) for name, ops in self.vocabulary.ids.items()},
            "devices": self.module.hardware.num_embeddings,
            "numbers": numbers,
            **to_manifest(self.supplementary),
        }
        tensors = {f"module.{name}": value.numpy() for name, value in self.module.state_dict().items()}
        return save(tensors, metadata={"manifest": json.dumps(manifest)})

    @classmethod
    def from_bytes(cls, blob: bytes, manifest: dict[str, Any], space: SearchSpace) -> FineTunedNasflat:
        """The model that `to_bytes` wrote. Raises: InvalidArtifactError."""
        from arch_encodings.learned.vocabulary import Vocabulary
        from predictors.graph.nasflat import Nasflat
        from predictors.graph.pretraining import module_tensors
        from predictors.graph.supplementary import from_manifest

        if manifest.get("format") != _FORMAT:
            raise InvalidArtifactError("it is of another version; fit it again")
        try:
            settings, vocabulary = NasflatSettings(**manifest["settings"]), Vocabulary(manifest["vocabulary"])
            module = Nasflat(vocabulary.size, manifest["devices"], settings)
            module.load_state_dict(module_tensors(load(blob)))
            supplementary = from_manifest(space, manifest)
        except (SafetensorError, RuntimeError, ValueError) as error:
            raise InvalidArtifactError(str(error)) from error
        module.eval().requires_grad_(False)
        known: dict[str, Any] = {**manifest["numbers"], "supplementary": supplementary}
        return cls(space=space, module=module, settings=settings, vocabulary=vocabulary, **known)


def fit_nasflat_fine_tuned(
    pretrained: PretrainedNasflat,
    architectures: Sequence[Architecture],
    latency_ms: FloatArray,
    training: TrainingSettings = FINE_TUNING,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> FineTunedNasflat:
    """Fine-tunes the network on a device's timings, and again without each third of them to find its spread.

    Args:
        architectures: the n measured ones, of the space of the pre-training.
        latency_ms: (n,) positive and finite.
        on_progress: called with (epochs done, all epochs) of each training; what it raises ends the fit.
    Raises: TooFewSamplesError; ValueError for a latency that is not positive and finite.
    """
    latency_ms = checked_latencies(latency_ms)
    architectures = list(architectures)
    location, scale = (float(value) for value in log_scale(latency_ms))
    targets = np.clip((np.log(latency_ms) - location) / scale, -4.0, 4.0)
    errors = []
    for fold in range(_FOLDS):
        held_out = np.arange(fold, len(targets), _FOLDS)
        rest = np.setdiff1d(np.arange(len(targets)), held_out)
        module = _tuned(pretrained, architectures, targets, rest, training, on_progress)
        asked = [architectures[row] for row in held_out]
        errors.append(targets[held_out] - _scores(module, pretrained, asked))
    module = _tuned(pretrained, architectures, targets, np.arange(len(targets)), training, on_progress)
    # The median of |t| is what the errors' median is compared with.
    spread = float(np.median(np.abs(np.concatenate(errors)))) / student_half_width(0.5)
    return FineTunedNasflat(
        space=pretrained.space,
        samples=len(targets),
        module=module,
        settings=pretrained.settings,
        vocabulary=pretrained.vocabulary,
        location=location,
        scale=scale,
        log_noise=max(scale * spread, 1e-4),
        floor_ms=_FLOOR_SHARE * float(np.median(latency_ms)),
        supplementary=pretrained.supplementary,
    )


def _tuned(
    pretrained: PretrainedNasflat,
    architectures: Sequence[Architecture],
    targets: FloatArray,
    rows: IntArray,
    training: TrainingSettings,
    on_progress: Callable[[int, int], None],
) -> Nasflat:
    """A copy of the network, trained on the samples `rows`, in the row of the device that follows the sources."""
    import torch

    from predictors.graph.pretraining import LatencyScorer, read_graphs
    from predictors.graph.training import train

    device = len(pretrained.devices)
    module = copy.deepcopy(pretrained.module).requires_grad_(True)
    known = [architectures[row] for row in rows.tolist()]
    graphs = read_graphs(pretrained.space, known, pretrained.vocabulary, pretrained.supplementary)
    with torch.inference_mode():
        scores = module(graphs, torch.arange(device)).numpy()
    alike = [spearman(column, targets[rows]) for column in scores.T]
    with torch.no_grad():
        module.hardware.weight[device] = module.hardware.weight[int(np.argmax(alike))]
    on = training.device
    scorer = LatencyScorer(module.to(on), graphs.to(on), lambda network, batch, series: network(batch, series + device))
    known_targets = torch.from_numpy(targets[rows, None]).float().to(on)
    train(scorer, known_targets, replace(training, seed=training.seed + device), on_progress=on_progress)
    return module.to("cpu").requires_grad_(False)


def _scores(
    module: Nasflat, network: PretrainedNasflat | FineTunedNasflat, architectures: Sequence[Architecture]
) -> FloatArray:
    """(n,) of the last device in the table of `module`, which reads what `network` reads."""
    import torch

    from predictors.graph.pretraining import chunks

    device = torch.tensor([module.hardware.num_embeddings - 1])
    scores = np.zeros(len(architectures))
    for part, graphs in chunks(network.space, architectures, network.vocabulary, network.supplementary):
        with torch.inference_mode():
            scores[part] = module(graphs, device)[:, 0].double().numpy()
    return scores

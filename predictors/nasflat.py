"""NASFLAT's network with a Bayesian last layer: a new device costs one closed form.

Source: Akhauri & Abdelfattah 2024, arXiv 2403.02446 (MLSys), sec. 4 and 5, for the network, its training on source
devices and the hardware embedding, that of the source which ranks the samples most alike. There all weights then train
on the samples (`nasflat_fine_tuned` does); here the network stays as it is, and its last layer joins `cost_linear`'s
columns: what it predicts for the closest source and each unit's share in that are a group of columns, without what the
costs tell already, and the samples' evidence decides how far to believe them. The answer is in milliseconds with
`linear_latency`'s intervals.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from predictors.base import LatencyEstimate
from predictors.cost_linear import LOG_SOURCE_VARIANCES, prior_grid
from predictors.errors import InvalidArtifactError
from predictors.features import feature_map
from predictors.graph.settings import NasflatSettings
from predictors.graph_linear import LOG_BEYOND_VARIANCES
from predictors.linear_latency import LinearLatency, checked_latencies, fit_linear_latency
from predictors.metrics import spearman
from predictors.source_lines import reference_columns, reference_sample, split_columns
from spaces.base import Architecture, FloatArray, SearchSpace

if TYPE_CHECKING:
    from predictors.graph.pretrained import NetworkOfDevice, PretrainedNasflat

NAME: Final = "nasflat"
_FORMAT: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class NasflatPredictor:
    """A fitted model; see `fit_nasflat`.

    Attributes:
        network: NASFLAT's, as it answers for the closest source.
        line: weights in ms per unit of each cost column and of each of the network's.
    """

    space: SearchSpace
    network: NetworkOfDevice
    line: LinearLatency

    @property
    def name(self) -> str:
        """Key in `PREDICTORS`."""
        return NAME

    @property
    def samples(self) -> int:
        """Measured architectures it was fitted on."""
        return self.line.samples

    def predict(self, architectures: Sequence[Architecture]) -> LatencyEstimate:
        """Latency of each architecture, in the order given."""
        return self.line.estimate(_columns(self.network, architectures))

    def to_bytes(self) -> bytes:
        """Safetensors with a JSON manifest; `predictors.load` reads it."""
        from predictors.graph.supplementary import to_manifest

        manifest = {
            "predictor": NAME,
            "format": _FORMAT,
            "space": self.space.name,
            "features": feature_map(self.space).names,
            "settings": asdict(self.network.settings),
            "vocabulary": {name: dict(ops) for name, ops in self.network.vocabulary.ids.items()},
            "source": self.network.device,
            "scale": self.network.scale,
            **to_manifest(self.network.supplementary),
            **self.line.numbers(),
        }
        tensors = {f"module.{name}": value.numpy() for name, value in self.network.module.state_dict().items()}
        return save({**self.line.tensors(), **tensors}, metadata={"manifest": json.dumps(manifest)})

    @classmethod
    def from_bytes(cls, blob: bytes, manifest: dict[str, Any], space: SearchSpace) -> NasflatPredictor:
        """The model that `to_bytes` wrote. Raises: InvalidArtifactError."""
        from arch_encodings.learned.vocabulary import Vocabulary
        from predictors.graph.nasflat import Nasflat
        from predictors.graph.pretrained import NetworkOfDevice
        from predictors.graph.pretraining import module_tensors
        from predictors.graph.supplementary import from_manifest

        if manifest.get("format") != _FORMAT or tuple(manifest["features"]) != feature_map(space).names:
            raise InvalidArtifactError(f"it was fitted on other features of {space.name}; fit it again")
        try:
            tensors = load(blob)
            settings, vocabulary = NasflatSettings(**manifest["settings"]), Vocabulary(manifest["vocabulary"])
            module = Nasflat(vocabulary.size, 1, settings)
            module.load_state_dict(module_tensors(tensors))
            supplementary = from_manifest(space, manifest)
        except (SafetensorError, RuntimeError, ValueError) as error:
            raise InvalidArtifactError(str(error)) from error
        module.eval().requires_grad_(False)
        known = (manifest["source"], manifest["scale"], supplementary)
        network = NetworkOfDevice(space, module, settings, vocabulary, *known)
        return cls(space, network, LinearLatency.of(manifest, tensors))


def fit_nasflat(
    pretrained: PretrainedNasflat, architectures: Sequence[Architecture], latency_ms: FloatArray
) -> NasflatPredictor:
    """Fits a device from its timings; closed form, less than a second for 20 of them.

    Args:
        architectures: the n measured ones, of the space of the pre-training.
        latency_ms: (n,) positive and finite.
    Raises: TooFewSamplesError; ValueError for a latency that is not positive and finite.
    """
    latency_ms = checked_latencies(latency_ms)
    space = pretrained.space
    by_source = pretrained.relative(architectures)
    closest = int(np.argmax([spearman(column, latency_ms) for column in by_source.T]))
    network = pretrained.of_device(closest)
    over_space = network.columns(reference_sample(space))
    split = split_columns(reference_columns(space), pretrained.linear, over_space)
    grid = prior_grid(
        feature_map(space).groups,
        [len(pretrained.devices), network.width],
        [LOG_SOURCE_VARIANCES, LOG_BEYOND_VARIANCES],
    )
    columns = _columns(network, architectures) @ split
    return NasflatPredictor(space, network, fit_linear_latency(columns, latency_ms, grid, split))


def _columns(network: NetworkOfDevice, architectures: Sequence[Architecture]) -> FloatArray:
    """(n, d + width) cost columns and the network's."""
    return np.concatenate([feature_map(network.space)(architectures), network.columns(architectures)], axis=1)

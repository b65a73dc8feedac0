"""Latency as a Bayesian linear model over costs and over what a graph network says of other devices.

The model is `cost_linear`'s, with the latencies that a network trained on the source devices predicts as a group of
columns in the place of the sources' own linear models. What FLAN's layers know of the interplay of operations on
known devices enters that way, as far as the samples' evidence for it goes, and a new device still costs one closed
form: NASFLAT (arXiv 2403.02446) trains every weight of the network again instead.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from predictors.base import LatencyEstimate
from predictors.cost_linear import LOG_SOURCE_VARIANCES, prior_grid
from predictors.errors import InvalidArtifactError
from predictors.features import feature_map
from predictors.linear_latency import LinearLatency, checked_latencies, fit_linear_latency
from predictors.source_lines import reference_columns, reference_sample, split_columns
from spaces.base import Architecture, FloatArray, SearchSpace

if TYPE_CHECKING:
    from predictors.graph.pretrained import PretrainedTrunk

NAME: Final = "graph_linear"
# Of new artifacts. Those of format 1 lack the left-out predictions and the sources' linear models.
FORMAT: Final = 2
# Logarithms of the prior variances of what a network says beyond the cost columns.
LOG_BEYOND_VARIANCES: Final = (-6.0, -2.0)


@dataclass(frozen=True, slots=True, eq=False)
class GraphLinear:
    """A fitted model; see `fit_graph_linear`.

    Attributes:
        trunk: the network whose predictions are the last columns.
        line: weights in ms per unit of each column.
    """

    space: SearchSpace
    trunk: PretrainedTrunk
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
        return self.line.estimate(_columns(self.space, self.trunk, architectures))

    def to_bytes(self) -> bytes:
        """Safetensors with a JSON manifest; `predictors.load` reads it."""
        manifest = {
            "predictor": NAME,
            "format": FORMAT,
            "space": self.space.name,
            "features": feature_map(self.space).names,
            "trunk": self.trunk.manifest(),
            **self.line.numbers(),
        }
        # What the sources' linear models say is folded into the weights.
        kept = {**self.trunk.tensors(), "linear": np.empty((0, len(self.trunk.devices)))}
        tensors = {**self.line.tensors(), **{f"trunk.{name}": value for name, value in kept.items()}}
        return save(tensors, metadata={"manifest": json.dumps(manifest)})

    @classmethod
    def from_bytes(cls, blob: bytes, manifest: dict[str, Any], space: SearchSpace) -> GraphLinear:
        """The model that `to_bytes` wrote. Raises: InvalidArtifactError."""
        if manifest.get("format") != FORMAT or tuple(manifest["features"]) != feature_map(space).names:
            raise InvalidArtifactError(f"it was fitted on other features of {space.name}; fit it again")
        try:
            tensors = load(blob)
            below = {name.removeprefix("trunk."): value for name, value in tensors.items() if name.startswith("trunk.")}
            trunk = _stored_trunk(space, json.dumps(manifest["trunk"]), save(below))
        except (SafetensorError, RuntimeError, ValueError) as error:
            raise InvalidArtifactError(str(error)) from error
        return cls(space, trunk, LinearLatency.of(manifest, tensors))


def fit_graph_linear(
    trunk: PretrainedTrunk, architectures: Sequence[Architecture], latency_ms: FloatArray
) -> GraphLinear:
    """Fits a device from its timings; closed form, about 0.3 s for 20 of them.

    Args:
        architectures: the n measured ones, of the trunk's space.
        latency_ms: (n,) positive and finite.
    Raises: TooFewSamplesError; ValueError for a latency that is not positive and finite.
    """
    latency_ms = checked_latencies(latency_ms)
    fold, sources = _split(trunk), len(trunk.devices)
    columns = _columns(trunk.space, trunk, architectures) @ fold
    grid = prior_grid(feature_map(trunk.space).groups, [sources, sources], [LOG_SOURCE_VARIANCES, LOG_BEYOND_VARIANCES])
    return GraphLinear(trunk.space, trunk, fit_linear_latency(columns, latency_ms, grid, fold))


@lru_cache(maxsize=8)
def _stored_trunk(space: SearchSpace, manifest: str, blob: bytes) -> PretrainedTrunk:
    """One for all devices whose artifacts keep the same network, as it remembers what it was asked."""
    from predictors.graph.pretrained import PretrainedTrunk

    return PretrainedTrunk.of(space, json.loads(manifest), load(blob))


@lru_cache(maxsize=16)
def _split(trunk: PretrainedTrunk) -> FloatArray:
    """(d + m, d + 2 m), see `split_columns`.

    As one group the network's columns would bring in what it says beyond the costs with the weight that the costs
    deserve.
    """
    over_space = trunk.columns(reference_sample(trunk.space))
    return split_columns(reference_columns(trunk.space), trunk.linear, over_space)


def _columns(space: SearchSpace, trunk: PretrainedTrunk, architectures: Sequence[Architecture]) -> FloatArray:
    return np.concatenate([feature_map(space)(architectures), trunk.columns(architectures)], axis=1)

"""Latency predictors that adapt to a device from few timings, and the samplers that choose what to time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from predictors.auto import choose
from predictors.base import MIN_SAMPLES, LatencyEstimate, LatencyPredictor
from predictors.cost_linear import CostLinear, fit_cost_linear
from predictors.errors import InvalidArtifactError, PredictorError, TooFewSamplesError
from predictors.graph_linear import GraphLinear, fit_graph_linear
from predictors.nasflat import NasflatPredictor, fit_nasflat
from predictors.samplers import SAMPLERS, Sampler
from predictors.source_latencies import SourceLatencies
from spaces.base import SearchSpace

PREDICTORS: Final = {"cost_linear": CostLinear, "graph_linear": GraphLinear, "nasflat": NasflatPredictor}


def load(blob: bytes, get_space: Callable[[str], SearchSpace]) -> LatencyPredictor:
    """The predictor that `LatencyPredictor.to_bytes` wrote; bytes of any other origin are refused, never run.

    Args: get_space: name -> search space.
    Raises: InvalidArtifactError.
    """
    manifest = _manifest(blob)
    try:
        predictor = PREDICTORS[manifest["predictor"]]
        return predictor.from_bytes(blob, manifest, get_space(manifest["space"]))
    except (KeyError, TypeError) as error:
        raise InvalidArtifactError(f"its manifest lacks or mistakes {error}") from error


def _manifest(blob: bytes) -> dict[str, Any]:
    """The JSON manifest in the header of a safetensors file: 8 bytes of length, then JSON."""
    try:
        header = json.loads(blob[8 : 8 + int.from_bytes(blob[:8], "little")])
        manifest = json.loads(header["__metadata__"]["manifest"])
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidArtifactError("no manifest found") from error
    if not isinstance(manifest, dict):
        raise InvalidArtifactError("its manifest is no object")
    return manifest


__all__ = [
    "MIN_SAMPLES",
    "PREDICTORS",
    "SAMPLERS",
    "CostLinear",
    "GraphLinear",
    "InvalidArtifactError",
    "LatencyEstimate",
    "LatencyPredictor",
    "NasflatPredictor",
    "PredictorError",
    "Sampler",
    "SourceLatencies",
    "TooFewSamplesError",
    "choose",
    "fit_cost_linear",
    "fit_graph_linear",
    "fit_nasflat",
    "load",
]

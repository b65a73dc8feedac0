"""Latency predictors that adapt to a device from few timings, and the samplers that choose what to time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from predictors.auto import choose
from predictors.base import MIN_SAMPLES, LatencyEstimate, LatencyPredictor
from predictors.cost_linear import CostLinear, fit_cost_linear
from predictors.errors import InvalidArtifactError, NoPretrainedNetworkError, PredictorError, TooFewSamplesError
from predictors.graph_linear import GraphLinear, fit_graph_linear
from predictors.manifest import read_manifest
from predictors.nasflat import NasflatPredictor, fit_nasflat
from predictors.nasflat_fine_tuned import FineTunedNasflat, fit_nasflat_fine_tuned
from predictors.samplers import SAMPLERS, Sampler
from predictors.source_latencies import SourceLatencies
from spaces.base import SearchSpace

PREDICTORS: Final = {
    "cost_linear": CostLinear,
    "graph_linear": GraphLinear,
    "nasflat": NasflatPredictor,
    "nasflat_fine_tuned": FineTunedNasflat,
}


def load(blob: bytes, get_space: Callable[[str], SearchSpace]) -> LatencyPredictor:
    """The predictor that `LatencyPredictor.to_bytes` wrote; bytes of any other origin are refused, never run.

    Args: get_space: name -> search space.
    Raises: InvalidArtifactError.
    """
    manifest = read_manifest(blob)
    try:
        predictor = PREDICTORS[manifest["predictor"]]
        return predictor.from_bytes(blob, manifest, get_space(manifest["space"]))
    except (KeyError, TypeError) as error:
        raise InvalidArtifactError(f"its manifest lacks or mistakes {error}") from error


__all__ = [
    "MIN_SAMPLES",
    "PREDICTORS",
    "SAMPLERS",
    "CostLinear",
    "FineTunedNasflat",
    "GraphLinear",
    "InvalidArtifactError",
    "LatencyEstimate",
    "LatencyPredictor",
    "NasflatPredictor",
    "NoPretrainedNetworkError",
    "PredictorError",
    "Sampler",
    "SourceLatencies",
    "TooFewSamplesError",
    "choose",
    "fit_cost_linear",
    "fit_graph_linear",
    "fit_nasflat",
    "fit_nasflat_fine_tuned",
    "load",
]

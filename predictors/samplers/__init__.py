"""Transfer samplers, one per file."""

from typing import Final

from predictors.samplers.base import Encode, Sampler, design_features
from predictors.samplers.cosine import sample_cosine
from predictors.samplers.d_optimal import sample_d_optimal
from predictors.samplers.farthest_point import sample_farthest_point
from predictors.samplers.k_means import sample_k_means
from predictors.samplers.params import sample_params
from predictors.samplers.random_sampler import sample_random

SAMPLERS: Final[dict[str, Sampler]] = {
    "cosine": sample_cosine,
    "d_optimal": sample_d_optimal,
    "farthest_point": sample_farthest_point,
    "k_means": sample_k_means,
    "params": sample_params,
    "random": sample_random,
}

__all__ = ["SAMPLERS", "Encode", "Sampler", "design_features"]

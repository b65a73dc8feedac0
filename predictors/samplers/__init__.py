"""Transfer samplers, one per file."""

from typing import Final

from predictors.samplers.base import Sampler
from predictors.samplers.d_optimal import sample_d_optimal
from predictors.samplers.random_sampler import sample_random

SAMPLERS: Final[dict[str, Sampler]] = {"d_optimal": sample_d_optimal, "random": sample_random}

__all__ = ["SAMPLERS", "Sampler"]

"""What every latency predictor promises, and the estimate it returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from spaces.base import Architecture, FloatArray

# A predictor needs this many measured architectures of a device.
MIN_SAMPLES: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class LatencyEstimate:
    """Predictive distribution of the latency of n architectures on one device.

    Attributes:
        mean_ms: (n,) positive.
        std_ms: (n,) scale of the distribution, measurement noise included; `half_width` says what it is worth.
        floor_ms: no bound lies below it; positive.
        half_width: level -> half the central interval of that level, in units of `std_ms`.
    """

    mean_ms: FloatArray
    std_ms: FloatArray
    floor_ms: float
    half_width: Callable[[float], float]

    def interval(self, level: float) -> tuple[FloatArray, FloatArray]:
        """Central interval that a new measurement falls into with probability `level`.

        Args: level: within (0, 1).
        Returns: lower_ms (n,) and upper_ms (n,), floor_ms <= lower <= mean <= upper.
        """
        if not 0 < level < 1:
            raise ValueError(f"an interval's level must be within (0, 1), got {level}")
        margin = self.half_width(level) * self.std_ms
        return np.maximum(self.mean_ms - margin, self.floor_ms), self.mean_ms + margin


class LatencyPredictor(Protocol):
    """A fitted predictor of one device on one space.

    Contract: immutable and thread-safe; deterministic; row i belongs to architecture i; a batch equals its singles;
    an empty batch gives empty arrays.
    """

    @property
    def name(self) -> str:
        """Key in `PREDICTORS`."""
        ...

    @property
    def samples(self) -> int:
        """Measured architectures it was fitted on."""
        ...

    def predict(self, architectures: Sequence[Architecture]) -> LatencyEstimate:
        """Latency of each architecture, in the order given."""
        ...

    def to_bytes(self) -> bytes:
        """Safetensors with a JSON manifest; `predictors.load` reads it."""
        ...

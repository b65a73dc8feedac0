"""What every latency predictor promises, and the estimate it returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from scipy.special import erf

from spaces.base import Architecture, FloatArray

# A predictor needs this many measured architectures of a device.
MIN_SAMPLES: Final = 5
# Draws know the distribution at this many levels; those further out than the last one are set to it.
_DRAWN_LEVEL, _DRAWN_POINTS = 0.999, 400


@dataclass(frozen=True, slots=True, eq=False)
class LatencyEstimate:
    """Predictive distribution of the latency of n architectures on one device.

    Attributes:
        mean_ms: (n,) positive.
        std_ms: (n,) scale of the distribution, measurement noise included; `half_width` says what it is worth.
        floor_ms: no bound lies below it; positive.
        half_width: level -> half the central interval of that level, in units of `std_ms`.
        shared_ms: gives the part of the errors that architectures have in common, (n, k) weights of k independent
            standard errors; None where nothing is known of it, which leaves the errors independent.
    """

    mean_ms: FloatArray
    std_ms: FloatArray
    floor_ms: float
    half_width: Callable[[float], float]
    shared_ms: Callable[[], FloatArray] | None = None

    def interval(self, level: float) -> tuple[FloatArray, FloatArray]:
        """Central interval that a new measurement falls into with probability `level`.

        Args: level: within (0, 1).
        Returns: lower_ms (n,) and upper_ms (n,), floor_ms <= lower <= mean <= upper.
        """
        if not 0 < level < 1:
            raise ValueError(f"an interval's level must be within (0, 1), got {level}")
        margin = self.half_width(level) * self.std_ms
        return np.maximum(self.mean_ms - margin, self.floor_ms), self.mean_ms + margin

    def draw(self, count: int, *, rng: np.random.Generator) -> FloatArray:
        """(count, n) joint draws of new measurements in ms.

        Each architecture's own distribution is that of `interval`; errors go together as `shared_ms` says (a Gaussian
        copula), and what that leaves of the spread is independent.
        """
        size = len(self.mean_ms)
        weights = np.zeros((size, 0)) if self.shared_ms is None else self.shared_ms()
        own = np.sqrt(np.maximum(self.std_ms**2 - (weights**2).sum(axis=1), 0.0))
        errors = rng.standard_normal((count, weights.shape[1])) @ weights.T + own * rng.standard_normal((count, size))
        scale = np.sqrt(own**2 + (weights**2).sum(axis=1))
        standard = np.divide(errors, scale, out=np.zeros_like(errors), where=scale > 0)
        levels = np.linspace(0.0, _DRAWN_LEVEL, _DRAWN_POINTS)
        widths = np.array([0.0, *map(self.half_width, levels[1:].tolist())])
        half_widths = np.interp(erf(np.abs(standard) / np.sqrt(2)), levels, widths)
        return np.maximum(self.mean_ms + np.sign(standard) * half_widths * self.std_ms, self.floor_ms)


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

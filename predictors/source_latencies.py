"""What is known of source devices: a table of the same architectures' latencies on each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spaces.base import Architecture, FloatArray, IntArray, SearchSpace


@dataclass(frozen=True, slots=True, eq=False)
class SourceLatencies:
    """Latencies of n architectures of one space on m devices.

    Attributes:
        latency_ms: (n, m) positive, NaN where not measured.
    """

    space: SearchSpace
    architectures: Sequence[Architecture]
    devices: tuple[str, ...]
    latency_ms: FloatArray

    def __post_init__(self):
        expected = (len(self.architectures), len(self.devices))
        if self.latency_ms.shape != expected:
            raise ValueError(f"latencies of {expected} architectures and devices wanted, got {self.latency_ms.shape}")
        known = self.latency_ms[~np.isnan(self.latency_ms)]
        if not (np.isfinite(known).all() and (known > 0).all()):
            raise ValueError("latencies must be positive and finite, or NaN where not measured")

    def take(self, devices: IntArray) -> SourceLatencies:
        """The same of some of the devices."""
        names = tuple(self.devices[device] for device in devices.tolist())
        return SourceLatencies(self.space, self.architectures, names, self.latency_ms[:, devices])

    def scale(self) -> tuple[FloatArray, FloatArray]:
        """Location (m,) and scale (m,) of each device's log latency; robust, as phones answer with outliers."""
        return log_scale(self.latency_ms)

    def standardised(self) -> FloatArray:
        """(n, m) log latency in units of `scale`, no further out than 4."""
        location, scale = self.scale()
        return np.clip((np.log(self.latency_ms) - location) / scale, -4.0, 4.0)


def log_scale(latency_ms: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Median and normal-consistent median deviation of log latencies (n, ...), over the first axis, NaN left out."""
    logs = np.log(latency_ms)
    location = np.nanmedian(logs, axis=0)
    deviation = 1.4826 * np.nanmedian(np.abs(logs - location), axis=0)
    return location, np.maximum(deviation, 1e-3)

"""Finds latencies uploaded in another unit: about 1000 times off what the device, or any device, shows.

Two tolerances part genuine from wrong (HELP and EAGLE, 67 devices). Whole uploads: 30x, the middle of 1 and 1000 on
the log scale; medians of all devices span 25x in NAS-Bench-201 and 20x in FBNet. Single rows beside others of the same
device: 100x; genuine rows stay within 15x of the device's median. A cell without a path from input to output is never
called too fast: two of those runtimes fold it away, and it takes 3 us where the device's median is 11 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from spaces.base import BoolArray, FloatArray

WHOLE_TOLERANCE: Final = 30.0
SINGLE_TOLERANCE: Final = 100.0
# Fewer rows say too little about each other.
_MIN_ROWS: Final = 3
_ENOUGH_PEERS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Expectation:
    """What the rows of one device and space should be near.

    Attributes:
        low_ms: (n,) the lowest of the references for each row.
        high_ms: (n,) the highest.
        source: what the references are, as a message names them.
        whole_tolerance: factor beyond which the median row must not lie.
        single_tolerance: the same of each row.
    """

    low_ms: FloatArray
    high_ms: FloatArray
    source: str
    whole_tolerance: float = WHOLE_TOLERANCE
    single_tolerance: float = SINGLE_TOLERANCE


def expect_from_peers(medians_ms: Sequence[float], space: str, count: int) -> Expectation:
    """What `count` rows of a new device should be near: anything within the medians of the other devices.

    Only the median row is held against them: peers say how fast a device is, not how fast one architecture is.
    """
    low, high = min(medians_ms), max(medians_ms)
    return Expectation(
        np.full(count, low),
        np.full(count, high),
        f"the medians of the {len(medians_ms)} other devices in {space}, {low:.3g} to {high:.3g} ms",
        whole_tolerance=WHOLE_TOLERANCE if len(medians_ms) >= _ENOUGH_PEERS else SINGLE_TOLERANCE,
        single_tolerance=np.inf,
    )


def unit_faults(
    latency_ms: FloatArray, expected: Expectation | None, folded: Callable[[], BoolArray]
) -> dict[int, str]:
    """Rows of one device and space that look about 1000x off.

    Args:
        latency_ms: (n,) the uploaded values, all positive.
        expected: what is known of the device or of its peers; None where nothing is.
        folded: (n,) whether a runtime may optimise the whole network away; called only when something looks off.

    Returns:
        Position of each suspect row to the reason: all rows when the median row is off, else the outliers.
    """
    if not _faults(latency_ms, expected, np.zeros(len(latency_ms), dtype=bool)):
        return {}
    return _faults(latency_ms, expected, folded())


def _faults(latency_ms: FloatArray, expected: Expectation | None, folded: BoolArray) -> dict[int, str]:
    solid = latency_ms[~folded]
    faults: dict[int, str] = {}
    if len(solid) >= _MIN_ROWS:
        median = float(np.median(solid))
        here = np.full(len(latency_ms), median)
        beside = Expectation(here, here, f"the median of this upload's rows of the device, {median:.3g} ms")
        faults = _single_faults(latency_ms, beside, folded)
    if expected is None:
        return faults
    off = _log_factor(latency_ms, expected, folded)
    typical = float(np.median(off[~folded])) if len(solid) else 0.0
    if abs(typical) > np.log(expected.whole_tolerance):
        return {row: _reason(value, typical, expected.source, rows=len(off)) for row, value in enumerate(latency_ms)}
    return faults | _single_faults(latency_ms, expected, folded)


def _single_faults(latency_ms: FloatArray, expected: Expectation, folded: BoolArray) -> dict[int, str]:
    off = _log_factor(latency_ms, expected, folded)
    rows = np.flatnonzero(np.abs(off) > np.log(expected.single_tolerance))
    return {int(row): _reason(latency_ms[row], off[row], expected.source, rows=1) for row in rows}


def _log_factor(latency_ms: FloatArray, expected: Expectation, folded: BoolArray) -> FloatArray:
    """(n,) log of the factor above the highest (positive) or below the lowest (negative) reference, else 0."""
    above = np.maximum(np.log(latency_ms / expected.high_ms), 0.0)
    below = np.minimum(np.log(latency_ms / expected.low_ms), 0.0)
    return above + np.where(folded, 0.0, below)


def _reason(value_ms: float, log_factor: float, source: str, *, rows: int) -> str:
    factor = 10.0 ** round(float(abs(log_factor) / np.log(10.0)))
    side = "above" if log_factor > 0 else "below"
    large = "microseconds" if factor < 1e5 else "nanoseconds"
    unit = large if log_factor > 0 else "seconds"
    others = ", like the device's other rows," if rows > 1 else ""
    return (
        f"latency_ms {value_ms:.4g}{others} is about {factor:,.0f}x {side} {source}: is it in {unit}? "
        "check_units=false stores it as it is"
    )

"""What latencies of a device are to be expected, from its own past or from its peers, to catch a wrong unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from sqlalchemy.orm import Session

from device_db import Artifacts, DeviceKind, Measurements
from service.errors import UnusablePredictorError
from service.stored_predictor import read_predictor
from service.uploads.units import WHOLE_TOLERANCE, Expectation, expect_from_peers
from spaces import Architecture, SearchSpace
from spaces.base import BoolArray, is_open

# Beyond so many samples a few folded cells no longer move the median.
_FEW: Final = 200


def expect_latency(
    session: Session,
    spaces: Mapping[str, SearchSpace],
    device: str,
    space: str,
    architectures: Sequence[Architecture],
) -> Expectation | None:
    """What the latencies of `architectures` (n,) should be near; None where nothing is known.

    A device with samples is compared with their median and, once it has one, with its predictor; a new one with the
    medians of the measured devices that have a predictor in the space.

    Of a space that users bring nothing is expected: its networks may be of any size.

    Raises: DeviceNotFoundError.
    """
    if is_open(spaces[space]):
        return None
    keys, latency_ms = Measurements(session).latencies(device, space)
    if not keys:
        return _from_peers(session, device, space, len(architectures))
    if len(keys) <= _FEW:
        solid = ~is_folded(spaces[space], [Architecture(space, key) for key in keys])
        latency_ms = latency_ms[solid] if solid.any() else latency_ms
    median = np.full(len(architectures), np.median(latency_ms))
    source = f"the median of its {len(keys)} samples, {median[0]:.3g} ms"
    artifacts = Artifacts(session)
    artifact = artifacts.latest(device, space)
    if artifact is None:
        return Expectation(median, median, source)
    try:
        predicted = read_predictor(artifacts, artifact).predict(architectures).mean_ms
    except UnusablePredictorError:
        return Expectation(median, median, source)  # this upload may be what replaces it
    low, high = np.minimum(median, predicted), np.maximum(median, predicted)
    return Expectation(low, high, f"its predictor and {source}", single_tolerance=WHOLE_TOLERANCE)


def is_folded(space: SearchSpace, architectures: Sequence[Architecture]) -> BoolArray:
    """(n,) whether no path leads from input to output, so that a runtime may leave the whole network out."""
    return np.array([not space.graph(architecture).mask.any() for architecture in architectures], dtype=bool)


def _from_peers(session: Session, device: str, space: str, count: int) -> Expectation | None:
    medians = [
        float(artifact.manifest["median_ms"])
        for artifact in Artifacts(session).list(space)
        if artifact.device.name != device and artifact.device.kind is not DeviceKind.simulated
    ]
    return expect_from_peers(medians, space, count) if medians else None

"""Fits a device's predictor to what has been measured on it, and stores it as a new version.

Devices with many samples are fitted alone and serve as sources of the others: a model of twenty samples would pass on
little but its prior, and no source rests on further sources.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

import numpy as np
from sqlalchemy.orm import Session, sessionmaker

from device_db import Artifact, Artifacts, DeviceKind, Devices, Measurements
from predictors import MIN_SAMPLES, CostLinear, LatencyPredictor, fit_cost_linear, load
from spaces import Architecture, SearchSpace, get_space
from spaces.base import FloatArray

SOURCE_SAMPLES: Final = 200
MAX_SOURCES: Final = 64


@dataclass(frozen=True, slots=True)
class AdaptedPredictor:
    """The newest predictor of a device in a space.

    Attributes:
        name: kind of predictor, a key of `PREDICTORS`.
        version: counts up per device and space.
        samples: latencies that it was fitted on.
    """

    device: str
    space: str
    name: str
    version: int
    samples: int


def adapt(session: Session, spaces: Mapping[str, SearchSpace], device: str, space: str) -> AdaptedPredictor | None:
    """Bring the device's predictor in line with its current latencies; flushes, does not commit.

    A device with other samples than its newest version was fitted on gets a new version; one with too few of them
    loses its predictor, whose versions stay readable. Uploads wait until the transaction ends, and this for theirs, so
    that the newest version is of the newest samples.

    Returns: the newest version, or None below `MIN_SAMPLES`.
    Raises: DeviceNotFoundError.
    """
    Measurements(session).lock_uploads()
    keys, latency_ms = Measurements(session).latencies(device, space)
    artifacts = Artifacts(session)
    if len(keys) < MIN_SAMPLES:
        artifacts.retire(device, space)
        return None
    digest = _digest(keys, latency_ms)
    artifact = artifacts.latest(device, space)
    if artifact is None or artifact.manifest.get("samples_sha256") != digest:
        used = _sources(artifacts, device, space) if len(keys) < SOURCE_SAMPLES else []
        sources = [_source(artifacts, source) for source in used]
        architectures = [Architecture(space, key) for key in keys]
        predictor = fit_cost_linear(spaces[space], architectures, latency_ms, sources)
        manifest = {
            "samples_sha256": digest,
            "median_ms": float(np.median(latency_ms)),
            "sources": [f"{source.device.name}@{source.version}" for source in used],
        }
        artifact = artifacts.add(device, space, predictor.name, len(keys), predictor.to_bytes(), manifest)
    return AdaptedPredictor(device, space, artifact.predictor, artifact.version, artifact.samples)


def adapt_each(
    session: Session,
    spaces: Mapping[str, SearchSpace],
    series: Iterable[tuple[str, str]],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[AdaptedPredictor, ...]:
    """Adapt several devices, those with most samples first, so that they can be sources of the others.

    Args:
        series: pairs of device and space.
        progress: called with the number of pairs done and their total.

    Returns: the newest predictors, by device and space; pairs without one are left out.
    Raises: DeviceNotFoundError.
    """
    return _in_turn(_richest_first(session, series), partial(adapt, session, spaces), progress)


def adapt_all(
    sessions: sessionmaker[Session],
    spaces: Mapping[str, SearchSpace],
    space: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[AdaptedPredictor, ...]:
    """Adapt every measured device with samples in the space, as after an import; see `adapt_each`.

    Each in a transaction of its own, so that an upload waits for one device and not for all.
    """

    def adapt_alone(device: str, space: str) -> AdaptedPredictor | None:
        with sessions.begin() as session:
            return adapt(session, spaces, device, space)

    with sessions.begin() as session:
        devices = Devices(session).list(space=space)
        measured = ((device.name, space) for device in devices if device.kind is not DeviceKind.simulated)
        wanted = _richest_first(session, measured)
    return _in_turn(wanted, adapt_alone, progress)


def load_predictor(artifacts: Artifacts, artifact: Artifact) -> LatencyPredictor:
    """The predictor of an artifact; equal bytes are read once.

    Keyed by content rather than by version, because this runs in transactions that may roll back: the version would
    be given again, to another predictor.
    """
    return _read(artifacts.load_blob(artifact))


def _richest_first(session: Session, series: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs, each once: those with most samples first, ties by name."""
    wanted = sorted(set(series))
    counts = Devices(session).counts({device for device, _ in wanted})
    return sorted(wanted, key=lambda pair: -counts.get(pair[0], {}).get(pair[1], 0))


def _in_turn(
    wanted: Sequence[tuple[str, str]],
    adapt_one: Callable[[str, str], AdaptedPredictor | None],
    progress: Callable[[int, int], None],
) -> tuple[AdaptedPredictor, ...]:
    adapted: list[AdaptedPredictor] = []
    for done, (device, space) in enumerate(wanted, start=1):
        predictor = adapt_one(device, space)
        adapted += [predictor] if predictor is not None else []
        progress(done, len(wanted))
    return tuple(sorted(adapted, key=lambda predictor: (predictor.device, predictor.space)))


def _sources(artifacts: Artifacts, device: str, space: str) -> list[Artifact]:
    """Artifacts of at most `MAX_SOURCES` other measured devices, those with most samples first, ties by name."""
    known = [
        artifact
        for artifact in artifacts.list(space)
        if artifact.device.name != device
        and artifact.device.kind is not DeviceKind.simulated
        and artifact.samples >= SOURCE_SAMPLES
    ]
    return sorted(known, key=lambda artifact: (-artifact.samples, artifact.device.name))[:MAX_SOURCES]


def _source(artifacts: Artifacts, artifact: Artifact) -> CostLinear:
    predictor = load_predictor(artifacts, artifact)
    assert isinstance(predictor, CostLinear), "adapt stores nothing else"
    return predictor


@lru_cache(maxsize=128)
def _read(blob: bytes) -> LatencyPredictor:
    return load(blob, get_space)


def _digest(keys: Sequence[str], latency_ms: FloatArray) -> str:
    return hashlib.sha256("\n".join(keys).encode() + latency_ms.tobytes()).hexdigest()

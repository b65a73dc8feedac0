"""Fits a device's predictor to what has been measured on it, and stores it as a new version.

Of several candidates the one that tells the samples best unseen is stored, with what spoke for each. Devices with many
samples are fitted alone and serve as sources of the others: a model of twenty samples would pass on little but its
prior, and no source rests on further sources.

A fit takes up to seconds, so it comes before the transaction that stores it: on SQLite nobody else could write
meanwhile.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from device_db import Artifact, Artifacts, DeviceKind, Devices, Measurements, session_factory
from predictors import MIN_SAMPLES, CostLinear, cost_linear
from service.errors import UnusablePredictorError
from service.latency_candidates import SOURCE_SAMPLES, Choice, LatencyCandidates
from service.stored_predictor import read_predictor
from spaces import Architecture, SearchSpace
from spaces.base import FloatArray
from spaces.onnx_model import NAME as UPLOADED

MAX_SOURCES: Final = 64
# What `foresee` calls a predictor that only a fit can choose.
UNDECIDED: Final = "auto"

_log = logging.getLogger(__name__)


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


@dataclass(frozen=True, slots=True, eq=False)
class _Basis:
    """What a predictor of a device is fitted on.

    Attributes:
        keys, latency_ms: (n,) the samples, sorted by architecture.
        condition: what is known of how they were measured, see `Measurements.conditions`.
        candidates: see `LatencyCandidates.basis`.
        sources: artifacts of the devices that it leans on.
    """

    device: str
    space: str
    keys: list[str]
    latency_ms: FloatArray
    condition: dict[str, list[int | str]]
    candidates: dict[str, str]
    sources: list[Artifact]

    @property
    def facts(self) -> dict[str, Any]:
        """Equal for an equal basis; stored with the predictor."""
        return {
            "samples_sha256": samples_digest(self.keys, self.latency_ms),
            "candidates": self.candidates,
            "sources": [f"{source.device.name}@{source.version}" for source in self.sources],
        }

    @property
    def record(self) -> dict[str, Any]:
        """What the version tells of its samples once others have taken their place; of many samples, only their sum."""
        known = {"median_ms": float(np.median(self.latency_ms)), "condition": self.condition}
        if len(self.keys) >= SOURCE_SAMPLES:
            return known
        return known | {"samples": {"architectures": self.keys, "latency_ms": self.latency_ms.tolist()}}


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """A predictor that has not been stored, and the facts of its basis."""

    facts: dict[str, Any]
    choice: Choice


def adapt(
    session: Session,
    spaces: Mapping[str, SearchSpace],
    candidates: LatencyCandidates,
    device: str,
    space: str,
    fitted: _Fitted | None = None,
) -> AdaptedPredictor | None:
    """Bring the device's predictor in line with its current latencies; flushes, does not commit.

    A device with other samples, sources or candidates than its newest version was fitted on gets a new version; one
    with too few samples loses its predictor, whose versions stay readable. Uploads wait until the transaction ends, and
    this for theirs, so that the newest version is of the newest samples.

    Args:
        fitted: taken where it is of the current samples and sources; else the fit happens here.

    Returns: the newest version, or None below `MIN_SAMPLES`.
    Raises: DeviceNotFoundError.
    """
    Measurements(session).lock_uploads()
    artifacts = Artifacts(session)
    basis = _basis(session, candidates, device, space)
    if basis is None:
        artifacts.retire(device, space)
        return None
    artifact = _current(artifacts, basis)
    if artifact is None:
        if fitted is None or fitted.facts != basis.facts:
            fitted = _fit(spaces, candidates, basis, _predictors(artifacts, basis.sources))
        artifact = _add(artifacts, basis, fitted.choice)
    return _adapted(artifact)


def adapt_each(
    engine: Engine,
    spaces: Mapping[str, SearchSpace],
    candidates: LatencyCandidates,
    series: Iterable[tuple[str, str]],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[AdaptedPredictor, ...]:
    """Adapt several devices, those with most samples first, so that they can be sources of the others.

    Each in a transaction of its own, which only stores what was fitted before it. Samples that arrive between the two
    are fitted in the transaction, or a stream of small uploads could keep a device from ever being adapted.

    Args:
        series: pairs of device and space.
        progress: called with the number of pairs done and their total.

    Returns: the newest predictors, by device and space; pairs without one are left out.
    Raises: DeviceNotFoundError.
    """
    with session_factory(engine, read_only=True)() as session:
        wanted = _richest_first(session, series)
    adapted: list[AdaptedPredictor] = []
    for done, (device, space) in enumerate(wanted, start=1):
        fitted = _fit_ahead(engine, spaces, candidates, device, space)
        with session_factory(engine).begin() as session:
            predictor = adapt(session, spaces, candidates, device, space, fitted)
        adapted += [predictor] if predictor is not None else []
        progress(done, len(wanted))
    return tuple(sorted(adapted, key=_by_name))


def adapt_all(
    engine: Engine,
    spaces: Mapping[str, SearchSpace],
    candidates: LatencyCandidates,
    space: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[AdaptedPredictor, ...]:
    """Adapt every measured device with samples in the space, as after an import; see `adapt_each`."""
    with session_factory(engine, read_only=True)() as session:
        devices = Devices(session).list(space=space)
        series = [(device.name, space) for device in devices if device.kind is not DeviceKind.simulated]
    return adapt_each(engine, spaces, candidates, series, progress)


def foresee(
    session: Session, candidates: LatencyCandidates, series: Iterable[tuple[str, str]]
) -> tuple[AdaptedPredictor, ...]:
    """What `adapt_each` would answer, without a fit: adds empty artifacts, for a transaction that is rolled back.

    A name that only a fit can choose is `UNDECIDED`.
    """
    artifacts = Artifacts(session)
    bases = (_basis(session, candidates, device, space) for device, space in _richest_first(session, series))
    adapted = [_adapted(_current(artifacts, basis) or _add(artifacts, basis)) for basis in bases if basis]
    return tuple(sorted(adapted, key=_by_name))


def samples_digest(keys: Sequence[str], latency_ms: FloatArray) -> str:
    """Tells whether samples, sorted by architecture, are those of a version's manifest."""
    return hashlib.sha256("\n".join(keys).encode() + latency_ms.tobytes()).hexdigest()


def _richest_first(session: Session, series: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs, each once: those with most samples first, ties by name."""
    wanted = sorted(set(series))
    counts = Devices(session).counts({device for device, _ in wanted})
    return sorted(wanted, key=lambda pair: -counts.get(pair[0], {}).get(pair[1], 0))


def _by_name(predictor: AdaptedPredictor) -> tuple[str, str]:
    return predictor.device, predictor.space


def _basis(session: Session, candidates: LatencyCandidates, device: str, space: str) -> _Basis | None:
    """What there is to fit on now; None below `MIN_SAMPLES`. Raises: DeviceNotFoundError.

    None as well for uploaded networks, whose layers a device's samples in every space tell of: see `workload_costs`.
    """
    if space == UPLOADED:
        return None
    measurements = Measurements(session)
    keys, latency_ms = measurements.latencies(device, space)
    if len(keys) < MIN_SAMPLES:
        return None
    condition = {name: sorted(values) for name, values in measurements.conditions(device, space).items()}
    wanted = candidates.basis(space, len(keys))
    leans = cost_linear.NAME in wanted and len(keys) < SOURCE_SAMPLES
    sources = _sources(Artifacts(session), device, space) if leans else []
    return _Basis(device, space, keys, latency_ms, condition, wanted, sources)


def _current(artifacts: Artifacts, basis: _Basis) -> Artifact | None:
    """The newest predictor, if it was fitted on just this."""
    artifact = artifacts.latest(basis.device, basis.space)
    facts = basis.facts
    if artifact is None or {name: artifact.manifest.get(name) for name in facts} != facts:
        return None
    return artifact


def _fit_ahead(
    engine: Engine, spaces: Mapping[str, SearchSpace], candidates: LatencyCandidates, device: str, space: str
) -> _Fitted | None:
    """What `adapt` will need if nothing changes until then; the database is only read, and not during the fit."""
    with session_factory(engine, read_only=True)() as session:
        basis = _basis(session, candidates, device, space)
        if basis is None or _current(Artifacts(session), basis) is not None:
            return None
        sources = _predictors(Artifacts(session), basis.sources)
    return _fit(spaces, candidates, basis, sources)


def _fit(
    spaces: Mapping[str, SearchSpace], candidates: LatencyCandidates, basis: _Basis, sources: Sequence[CostLinear]
) -> _Fitted:
    architectures = [Architecture(basis.space, key) for key in basis.keys]
    return _Fitted(basis.facts, candidates.fit(spaces[basis.space], architectures, basis.latency_ms, sources))


def _add(artifacts: Artifacts, basis: _Basis, choice: Choice | None = None) -> Artifact:
    """Store the next version; without a choice, an empty one."""
    manifest = basis.facts | basis.record
    if choice is None:
        name = next(iter(basis.candidates)) if len(basis.candidates) == 1 else UNDECIDED
        return artifacts.add(basis.device, basis.space, name, len(basis.keys), b"", manifest)
    predictor = choice.predictor
    evidence = [each.of_device(basis.device) for each in choice.evidence]
    manifest["evidence"] = evidence
    manifest["pretrained_on_this_device"] = any(
        each["pretrained_on_this_device"] for each in evidence if each["name"] == predictor.name
    )
    return artifacts.add(basis.device, basis.space, predictor.name, len(basis.keys), predictor.to_bytes(), manifest)


def _adapted(artifact: Artifact) -> AdaptedPredictor:
    return AdaptedPredictor(
        artifact.device.name, artifact.space, artifact.predictor, artifact.version, artifact.samples
    )


def _sources(artifacts: Artifacts, device: str, space: str) -> list[Artifact]:
    """Artifacts of at most `MAX_SOURCES` other measured devices, those with most samples first, ties by name."""
    known = [
        artifact
        for artifact in artifacts.list(space)
        if artifact.device.name != device
        and artifact.device.kind is not DeviceKind.simulated
        and artifact.samples >= SOURCE_SAMPLES
        and artifact.predictor == cost_linear.NAME
    ]
    return sorted(known, key=lambda artifact: (-artifact.samples, artifact.device.name))[:MAX_SOURCES]


def _predictors(artifacts: Artifacts, sources: Iterable[Artifact]) -> list[CostLinear]:
    """Those that this version can read; the others count again once they have been fitted anew."""
    found: list[CostLinear] = []
    for source in sources:
        try:
            predictor = read_predictor(artifacts, source)
        except UnusablePredictorError as error:
            _log.warning("left out as a source: %s", error)
            continue
        assert isinstance(predictor, CostLinear), "its name says so"
        found.append(predictor)
    return found

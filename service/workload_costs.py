"""Costs of uploaded networks on a measured device: a predictor over layers, fitted to all that was timed on the device.

Layers mean the same in every space, so timings of NAS-Bench-201's cells speak of an uploaded network as well. Nothing
is stored: the fit takes a fraction of a second, and is kept in memory while the samples stay as they are. The same fit
tells how a latency divides among layers, in every space.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from sqlalchemy.orm import Session

from device_db import Devices, Measurements
from predictors import MIN_SAMPLES
from predictors.profile_costs import ProfiledNetwork
from predictors.workload_columns import workload_columns
from predictors.workload_latency import WorkloadLatency, fit_workload_latency
from service.errors import DeviceNotReadyError
from service.interruptible import stop_if_left
from spaces import SPACES, Architecture, SearchSpace
from spaces.base import FloatArray
from spaces.errors import InvalidArchitectureError
from spaces.layer_digest import layer_digest

# Of each space; more change the fit less than the noise of the timings does.
_MOST_SAMPLES: Final = 300
_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class FittedWorkloads:
    """A predictor and the newest measurement that it was fitted on, which serves as its version."""

    predictor: WorkloadLatency
    version: int


class WorkloadPredictors:
    """Thread-safe least-recently-used cache of fits, by device and what is stored of it."""

    def __init__(self) -> None:
        self._fits: OrderedDict[tuple[str, int, int], FittedWorkloads] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, session: Session, device: str, space: SearchSpace) -> FittedWorkloads:
        """The fit to all current latencies of the device, for architectures of the space.

        Raises: DeviceNotReadyError below `MIN_SAMPLES` of them in all spaces together; DeviceNotFoundError.
        """
        count, newest = Measurements(session).revision(device)
        if count < MIN_SAMPLES:
            raise DeviceNotReadyError(device, space.name, count, MIN_SAMPLES)
        key = (device, count, newest)
        with self._lock:
            if key not in self._fits:
                samples = _samples(session, device, {**SPACES, space.name: space})
                if len(samples.latency_ms) < MIN_SAMPLES:
                    raise DeviceNotReadyError(device, space.name, len(samples.latency_ms), MIN_SAMPLES)
                predictor = fit_workload_latency(
                    space,
                    np.array(samples.columns),
                    np.array(samples.latency_ms),
                    samples.families,
                    samples.profiles,
                )
                self._fits[key] = FittedWorkloads(predictor, newest)
                while len(self._fits) > _KEPT:
                    self._fits.popitem(last=False)
            self._fits.move_to_end(key)
            fit = self._fits[key]
        return FittedWorkloads(replace(fit.predictor, space=space), fit.version)


@dataclass(frozen=True, slots=True)
class _Samples:
    """Timed networks: columns, latencies and spaces (n,), and by number what the layers of some took."""

    columns: list[FloatArray] = field(default_factory=list)
    latency_ms: list[float] = field(default_factory=list)
    families: list[str] = field(default_factory=list)
    profiles: dict[int, ProfiledNetwork] = field(default_factory=dict)


def _samples(session: Session, device: str, spaces: dict[str, SearchSpace]) -> _Samples:
    """The device's timed networks, at most so many of each space."""
    samples = _Samples()
    for name in sorted(Devices(session).counts([device]).get(device, {})):
        if name not in spaces:
            continue
        keys, latency_ms = Measurements(session).latencies(device, name)
        batch = _batch(session, device, name)
        chosen = np.linspace(0, len(keys) - 1, min(len(keys), _MOST_SAMPLES)).astype(np.int64).tolist()
        profiles = Measurements(session).profiles(device, name, [keys[index] for index in chosen])
        for index in chosen:
            stop_if_left()  # thousands of layers take seconds to read
            try:
                workload = replace(spaces[name].workload(Architecture(name, keys[index])), batch=batch)
            except InvalidArchitectureError:  # a model of another database, or of an older version
                continue
            profile = profiles.get(keys[index])
            if profile is not None and profile.layers == layer_digest(workload.layers):
                network = ProfiledNetwork(workload.layers, batch, np.array(profile.layer_ms), float(latency_ms[index]))
                samples.profiles[len(samples.families)] = network
            samples.columns.append(workload_columns(workload))
            samples.latency_ms.append(float(latency_ms[index]))
            samples.families.append(name)
    return samples


def _batch(session: Session, device: str, space: str) -> int:
    """Samples of one run; one where nothing is stored of it. An uploaded network has its own within its layers."""
    sizes = Measurements(session).conditions(device, space)["batch_size"]
    return int(next(iter(sizes))) if len(sizes) == 1 and space in SPACES else 1

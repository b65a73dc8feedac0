"""Suggest which architectures to time next on a device."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

import numpy as np
from sqlalchemy.orm import Session

from arch_encodings import has_path
from device_db import DeviceKind, Devices, Measurements
from predictors import SAMPLERS
from predictors.workload_columns import layer_design
from service.errors import SimulatedDeviceError
from service.lookup import find_space
from service.schemas.devices import SuggestionList
from spaces import Architecture, SearchSpace, is_enumerable
from spaces.base import is_open

_CANDIDATES: Final = 5_000  # of a space too large to list: more change the design's determinant by under a per cent
_SEED: Final = 0  # asking twice gives the same answer


def suggest_architectures(
    session: Session, spaces: Mapping[str, SearchSpace], device_name: str, space_name: str, count: int
) -> SuggestionList:
    """Up to `count` architectures that tell most about the device, none of them measured yet.

    Raises: DeviceNotFoundError, UnknownSpaceError, SimulatedDeviceError.
    """
    device = Devices(session).get(device_name)
    space = find_space(spaces, space_name)
    if device.kind is DeviceKind.simulated:
        raise SimulatedDeviceError(device_name)
    measured = _measured(session, space, device_name)
    chosen = _chosen(space, measured, count)
    return SuggestionList(
        device=device_name,
        space=space_name,
        measured=len(measured),
        architectures=[architecture.key for architecture in chosen],
        onnx=[f"/spaces/{space_name}/onnx?{urlencode({'architecture': architecture.key})}" for architecture in chosen],
    )


def most_telling(session: Session, space: SearchSpace, device_name: str, count: int) -> list[Architecture]:
    """The same of a device that is known to be measured."""
    return _chosen(space, _measured(session, space, device_name), count)


def _measured(session: Session, space: SearchSpace, device_name: str) -> list[Architecture]:
    return [space.parse(key) for key in Measurements(session).latencies(device_name, space.name)[0]]


def _chosen(space: SearchSpace, measured: list[Architecture], count: int) -> list[Architecture]:
    known = set(measured)
    pool = list(space.enumerate()) if is_open(space) else _working(space)
    candidates = [architecture for architecture in pool if architecture not in known]
    rng = np.random.default_rng(_SEED)
    encode = layer_design(space, pool) if is_open(space) and pool else None
    return SAMPLERS["d_optimal"](space, candidates, measured, min(count, len(candidates)), rng=rng, encode=encode)


@lru_cache(maxsize=16)
def _working(space: SearchSpace) -> tuple[Architecture, ...]:
    """What can be suggested of a space for any device: networks whose input reaches their output.

    Seconds of work in a large space, and the same each time.
    """
    rng = np.random.default_rng(_SEED)
    pool = list(space.enumerate()) if is_enumerable(space) else space.sample(_CANDIDATES, rng=rng)
    return tuple(architecture for architecture, works in zip(pool, has_path(space, pool), strict=True) if works)

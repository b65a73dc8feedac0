"""Compute zero-cost proxies of architectures, of which the database keeps each so that it is computed once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from sqlalchemy.orm import Session, sessionmaker

from arch_encodings.zero_cost import ProxySettings
from arch_encodings.zero_cost import compute_proxies as compute
from device_db import EncodingValues
from service.errors import ProxiesNotComputedError
from spaces import Architecture, SearchSpace
from spaces.base import FloatArray

_CHUNK = 16  # architectures in a transaction: what an interrupted run loses at most


def compute_proxies(
    sessions: sessionmaker[Session],
    space: SearchSpace,
    architectures: Sequence[Architecture],
    names: Sequence[str],
    settings: ProxySettings,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    most: int | None = None,
) -> FloatArray:
    """The proxies, (n, names), NaN where undefined; no transaction is open while networks run.

    Args:
        on_progress: called with (done, total) architectures of those that are not known yet.
        most: how many may not be known yet; None sets no bound.
    Raises: UnknownProxyError, ProxiesNotComputedError.
    """
    compute(space, [], names)  # refuses unknown proxies
    known = _lookup(sessions, space, architectures, names, settings)
    unknown = _unknown(architectures, names, known)
    done, total = 0, sum(map(len, unknown.values()))
    if most is not None and total > most:
        raise ProxiesNotComputedError(space.name, total, most)
    for missing, group in unknown.items():
        for start in range(0, len(group), _CHUNK):
            chunk = group[start : start + _CHUNK]
            values = compute(space, chunk, missing, settings=settings)
            with sessions.begin() as session:
                for name, column in zip(missing, values.T.tolist(), strict=True):
                    numbers = dict(zip([one.key for one in chunk], column, strict=True))
                    EncodingValues(session).store(space.name, name, settings.configuration, numbers)
                    known[name] |= numbers
            done += len(chunk)
            if on_progress is not None:
                on_progress(done, total)
    rows = [[known[name][architecture.key] for name in names] for architecture in architectures]
    return np.array(rows, dtype=np.float64).reshape(len(architectures), len(names))


def _lookup(
    sessions: sessionmaker[Session],
    space: SearchSpace,
    architectures: Sequence[Architecture],
    names: Sequence[str],
    settings: ProxySettings,
) -> dict[str, dict[str, float]]:
    """Proxy -> architecture -> what the database has."""
    keys = [architecture.key for architecture in architectures]
    with sessions() as session:
        values = EncodingValues(session)
        return {name: values.lookup(space.name, name, settings.configuration, keys) for name in names}


def _unknown(
    architectures: Sequence[Architecture], names: Sequence[str], known: dict[str, dict[str, float]]
) -> dict[tuple[str, ...], list[Architecture]]:
    """Architectures, each once, by the proxies that they lack."""
    groups: dict[tuple[str, ...], list[Architecture]] = defaultdict(list)
    for architecture in dict.fromkeys(architectures):
        if missing := tuple(name for name in names if architecture.key not in known[name]):
            groups[missing].append(architecture)
    return groups

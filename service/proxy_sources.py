"""Where the zero-cost encodings of a request take their proxies from: the database, in one of two ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import numpy as np
from sqlalchemy.orm import Session, sessionmaker

from arch_encodings import Encoder, ProxySource, Zcp, encoders_with
from device_db import EncodingValues
from device_db.importers import PUBLISHED_PROXIES
from service.errors import ProxiesNotPublishedError
from spaces import Architecture, SearchSpace
from spaces.base import FloatArray

ProxyOrigin = Literal["computed", "published"]


def encoders_of(
    sessions: sessionmaker[Session], max_uncached: int, origin: ProxyOrigin = "computed"
) -> Mapping[str, Encoder]:
    """Every encoder, with proxies through the database.

    Args:
        sessions: for transactions that write, as computed proxies are kept.
        max_uncached: architectures of one call whose proxies may be computed.
        origin: published proxies follow other conventions, so they are taken for all architectures or for none.
    """
    return encoders_with(Zcp(_SOURCES[origin](sessions, max_uncached)))


def _computed(sessions: sessionmaker[Session], max_uncached: int) -> ProxySource:
    def look_up_or_compute(
        space: SearchSpace, architectures: Sequence[Architecture], names: Sequence[str]
    ) -> FloatArray:
        from arch_encodings.zero_cost import ProxySettings  # brings torch
        from service.use_cases.compute_proxies import compute_proxies

        settings = ProxySettings.of_space(space.name)  # as `archcast proxies` has by default
        return compute_proxies(sessions, space, architectures, names, settings, most=max_uncached)

    return look_up_or_compute


def _published(sessions: sessionmaker[Session], _: int) -> ProxySource:
    def look_up(space: SearchSpace, architectures: Sequence[Architecture], names: Sequence[str]) -> FloatArray:
        keys = [architecture.key for architecture in architectures]
        configuration = PUBLISHED_PROXIES.get(space.name, "")
        with sessions() as session:
            values = EncodingValues(session)
            columns = [values.lookup(space.name, name, configuration, keys) for name in names]
        missing = sum(any(key not in column for column in columns) for key in set(keys))
        if missing:
            raise ProxiesNotPublishedError(space.name, missing)
        rows = [[column[key] for column in columns] for key in keys]
        return np.array(rows, dtype=np.float64).reshape(len(keys), len(names))

    return look_up


_SOURCES: Final[dict[ProxyOrigin, Callable[[sessionmaker[Session], int], ProxySource]]] = {
    "computed": _computed,
    "published": _published,
}

"""Zero-cost scores for a search: from stored proxies, which are computed first where there are too few."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from sqlalchemy.orm import Session, sessionmaker

from arch_encodings import has_path
from device_db import EncodingValues
from device_db.importers import PUBLISHED_PROXIES
from predictors.zero_cost_score import ENOUGH, FEWEST, PROXY, ZeroCostScore, fit_zero_cost_score
from service import pretrained
from service.errors import FieldError, InvalidRequestError
from service.interruptible import StoppedWaitingError, interruptible
from service.proxy_sources import ProxyOrigin
from spaces import Architecture, SearchSpace
from spaces.base import is_open

# Of the time that a search has: the rest is for searching.
_SHARE_OF_TIME: Final = 0.5
_SAMPLE_SEED: Final = 0


@dataclass(frozen=True, slots=True, eq=False)
class StoredProxies:
    """Proxies of one space that the database has, all by the same conventions.

    Attributes: values: by canonical architecture.
    """

    origin: ProxyOrigin
    values: Mapping[str, float]

    @property
    def is_enough(self) -> bool:
        """Whether a score needs no further ones."""
        return len(self.values) >= ENOUGH


def stored_proxies(session: Session, space: SearchSpace) -> StoredProxies:
    """The published ones, or those computed under one set of settings, whichever are most."""
    encodings = EncodingValues(session)
    counts = encodings.configurations(space.name, PROXY)
    if not counts:
        return StoredProxies("computed", {})
    largest = max(counts, key=lambda configuration: counts[configuration])
    origin = "published" if largest in PUBLISHED_PROXIES.values() else "computed"
    return StoredProxies(origin, encodings.table(space.name, PROXY, largest))


def why_no_score(session: Session, space: SearchSpace) -> str | None:
    """Why there can be no score of the space; None if there can."""
    if is_open(space):
        return f"the networks of {space.name} are no sample of anything"
    if pretrained.has_torch() or len(stored := stored_proxies(session, space).values) >= FEWEST:
        return None
    return f"{len(stored)} architectures have a stored {PROXY}, {FEWEST} are needed, and computing it needs torch"


def fitted_score(space: SearchSpace, stored: StoredProxies) -> tuple[ZeroCostScore, dict[str, float]]:
    """The score of any architecture, and that of those whose proxy is stored."""
    known = [Architecture(space.name, key) for key in stored.values]
    alive = has_path(space, known)
    known = [each for each, is_alive in zip(known, alive, strict=True) if is_alive]
    nwot = np.array([stored.values[each.key] for each in known])
    score = fit_zero_cost_score(space, known, nwot)
    return score, dict(zip([each.key for each in known], score.score(known, nwot).tolist(), strict=True))


def compute_what_lacks(
    sessions: sessionmaker[Session],
    space: SearchSpace,
    seconds: float,
    on_step: Callable[[int, int], bool | None],
) -> int:
    """Compute and store proxies of a fixed random sample until there are enough for a score.

    They are stored one by one, so that what is computed is computed once, however this ends.

    Args:
        sessions: that write.
        seconds: that the search has, of which this takes at most half.
        on_step: called with (done, wanted) again and again; True ends it, within a fraction of a second.

    Returns: how many were computed.
    Raises: InvalidRequestError if time ends it with too few; StoppedWaitingError.
    """
    with sessions() as session:
        stored = stored_proxies(session, space)
        if stored.is_enough or not pretrained.has_torch():
            return 0
        known = set(_of_default_settings(session, space))
    started = time.monotonic()
    computed = 0
    for architecture in _sample(space, known):
        if time.monotonic() - started > _SHARE_OF_TIME * seconds:
            break
        done = len(known)
        interruptible(partial(_compute, sessions, space, architecture), lambda done=done: bool(on_step(done, ENOUGH)))
        known.add(architecture.key)
        computed += 1
    if on_step(len(known), ENOUGH):
        raise StoppedWaitingError
    if max(len(known), len(stored.values)) < FEWEST:
        reason = (
            f"a zero_cost accuracy needs the {PROXY} of {FEWEST} architectures, and half of the search's {seconds:g} s "
            f"brought their number to {len(known)}; they are kept: give it more seconds, or ask again"
        )
        raise InvalidRequestError([FieldError(reason, pointer="/budget/seconds")])
    return computed


def _sample(space: SearchSpace, known: set[str]) -> list[Architecture]:
    """Those that lack of `ENOUGH`, the same ones in each search, whose input reaches their output."""
    drawn = space.sample(min(2 * ENOUGH, space.size), rng=np.random.default_rng(_SAMPLE_SEED))
    fresh = [
        each for each, is_alive in zip(drawn, has_path(space, drawn), strict=True) if is_alive and each.key not in known
    ]
    return fresh[: ENOUGH - len(known)]


def _of_default_settings(session: Session, space: SearchSpace) -> dict[str, float]:
    from arch_encodings.zero_cost import ProxySettings  # brings torch

    configuration = ProxySettings.of_space(space.name).configuration
    return EncodingValues(session).table(space.name, PROXY, configuration)


def _compute(sessions: sessionmaker[Session], space: SearchSpace, architecture: Architecture) -> None:
    from arch_encodings.zero_cost import ProxySettings
    from service.use_cases.compute_proxies import compute_proxies

    compute_proxies(sessions, space, [architecture], (PROXY,), ProxySettings.of_space(space.name))

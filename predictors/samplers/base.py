"""The contract of transfer samplers: which architectures to time on a new device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from spaces.base import Architecture, SearchSpace


class Sampler(Protocol):
    """Chooses architectures to measure.

    Contract: the answer holds `count` distinct candidates (fewer only where the candidates run out), none of them
    measured already, in the order in which to time them; it depends on the arguments alone; candidates are not
    changed.
    """

    def __call__(
        self,
        space: SearchSpace,
        candidates: Sequence[Architecture],
        measured: Sequence[Architecture],
        count: int,
        *,
        rng: np.random.Generator,
    ) -> list[Architecture]:
        """`count` of the candidates."""
        ...


def unmeasured(candidates: Sequence[Architecture], measured: Sequence[Architecture]) -> list[Architecture]:
    """Distinct candidates that are not measured, in their order."""
    known = set(measured)
    return [candidate for candidate in dict.fromkeys(candidates) if candidate not in known]

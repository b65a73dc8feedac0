"""Keeps costs of architectures on targets that are not additive, so that metrics and rounds share one computation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Final

import numpy as np

from spaces import Architecture
from spaces.base import FloatArray
from targets import CostArrays

# Of one target, some megabytes; more are computed again.
_MOST: Final = 32_768


class CostMemory:
    """Costs of architectures, each computed once while it is remembered.

    Safe to share between threads: at worst two of them compute the same.

    Args:
        compute: costs of architectures, which may be refused.
        most: remembered ones.
    """

    def __init__(self, compute: Callable[[Sequence[Architecture]], CostArrays], most: int = _MOST):
        self._compute = compute
        self._most = most
        self._known: dict[Architecture, FloatArray] = {}

    def __call__(self, architectures: Sequence[Architecture]) -> CostArrays:
        """As `compute`, in the order asked."""
        known = self._known
        found = {each: known[each] for each in architectures if each in known}
        new = [each for each in dict.fromkeys(architectures) if each not in found]
        costs = self._compute(new)
        names = [field.name for field in fields(CostArrays) if isinstance(getattr(costs, field.name), np.ndarray)]
        fresh = np.column_stack([getattr(costs, name) for name in names]).astype(np.float64)
        found |= zip(new, fresh, strict=True)
        if len(known) + len(new) > self._most:
            self._known = known = {}
        known.update(zip(new[: self._most], fresh, strict=False))
        rows = np.array([found[each] for each in architectures]).reshape(len(architectures), len(names))
        columns = {name: rows[:, place].astype(getattr(costs, name).dtype) for place, name in enumerate(names)}
        return replace(costs, **columns)

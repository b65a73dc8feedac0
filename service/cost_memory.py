"""Keeps costs of architectures on targets that are not additive, so that metrics and rounds share one computation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import cached_property

import numpy as np

from predictors.remembered import RememberedRows
from spaces import Architecture
from spaces.base import FloatArray
from targets import CostArrays


class CostMemory:
    """Costs of architectures as `RememberedRows`, with a column for each array of `CostArrays`.

    Args: compute: costs of architectures, which may be refused; equal for all of them but in its arrays.
    """

    def __init__(self, compute: Callable[[Sequence[Architecture]], CostArrays]):
        self._compute = compute
        self._rows = RememberedRows()

    def __call__(self, architectures: Sequence[Architecture]) -> CostArrays:
        """As `compute`, in the order asked."""
        rows = self._rows.of(architectures, self._table)
        dtypes = {name: getattr(self._nothing, name).dtype for name in self._names}
        columns = {name: rows[:, place].astype(dtype) for place, (name, dtype) in enumerate(dtypes.items())}
        return replace(self._nothing, **columns)

    def _table(self, architectures: Sequence[Architecture]) -> FloatArray:
        costs = self._compute(architectures)
        return np.column_stack([getattr(costs, name) for name in self._names]).astype(np.float64)

    @cached_property
    def _nothing(self) -> CostArrays:
        """Of no architecture: what does not differ between them."""
        return self._compute([])

    @cached_property
    def _names(self) -> tuple[str, ...]:
        values = {field.name: getattr(self._nothing, field.name) for field in fields(CostArrays)}
        return tuple(name for name, value in values.items() if isinstance(value, np.ndarray))

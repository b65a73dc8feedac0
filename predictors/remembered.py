"""A small memory of rows by architecture, for what one search after another asks of the same ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from spaces.base import Architecture, FloatArray

_MOST: Final = 2**16  # architectures


class RememberedRows:
    """Rows of one function of architectures; thread-safe.

    Args: most: architectures kept; once they are there, batches with others are computed as if there were no memory.
    """

    def __init__(self, most: int = _MOST):
        self._most = most
        self._rows: dict[Architecture, FloatArray] = {}

    def of(
        self, architectures: Sequence[Architecture], compute: Callable[[Sequence[Architecture]], FloatArray]
    ) -> FloatArray:
        """(n, ...) as `compute` gives them, which is asked for those alone that are not known yet."""
        missing = [each for each in dict.fromkeys(architectures) if each not in self._rows]
        if not architectures or len(self._rows) + len(missing) > self._most:
            return compute(architectures)
        if missing:
            self._rows.update(zip(missing, compute(missing), strict=True))
        return np.stack([self._rows[each] for each in architectures])

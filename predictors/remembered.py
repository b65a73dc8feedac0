"""A small memory of rows by architecture, for what one search or round after another asks of the same ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from arch_encodings import Encoder
from spaces.base import Architecture, FloatArray, SearchSpace

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


class RememberingEncoder:
    """An encoding of one space that is computed once for each architecture."""

    def __init__(self, encoder: Encoder):
        self.name = encoder.name
        self._encoder = encoder
        self._rows = RememberedRows()

    def feature_names(self, space: SearchSpace) -> tuple[str, ...]:
        """The encoder's."""
        return self._encoder.feature_names(space)

    def encode(self, space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
        """See `Encoder.encode`."""
        return self._rows.of(architectures, lambda missing: self._encoder.encode(space, missing))

"""A small memory of rows by architecture, for what one search or round after another asks of the same ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

import numpy as np

from arch_encodings import Encoder
from spaces.base import Architecture, FloatArray, SearchSpace

_MOST: Final = 2**16  # architectures


class RememberedRows:
    """Rows of one function of architectures, computed once for each as long as it is remembered.

    Where there is no room for a batch, all but that batch is forgotten: searches ask again for what they asked for
    last, for several metrics or in one round after another. Safe to share between threads: at worst two of them
    compute the same.

    Args: most: architectures kept.
    """

    def __init__(self, most: int = _MOST):
        self._most = most
        self._rows: dict[Architecture, FloatArray] = {}

    def of(
        self, architectures: Sequence[Architecture], compute: Callable[[Sequence[Architecture]], FloatArray]
    ) -> FloatArray:
        """(n, ...) as `compute` gives them, which is asked for those alone that are not known, each once."""
        known = self._rows  # in whose place another thread may put others
        missing = [each for each in dict.fromkeys(architectures) if each not in known]
        if not architectures:
            return compute(missing)
        if missing:
            fresh = dict(zip(missing, compute(missing), strict=True))
            if len(known) + len(fresh) <= self._most:
                known.update(fresh)
            else:
                known = fresh | {each: known[each] for each in architectures if each in known}
                self._rows = dict(islice(known.items(), self._most))
        return np.stack([known[each] for each in architectures])


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

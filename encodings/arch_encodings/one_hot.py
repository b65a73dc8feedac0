"""One-hot encoding: which choice is made at each position."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spaces.base import Architecture, FloatArray, SearchSpace


class OneHot:
    """A 1 at (position, choice) for each decision of the architecture, (n, sum of choice counts)."""

    name = "one_hot"

    def feature_names(self, space: SearchSpace) -> tuple[str, ...]:
        """`position:choice` in order of position."""
        return tuple(f"{position}:{choice}" for position, names in enumerate(space.choices) for choice in names)

    def encode(self, space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
        """See `Encoder.encode`."""
        decisions = space.decisions(architectures)
        counts = [len(names) for names in space.choices]
        encoded = np.zeros((len(decisions), sum(counts)))
        columns = decisions + np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
        np.put_along_axis(encoded, columns, 1.0, axis=1)
        return encoded

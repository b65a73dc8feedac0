"""Named combinations: encodings side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from arch_encodings.base import Encoder
from spaces.base import Architecture, FloatArray, SearchSpace


class Combination:
    """Several encodings side by side, in the order of the name's definition in `COMBINATIONS`.

    It covers the spaces that all parts cover, and its columns keep the names that they have there.
    """

    def __init__(self, name: str, parts: Sequence[Encoder]):
        self._name = name
        self._parts = tuple(parts)
        self.__doc__ = f"{', '.join(part.name for part in parts)} side by side."

    @property
    def name(self) -> str:
        """Key in `ENCODERS`."""
        return self._name

    def feature_names(self, space: SearchSpace) -> tuple[str, ...]:
        """Those of the parts. Raises: UnsupportedSpaceError of the part that does not cover the space."""
        return tuple(name for part in self._parts for name in part.feature_names(space))

    def encode(self, space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
        """See `Encoder.encode`."""
        self.feature_names(space)  # refuses the space before the first part is computed
        return np.concatenate([part.encode(space, architectures) for part in self._parts], axis=1)

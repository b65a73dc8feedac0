"""Normalisation of an encoding for one space, with statistics of training architectures alone.

Published encodings were scaled by minima and maxima over whole spaces, test architectures included (Akhauri &
Abdelfattah 2024, arXiv 2403.02484).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from arch_encodings.base import Encoder
from spaces.base import Architecture, FloatArray, SearchSpace

# A column whose deviation is smaller, relative to its size, is constant but for rounding.
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Normalizer:
    """Shifts and scales each column: (value - mean) / deviation over the training architectures.

    Every column is transformed in this one way: those that need a logarithm have it from their encoder (`zcp`, and the
    logarithms among `cost`). A column that is constant in training is only shifted, so that it is 0 there and differs
    by its own unit elsewhere.

    Attributes:
        encoder: name of the encoding.
        space: name of the space.
        columns: names of its columns.
        means: of each column.
        deviations: standard deviation of each column, 1 where it is constant.
    """

    encoder: str
    space: str
    columns: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]

    def apply(self, encoded: FloatArray) -> FloatArray:
        """(n, columns) normalised, from encodings of that shape. Raises: ValueError for another number of columns."""
        if encoded.ndim != 2 or encoded.shape[1] != len(self.columns):
            raise ValueError(f"expected (n, {len(self.columns)}) of {self.encoder}, got {encoded.shape}")
        return (encoded - np.array(self.means)) / np.array(self.deviations)

    def to_json(self) -> str:
        """One line, for the manifest of an artifact."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Normalizer:
        """Inverse of `to_json`, to the last bit. Raises: ValueError, TypeError or KeyError for anything else."""
        fields = json.loads(text)
        lists = {name: tuple(fields[name]) for name in ("columns", "means", "deviations")}
        if len(set(map(len, lists.values()))) != 1:
            raise ValueError(f"expected a mean and a deviation for each column, got {list(map(len, lists.values()))}")
        return cls(**{**fields, **lists})


def fit_normalizer(encoder: Encoder, space: SearchSpace, training: Sequence[Architecture]) -> Normalizer:
    """The normaliser of an encoding, fitted on the training architectures alone.

    Raises: ValueError without any; UnsupportedSpaceError; InvalidArchitectureError.
    """
    if not training:
        raise ValueError("a normalizer needs at least one training architecture, got none")
    encoded = encoder.encode(space, training)
    means, deviations = encoded.mean(axis=0), encoded.std(axis=0)
    is_constant = deviations <= _ROUNDING * np.abs(encoded).max(axis=0)
    return Normalizer(
        encoder=encoder.name,
        space=space.name,
        columns=encoder.feature_names(space),
        means=tuple(means.tolist()),
        deviations=tuple(np.where(is_constant, 1.0, deviations).tolist()),
    )

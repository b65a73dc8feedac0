"""The contract of every encoding: architectures of one space in, one row of numbers each out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from spaces.base import Architecture, FloatArray, SearchSpace


class Encoder(Protocol):
    """Turns architectures into vectors.

    Contract: deterministic and thread-safe; row i belongs to architecture i; a batch equals its singles; an empty
    batch gives (0, d); the columns depend on the space alone.
    """

    @property
    def name(self) -> str:
        """Key in `ENCODERS`."""
        ...

    def feature_names(self, space: SearchSpace) -> tuple[str, ...]:
        """A name for each of the d columns. Raises: UnsupportedSpaceError."""
        ...

    def encode(self, space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
        """The encoding, (n, d) float64.

        Raises: UnsupportedSpaceError where the encoding does not cover the space; InvalidArchitectureError for an
            architecture of another space.
        """
        ...

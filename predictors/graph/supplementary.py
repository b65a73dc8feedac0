"""A supplementary encoding of architectures, as it enters the head of a network beside what the graph gives.

Source: Akhauri & Abdelfattah 2024, arXiv 2403.02446 (MLSys), sec. 4. There columns are scaled over the whole space, or
not at all; here they are standardised over the architectures of the training, and the statistics stay with the weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from arch_encodings import ENCODERS, Encoder, Normalizer, fit_normalizer
from spaces.base import Architecture, SearchSpace

_KEY: Final = "supplementary"


@dataclass(frozen=True, slots=True, eq=False)
class Supplementary:
    """An encoder of one space with the statistics of its columns; read-only and thread-safe."""

    space: SearchSpace
    encoder: Encoder
    normalizer: Normalizer

    @property
    def width(self) -> int:
        """Of `columns`."""
        return len(self.normalizer.columns)

    @classmethod
    def over(cls, space: SearchSpace, encoder: Encoder, architectures: Sequence[Architecture]) -> Supplementary:
        """Standardised over these architectures. Raises: UnsupportedSpaceError."""
        return cls(space, encoder, fit_normalizer(encoder, space, architectures))

    def columns(self, architectures: Sequence[Architecture]) -> Tensor:
        """(n, width) float32."""
        return torch.from_numpy(self.normalizer.apply(self.encoder.encode(self.space, architectures))).float()


def to_manifest(supplementary: Supplementary | None) -> dict[str, Any]:
    """The part of an artifact's manifest that keeps it, the encoder by its name; empty without one."""
    return {} if supplementary is None else {_KEY: json.loads(supplementary.normalizer.to_json())}


def from_manifest(space: SearchSpace, manifest: Mapping[str, Any]) -> Supplementary | None:
    """The inverse of `to_manifest`, from a whole manifest.

    Raises: KeyError, TypeError or ValueError; also for an encoder whose columns are others by now.
    """
    if _KEY not in manifest:
        return None
    normalizer = Normalizer.from_json(json.dumps(manifest[_KEY]))
    encoder = ENCODERS[normalizer.encoder]
    if normalizer.space != space.name or normalizer.columns != encoder.feature_names(space):
        raise ValueError(f"the columns of {encoder.name} are no longer those that the network was trained with")
    return Supplementary(space, encoder, normalizer)

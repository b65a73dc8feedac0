"""What trained weights say about themselves: a JSON manifest in the header of their safetensors file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from arch_encodings.errors import InvalidWeightsError
from arch_encodings.learned.vocabulary import Vocabulary

MANIFEST_KEY = "manifest"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Where weights come from and what they are worth.

    Attributes:
        method: arch2vec or cate.
        dimension: length of an embedding.
        vocabulary: ids of the operations of the spaces that the weights were trained on.
        settings: of the training, seed included.
        data_sha256: of the graphs trained on and held out.
        versions: of Python, numpy, torch and archcast.
        metrics: space -> score -> value on held-out graphs; `epochs` ran, of which `best_epoch` was kept.
    """

    method: str
    dimension: int
    vocabulary: Vocabulary
    settings: dict[str, Any]
    data_sha256: str
    versions: dict[str, str]
    metrics: dict[str, dict[str, float]]
    epochs: int
    best_epoch: int

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Inverse of `to_json`. Raises: ValueError, TypeError or KeyError for anything else."""
        fields = json.loads(text)
        return cls(**{**fields, "vocabulary": Vocabulary(fields["vocabulary"]["ids"])})


def read_header(path: Path) -> dict[str, str]:
    """The metadata of a safetensors file, read without its tensors. Raises: InvalidWeightsError."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > path.stat().st_size:
            raise InvalidWeightsError(path, "it is no safetensors file")
        text = file.read(length)
    try:
        metadata = json.loads(text)["__metadata__"]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidWeightsError(path, "it has no metadata") from error
    return metadata


def read_manifest(path: Path) -> Manifest:
    """The manifest of trained weights. Raises: InvalidWeightsError."""
    metadata = read_header(path)
    try:
        return Manifest.from_json(metadata[MANIFEST_KEY])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidWeightsError(path, f"its manifest lacks or mistakes {error}") from error

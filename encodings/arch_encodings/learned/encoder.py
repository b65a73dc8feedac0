"""The encodings `arch2vec` and `cate`: embeddings by trained networks that come with the package."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import numpy as np

from arch_encodings.errors import UnsupportedSpaceError
from arch_encodings.learned.manifest import Manifest, read_manifest
from spaces.base import Architecture, FloatArray, SearchSpace

if TYPE_CHECKING:
    from arch_encodings.learned.trained import TrainedEncoder

ARTIFACTS: Final = Path(__file__).with_name("artifacts")
JOINT: Final = "joint"
_REMEMBERED: Final = 2**16  # embeddings per space


class Learned:
    """The embedding of a trained network, (n, 32).

    A space has its own weights or those trained jointly on several; spaces that neither covers are refused. A batch
    equals its singles up to the rounding of 32-bit sums; what was computed once is remembered, so within a process
    they are the same bits.

    Args:
        weights: "own" prefers the space's own weights, "joint" takes the joint ones alone, so that embeddings of
            different spaces may be compared.
    """

    _method: ClassVar[str]

    def __init__(self, weights: Literal["own", "joint"] = "own", folder: Path = ARTIFACTS):
        self._weights = weights
        self._folder = folder
        self._remembered: dict[str, dict[Architecture, FloatArray]] = {}

    @property
    def name(self) -> str:
        """Key in `ENCODERS`."""
        return self._method if self._weights == "own" else f"{self._method}_{self._weights}"

    def feature_names(self, space: SearchSpace) -> tuple[str, ...]:
        """`name:number`; single numbers mean nothing. Raises: UnsupportedSpaceError."""
        dimension = _manifest(self._artifact(space)).dimension
        return tuple(f"{self.name}:{number}" for number in range(dimension))

    def encode(self, space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
        """See `Encoder.encode`."""
        path = self._artifact(space)
        remembered = self._remembered.get(space.name, {})
        rows = {wanted: remembered[wanted] for wanted in architectures if wanted in remembered}
        missing = [wanted for wanted in dict.fromkeys(architectures) if wanted not in rows]
        if missing:
            rows.update(zip(missing, _trained(path).embed(space, missing), strict=True))
            self._remembered[space.name] = _newest({**remembered, **rows})
        return np.array([rows[architecture] for architecture in architectures], dtype=np.float64).reshape(
            len(architectures), _manifest(path).dimension
        )

    def _artifact(self, space: SearchSpace) -> Path:
        """The file of weights for the space."""
        names = (space.name, JOINT) if self._weights == "own" else (JOINT,)
        for path in (self._folder / f"{self._method}-{name}.safetensors" for name in names):
            if path.is_file() and _manifest(path).vocabulary.covers(space):
                return path
        reason = (
            "there are no trained weights that know its operations; see `archcast train encoder` and docs/encodings.md"
        )
        raise UnsupportedSpaceError(self.name, space.name, reason)


class Arch2vec(Learned):
    """Mean latent of a variational autoencoder of graphs, trained to restore operations and edges, (n, 32)."""

    _method = "arch2vec"


class Cate(Learned):
    """Output node of a transformer over graphs, trained to restore operations of similar networks, (n, 32)."""

    _method = "cate"


def _newest(rows: dict[Architecture, FloatArray]) -> dict[Architecture, FloatArray]:
    return dict(list(rows.items())[-_REMEMBERED:])


@cache
def _manifest(path: Path) -> Manifest:
    return read_manifest(path)


@cache
def _trained(path: Path) -> TrainedEncoder:
    from arch_encodings.learned.trained import load

    return load(path)

"""Latency networks that come with the package, so that a fresh install adapts to a device without any other's data.

They are trained on every public device of their space, so no benchmark of held-out devices may use them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, overload

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from predictors.errors import InvalidArtifactError, NoPretrainedNetworkError
from predictors.graph.pretrained import PretrainedNasflat, PretrainedTrunk
from predictors.manifest import read_manifest
from spaces.base import SearchSpace

Kind = Literal["trunk", "nasflat"]
KINDS: Final[Mapping[Kind, type[PretrainedTrunk] | type[PretrainedNasflat]]] = {
    "trunk": PretrainedTrunk,
    "nasflat": PretrainedNasflat,
}
ARTIFACTS: Final = Path(__file__).with_name("artifacts")
_FORMAT: Final = 1


@overload
def load_pretrained(space: SearchSpace, kind: Literal["trunk"], folder: Path = ARTIFACTS) -> PretrainedTrunk: ...


@overload
def load_pretrained(space: SearchSpace, kind: Literal["nasflat"], folder: Path = ARTIFACTS) -> PretrainedNasflat: ...


def load_pretrained(space: SearchSpace, kind: Kind, folder: Path = ARTIFACTS) -> PretrainedTrunk | PretrainedNasflat:
    """The network of a space: "trunk" for `fit_graph_linear`, "nasflat" for `fit_nasflat`; read once per process.

    Raises: NoPretrainedNetworkError; InvalidArtifactError.
    """
    return _load(space, kind, folder)


def has_pretrained(space: SearchSpace, kind: Kind, folder: Path = ARTIFACTS) -> bool:
    """Whether `load_pretrained` has something for the space."""
    return _path(space.name, kind, folder).is_file()


def write_pretrained(
    network: PretrainedTrunk | PretrainedNasflat, training: Mapping[str, Any], folder: Path = ARTIFACTS
) -> Path:
    """Writes the file that `load_pretrained` reads.

    Args: training: what the manifest keeps under that name: data, seeds, settings, metrics.
    """
    kind: Kind = "trunk" if isinstance(network, PretrainedTrunk) else "nasflat"
    manifest = {
        "kind": kind,
        "format": _FORMAT,
        "space": network.space.name,
        **network.manifest(),
        "training": dict(training),
    }
    path = _path(network.space.name, kind, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: np.ascontiguousarray(value) for name, value in network.tensors().items()}
    path.write_bytes(save(tensors, metadata={"manifest": json.dumps(manifest, sort_keys=True)}))
    return path


@lru_cache(maxsize=16)
def _load(space: SearchSpace, kind: Kind, folder: Path) -> PretrainedTrunk | PretrainedNasflat:
    path = _path(space.name, kind, folder)
    if not path.is_file():
        raise NoPretrainedNetworkError(space.name, kind)
    blob = path.read_bytes()
    manifest = read_manifest(blob)
    if (manifest.get("kind"), manifest.get("format"), manifest.get("space")) != (kind, _FORMAT, space.name):
        raise InvalidArtifactError(f"{path.name} is not a {kind} network of {space.name} of this version")
    try:
        return KINDS[kind].of(space, manifest, load(blob))
    except (SafetensorError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise InvalidArtifactError(f"{path.name}: {error}") from error


def _path(space: str, kind: Kind, folder: Path) -> Path:
    return folder / f"{kind}-{space}.safetensors"

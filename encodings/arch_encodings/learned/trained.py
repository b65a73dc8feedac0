"""A trained encoder: its network with the manifest, as a safetensors file or in memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from arch_encodings.errors import InvalidWeightsError
from arch_encodings.learned.arch2vec import Arch2vec
from arch_encodings.learned.cate import Cate
from arch_encodings.learned.graph_batch import stack_graphs
from arch_encodings.learned.graph_tensors import GraphTensors
from arch_encodings.learned.manifest import MANIFEST_KEY, Manifest, read_manifest
from spaces.base import Architecture, FloatArray, SearchSpace

_CHUNK: Final = 1024


# A network has `embed(graphs)`, (n, dimension) of each graph alone; `loss(examples, rows)`, which training lowers; and
# `scores(examples, rows)`, values whose means say how well it does.
METHODS: Final[Mapping[str, type[Arch2vec] | type[Cate]]] = {"arch2vec": Arch2vec, "cate": Cate}


@dataclass(frozen=True, slots=True, eq=False)
class TrainedEncoder:
    """Read-only and thread-safe."""

    module: Arch2vec | Cate
    manifest: Manifest

    def embed(self, space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
        """(n, dimension) float64. Raises: InvalidArchitectureError; KeyError for a space not trained on."""
        rows = np.zeros((len(architectures), self.manifest.dimension))
        for start in range(0, len(architectures), _CHUNK):
            graphs = stack_graphs(space, architectures[start : start + _CHUNK], self.manifest.vocabulary)
            with torch.inference_mode():
                rows[start : start + _CHUNK] = self.module.embed(GraphTensors.of(graphs)).numpy()
        return rows

    def save(self, path: Path) -> None:
        """Write weights and manifest, replacing the file at once."""
        write_tensors(path, self.module.state_dict(), {MANIFEST_KEY: self.manifest.to_json()})


def load(path: Path) -> TrainedEncoder:
    """What `TrainedEncoder.save` wrote. Raises: InvalidWeightsError."""
    manifest = read_manifest(path)
    try:
        module = METHODS[manifest.method](manifest.vocabulary.size, manifest.dimension)
        module.load_state_dict(read_tensors(path))
    except (KeyError, RuntimeError) as error:
        raise InvalidWeightsError(path, f"its tensors are not those of {manifest.method}: {error}") from error
    return TrainedEncoder(module.eval().requires_grad_(False), manifest)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file, replacing one that exists at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(safetensors.torch.save({name: t.contiguous() for name, t in tensors.items()}, metadata))
    unfinished.replace(path)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file. Raises: InvalidWeightsError."""
    try:
        return safetensors.torch.load(path.read_bytes())
    except safetensors.SafetensorError as error:
        raise InvalidWeightsError(path, str(error)) from error

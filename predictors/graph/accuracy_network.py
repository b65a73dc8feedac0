"""FLAN trained on the accuracies of whole tables: of one space, or of several to carry over to another.

One output for each series of accuracies, a data set or a task; all series share the network. Source: Akhauri &
Abdelfattah 2024, arXiv 2403.02484, sec. 3.4, unified search spaces. It differs in that spaces are trained on together,
with shared ids of operations, and not one after the other.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from predictors.errors import InvalidArtifactError
from predictors.graph.embedding import embed_graphs
from predictors.graph.flan import Flan
from predictors.graph.inputs import GraphInputs
from predictors.graph.settings import FlanSettings, TrainingSettings
from predictors.graph.shared_operations import SharedOperations
from predictors.graph.training import OnProgress, silent, train
from spaces.base import Architecture, FloatArray, SearchSpace
from spaces.torch_seeding import seeded

_MANIFEST = "manifest"


@dataclass(frozen=True, slots=True, eq=False)
class SeriesTable:
    """Training examples of one space.

    Attributes: targets: (n, series) normal scores of accuracies, NaN where not known; series of other spaces included.
    """

    space: SearchSpace
    architectures: Sequence[Architecture]
    targets: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class AccuracyNetwork:
    """A trained network; read-only and thread-safe.

    Attributes:
        series: names of the outputs.
        manifest: where it comes from: settings, seed, hash of the data, versions, metrics.
    """

    module: Flan
    settings: FlanSettings
    operations: SharedOperations
    series: tuple[str, ...]
    manifest: Mapping[str, Any]

    def covers(self, space: SearchSpace) -> bool:
        """Whether it knows the space's operations."""
        return self.operations.covers(space)

    def scores(self, space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
        """(n, series) normal scores. Raises: KeyError for a space that it does not cover."""
        (embedded,) = embed_graphs(space, architectures, self.operations, [self.module])
        with torch.inference_mode():
            return self.module.read(embedded).double().numpy()

    def save(self, path: Path) -> None:
        """Write weights and manifest as one safetensors file."""
        content = {
            **self.manifest,
            "settings": asdict(self.settings),
            "operations": dict(self.operations.ids),
            "series": list(self.series),
        }
        tensors = {name: tensor.contiguous() for name, tensor in self.module.state_dict().items()}
        path.write_bytes(safetensors.torch.save(tensors, {_MANIFEST: json.dumps(content, sort_keys=True)}))

    @classmethod
    def load(cls, path: Path) -> AccuracyNetwork:
        """What `save` wrote. Raises: InvalidArtifactError."""
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                content = json.loads(file.metadata()[_MANIFEST])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            settings, operations = FlanSettings(**content["settings"]), SharedOperations(content["operations"])
            series = tuple(content["series"])
            module = Flan(operations.size, settings, len(series))
            module.load_state_dict(tensors)
        except (OSError, safetensors.SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise InvalidArtifactError(f"{path.name}: {error}") from error
        return cls(module.eval().requires_grad_(False), settings, operations, series, content)


def train_accuracy_network(
    tables: Sequence[SeriesTable],
    series: Sequence[str],
    settings: FlanSettings,
    training: TrainingSettings,
    on_progress: OnProgress = silent,
    also: Sequence[SearchSpace] = (),
) -> AccuracyNetwork:
    """Train on all tables together.

    Args:
        series: names of the targets' columns.
        also: further spaces whose operations get ids, of which those that no table has stay untrained.
    """
    operations = SharedOperations.of([*(table.space for table in tables), *also])
    with seeded(training.seed):
        module = Flan(operations.size, settings, len(series))
    targets = torch.from_numpy(np.concatenate([table.targets for table in tables])).float()
    graphs = [GraphInputs.of(table.space, table.architectures, operations).to(training.device) for table in tables]
    scorer = _Scorer(module.to(training.device), graphs)
    best = train(scorer, targets.to(training.device), training, on_progress=on_progress)
    module.to("cpu").requires_grad_(False)
    manifest = {
        "training": asdict(training),
        "epoch": best,
        "architectures": {table.space.name: len(table.architectures) for table in tables},
        "data_sha256": _digest(tables),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in ("numpy", "torch")}},
    }
    return AccuracyNetwork(module, settings, operations, tuple(series), manifest)


class _Scorer:
    """`Scorer` of examples of several spaces, numbered through."""

    def __init__(self, module: Flan, graphs: Sequence[GraphInputs]):
        self.module = module
        self._graphs = graphs
        self._ends = np.cumsum([len(part) for part in graphs])

    def __call__(self, rows: Tensor, series: Tensor) -> Tensor:
        """See `Scorer.__call__`; each space's examples are one batch, as their graphs differ in size."""
        scores, order = [], []
        begin = 0
        for part, end in zip(self._graphs, self._ends.tolist(), strict=True):
            chosen = torch.nonzero((rows >= begin) & (rows < end))[:, 0]
            if len(chosen):
                scores.append(self.module(part.take(rows[chosen] - begin)))
                order.append(chosen)
            begin = end
        return torch.cat(scores)[torch.cat(order).argsort()][:, series]


def _digest(tables: Sequence[SeriesTable]) -> str:
    digest = hashlib.sha256()
    for table in tables:
        digest.update("\n".join(architecture.key for architecture in table.architectures).encode())
        digest.update(np.ascontiguousarray(table.targets).tobytes())
    return digest.hexdigest()

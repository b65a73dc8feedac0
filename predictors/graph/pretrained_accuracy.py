"""Accuracies by networks that come with the package, trained on published tables: no accuracy of one's own is needed.

`flan-<space>.safetensors` tells a space's accuracies on the data sets that its tables have; `flan-transfer.safetensors`
was trained on other spaces than NAS-Bench-201 and gives any space of the same operations a score to start from. Model
cards are beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from predictors.accuracy_scale import AccuracyEstimate, AccuracyScale
from predictors.errors import NotPretrainedError
from predictors.graph.accuracy_network import AccuracyNetwork
from spaces.base import Architecture, FloatArray, SearchSpace

ARTIFACTS: Final = Path(__file__).with_name("artifacts")
TRANSFER: Final = "transfer"


@dataclass(frozen=True, slots=True, eq=False)
class PretrainedAccuracy:
    """Accuracies of one space on one data set; read-only and thread-safe.

    Attributes:
        dataset: among the network's series.
        scale: from the network's scores to %.
        centres: (b,) ascending scores, between which the deviation of held-out cells' scores is interpolated: among the
            best cells a score says less than its many failures would have it.
        deviations: (b,) at those.
        residuals: (q,) ascending absolute residuals of held-out scores over their deviation.
    """

    space: SearchSpace
    dataset: str
    network: AccuracyNetwork
    scale: AccuracyScale
    centres: FloatArray
    deviations: FloatArray
    residuals: FloatArray

    @property
    def metrics(self) -> dict[str, Any]:
        """On cells that were held out in training, from the manifest."""
        return self.network.manifest["metrics"][self.dataset]

    def predict(self, architectures: Sequence[Architecture]) -> AccuracyEstimate:
        """Accuracy of each architecture, in the order given."""
        column = self.network.series.index(self.dataset)
        scores = self.network.scores(self.space, architectures)[:, column]
        return self.scale.estimate(scores, np.interp(scores, self.centres, self.deviations), self._half_width)

    def _half_width(self, level: float) -> float:
        return float(np.quantile(self.residuals, level))


def pretrained_datasets(space: SearchSpace) -> tuple[str, ...]:
    """Data sets that `load_pretrained_accuracy` has for the space."""
    path = _path(space.name)
    return _load(path).series if path.is_file() else ()


def load_pretrained_accuracy(space: SearchSpace, dataset: str) -> PretrainedAccuracy:
    """The network that comes with the package. Raises: NotPretrainedError for a space or data set without one."""
    known = pretrained_datasets(space)
    if dataset not in known:
        raise NotPretrainedError(space.name, dataset, known)
    network = _load(_path(space.name))
    curve = network.manifest["curves"][dataset]
    scale = AccuracyScale(np.array(curve["scores"]), np.array(curve["log_errors"]))
    centres, deviations, residuals = (np.array(curve[name]) for name in ("centres", "deviations", "residuals"))
    return PretrainedAccuracy(space, dataset, network, scale, centres, deviations, residuals)


def load_transfer_network() -> AccuracyNetwork:
    """The network trained on the accuracies of other spaces."""
    return _load(_path(TRANSFER))


class TransferScores:
    """The encoding of an architecture by the scores that other spaces' tasks would give it, (n, series).

    Args: network: by default the one that comes with the package.
    """

    name = "flan_transfer"

    def __init__(self, network: AccuracyNetwork | None = None):
        self._network = network or load_transfer_network()

    def covers(self, space: SearchSpace) -> bool:
        """Whether it knows the space's operations."""
        return self._network.covers(space)

    def feature_names(self, space: SearchSpace) -> tuple[str, ...]:
        """`flan_transfer:space/task`."""
        del space
        return tuple(f"{self.name}:{series}" for series in self._network.series)

    def encode(self, space: SearchSpace, architectures: Sequence[Architecture]) -> FloatArray:
        """See `Encoder.encode`."""
        return self._network.scores(space, architectures)


def _path(name: str) -> Path:
    return ARTIFACTS / f"flan-{name}.safetensors"


@cache
def _load(path: Path) -> AccuracyNetwork:
    return AccuracyNetwork.load(path)

"""Unfinished training on disk: network, optimiser, random numbers and the best network so far, without pickle."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from arch_encodings.errors import InvalidWeightsError
from arch_encodings.learned.manifest import MANIFEST_KEY, read_header
from arch_encodings.learned.trained import read_tensors, write_tensors

_PROGRESS_KEY = "progress"


class Identity(Protocol):
    """What tells one training from another: settings, data, versions."""

    def to_json(self) -> str:
        """One line, equal for trainings that are the same."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """How far training has come.

    Attributes:
        epoch: epochs done.
        best_epoch: the one with the lowest validation loss, `best_loss`; 0 before the first.
    """

    epoch: int
    best_epoch: int
    best_loss: float
    best_weights: dict[str, Tensor]

    def after(self, epoch: int) -> Progress:
        """The same best network after more epochs."""
        return replace(self, epoch=epoch)


def write_checkpoint(
    path: Path, module: nn.Module, optimiser: torch.optim.Optimizer, progress: Progress, identity: Identity
) -> None:
    """Replace the checkpoint at once."""
    tensors = {f"module.{name}": tensor for name, tensor in module.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in progress.best_weights.items()}
    for number, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{number}.{name}": tensor for name, tensor in state.items()}
    tensors["random_state"] = torch.get_rng_state()
    numbers = {"epoch": progress.epoch, "best_epoch": progress.best_epoch, "best_loss": progress.best_loss}
    write_tensors(path, tensors, {MANIFEST_KEY: identity.to_json(), _PROGRESS_KEY: json.dumps(numbers)})


def read_checkpoint(path: Path, module: nn.Module, optimiser: torch.optim.Optimizer, identity: Identity) -> Progress:
    """Restore what `write_checkpoint` wrote.

    Args: identity: of the training that goes on; the checkpoint's must be the same.
    Raises: InvalidWeightsError.
    """
    metadata = read_header(path)
    if _PROGRESS_KEY not in metadata:
        raise InvalidWeightsError(path, "it is no checkpoint of a training")
    if metadata.get(MANIFEST_KEY) != identity.to_json():
        raise InvalidWeightsError(path, "it belongs to a training with other settings, data or versions")
    tensors = read_tensors(path)
    module.load_state_dict(_below("module.", tensors))
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in _below("optimiser.", tensors).items():
        number, _, field = name.partition(".")
        state.setdefault(int(number), {})[field] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
    torch.set_rng_state(tensors["random_state"])
    return Progress(**json.loads(metadata[_PROGRESS_KEY]), best_weights=_below("best.", tensors))


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}

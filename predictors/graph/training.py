"""Training of a graph predictor: seeded, stopped by held-out training examples, continued bit for bit.

AdamW and a cosine from the first learning rate to the last, as published; the schedule goes by steps. Random numbers
come from torch's generator, which is restored when training ends.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from arch_encodings.learned.checkpoint import Progress, read_checkpoint, write_checkpoint
from predictors.graph.losses import ranking_loss, regression_loss
from predictors.graph.settings import TrainingSettings
from spaces.torch_seeding import seeded

# Called with (epochs done, epochs at most) after each epoch.
OnProgress = Callable[[int, int], None]


def silent(done: int, total: int) -> None:
    """No progress shown."""


class Scorer(Protocol):
    """Scores of training examples: the network with its inputs.

    Contract: `module` holds every learned parameter; `__call__` gives (rows, series) scores.
    """

    @property
    def module(self) -> nn.Module:
        """The network, of which training changes the weights."""
        ...

    def __call__(self, rows: Tensor, series: Tensor) -> Tensor:
        """Scores (n, m) of the examples `rows` (n,) on the devices `series` (m,)."""
        ...


@dataclass(frozen=True, slots=True)
class _Identity:
    settings: dict[str, Any]
    data_sha256: str

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


def train(
    scorer: Scorer,
    targets: Tensor,
    settings: TrainingSettings,
    *,
    checkpoint: Path | None = None,
    resume: bool = False,
    inputs: str = "",
    on_progress: OnProgress = silent,
) -> int:
    """Train the scorer's network in place; it is left in evaluation mode with the best weights.

    Args:
        targets: (n, m) standardised, NaN where not known.
        checkpoint: written after each epoch.
        resume: continue from the checkpoint instead of starting anew.
        inputs: tells the network and its examples from others; a checkpoint goes on with the same alone.

    Returns: the best epoch.
    Raises: InvalidWeightsError for a checkpoint that is none or comes from other settings or data.
    """
    digest = hashlib.sha256(inputs.encode() + targets.cpu().numpy().tobytes()).hexdigest()
    identity = _Identity(asdict(settings), digest)
    with seeded(settings.seed):
        run = _Run(scorer, targets, settings)
        if checkpoint is not None and resume:
            run.progress = read_checkpoint(checkpoint, scorer.module, run.optimiser, identity)
        on_progress(run.progress.epoch, settings.epochs)
        while run.progress.epoch < settings.epochs and not run.is_done:
            run.epoch()
            if checkpoint is not None:
                write_checkpoint(checkpoint, scorer.module, run.optimiser, run.progress, identity)
            on_progress(run.progress.epoch, settings.epochs)
    scorer.module.load_state_dict(run.progress.best_weights)
    scorer.module.eval()
    return run.progress.best_epoch


class _Run:
    """The state of one training."""

    def __init__(self, scorer: Scorer, targets: Tensor, settings: TrainingSettings):
        self.scorer, self.targets, self.settings = scorer, targets, settings
        held_out = round(settings.validation_share * len(targets))
        order = torch.from_numpy(np.random.default_rng(settings.seed).permutation(len(targets))).to(targets.device)
        self.validation, self.training = order[:held_out], order[held_out:]
        decay = [parameter for parameter in scorer.module.parameters() if parameter.requires_grad]
        self.optimiser = torch.optim.AdamW(
            decay, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self.progress = Progress(0, 0, math.inf, copy.deepcopy(scorer.module.state_dict()))

    @property
    def is_done(self) -> bool:
        """Whether the validation loss has not fallen for too long."""
        waited = self.progress.epoch - self.progress.best_epoch
        return len(self.validation) > 0 and waited >= self.settings.patience

    def epoch(self) -> None:
        """One pass over the training examples, then validation."""
        self.scorer.module.train()
        order = self.training[torch.randperm(len(self.training)).to(self.training.device)]
        batches = order.tensor_split(max(1, math.ceil(len(order) / self.settings.batch)))
        for number, rows in enumerate(batches):
            self._set_learning_rate((self.progress.epoch + number / len(batches)) / self.settings.epochs)
            series = self._series()
            self.optimiser.zero_grad()
            self._loss(rows, series).backward()
            self.optimiser.step()
        done = self.progress.epoch + 1
        loss = self._validation_loss()
        # Without validation the last epoch is the one to keep.
        if loss < self.progress.best_loss or not len(self.validation):
            self.progress = Progress(done, done, loss, copy.deepcopy(self.scorer.module.state_dict()))
        else:
            self.progress = self.progress.after(done)

    def _loss(self, rows: Tensor, series: Tensor) -> Tensor:
        scores, targets = self.scorer(rows, series), self.targets[rows][:, series]
        ranking = ranking_loss(scores, targets, self.settings.margin)
        return ranking + self.settings.regression * regression_loss(scores, targets)

    def _series(self) -> Tensor:
        count = self.targets.shape[1]
        return torch.randperm(count)[: self.settings.series].to(self.targets.device)

    def _set_learning_rate(self, share_done: float) -> None:
        first, last = self.settings.learning_rate, self.settings.final_learning_rate
        for group in self.optimiser.param_groups:
            group["lr"] = last + (first - last) * (1 + math.cos(math.pi * share_done)) / 2

    def _validation_loss(self) -> float:
        if not len(self.validation):
            return math.inf
        self.scorer.module.eval()
        series = torch.arange(self.targets.shape[1], device=self.targets.device)
        with torch.inference_mode():
            return float(self._loss(self.validation, series))

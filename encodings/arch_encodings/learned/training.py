"""Training of a learned encoder: seeded, stopped by held-out graphs, continued from a checkpoint bit for bit.

Optimiser and schedule are CATE's for both methods: AdamW, linear warm-up, then linear decay. Random numbers come from
torch's generators, which are restored when training ends; threads that train take turns.
"""

from __future__ import annotations

import copy
import hashlib
import importlib.metadata
import platform
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from arch_encodings.learned.checkpoint import Progress, read_checkpoint, write_checkpoint
from arch_encodings.learned.datasets import Split, split_space
from arch_encodings.learned.manifest import Manifest
from arch_encodings.learned.trained import METHODS, TrainedEncoder
from arch_encodings.learned.training_set import TrainingSet
from arch_encodings.learned.vocabulary import Vocabulary
from spaces.base import SearchSpace
from spaces.torch_seeding import seeded

DIMENSION: Final = 32
_WARM_UP_STEPS: Final = 100
_WEIGHT_DECAY: Final = 0.01
_LARGEST_GRADIENT: Final = 5.0
_VALIDATION_BATCH: Final = 512

# Called with (epochs done, epochs at most) after each epoch.
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How to train.

    Attributes:
        graphs: architectures taken of each space, fewer where it has fewer.
        patience: epochs without a lower validation loss after which training stops.
    """

    seed: int = 0
    epochs: int = 40
    batch: int = 32
    graphs: int = 6_000
    learning_rate: float = 1e-3
    patience: int = 10


def train(
    method: str,
    spaces: Sequence[SearchSpace],
    settings: TrainingSettings,
    *,
    checkpoint: Path | None = None,
    resume: bool = False,
    on_progress: OnProgress = lambda done, total: None,
) -> TrainedEncoder:
    """Train on the graphs of the spaces together.

    Args:
        method: key in `METHODS`.
        checkpoint: written after each epoch.
        resume: continue from the checkpoint instead of starting anew.
    Raises: InvalidWeightsError for a checkpoint that is none or comes from other settings or data.
    """
    vocabulary = Vocabulary.of(spaces)
    rng = np.random.default_rng(settings.seed)
    splits = [split_space(space, vocabulary, settings.graphs, rng=rng) for space in spaces]
    with seeded(settings.seed):
        run = _Run(method, vocabulary, splits, settings)
        if checkpoint is not None and resume:
            run.progress = read_checkpoint(checkpoint, run.module, run.optimiser, run.identity)
        on_progress(run.progress.epoch, settings.epochs)
        while run.progress.epoch < settings.epochs and not run.is_done:
            run.epoch()
            if checkpoint is not None:
                write_checkpoint(checkpoint, run.module, run.optimiser, run.progress, run.identity)
            on_progress(run.progress.epoch, settings.epochs)
        return run.finish()


class _Run:
    """The state of one training."""

    def __init__(self, method: str, vocabulary: Vocabulary, splits: Sequence[Split], settings: TrainingSettings):
        self.settings = settings
        self.module = METHODS[method](vocabulary.size, DIMENSION)
        matrices = [parameter for parameter in self.module.parameters() if parameter.ndim > 1]
        others = [parameter for parameter in self.module.parameters() if parameter.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": _WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=settings.learning_rate)
        self.training = [TrainingSet.of(split.training) for split in splits]
        self.validation = {split.space: TrainingSet.of(split.validation) for split in splits}
        self.progress = Progress(0, 0, float("inf"), copy.deepcopy(self.module.state_dict()))
        digests = "".join(part.digest() for split in splits for part in (split.training, split.validation))
        self.identity = Manifest(
            method=method,
            dimension=DIMENSION,
            vocabulary=vocabulary,
            settings=asdict(settings),
            data_sha256=hashlib.sha256(digests.encode()).hexdigest(),
            versions=_versions(),
            metrics={},
            epochs=0,
            best_epoch=0,
        )

    @property
    def is_done(self) -> bool:
        """Whether the validation loss has not fallen for too long."""
        return self.progress.epoch - self.progress.best_epoch >= self.settings.patience

    def epoch(self) -> None:
        """One pass over the training graphs, then validation."""
        self.module.train()
        batches = self._batches()
        for number, (examples, rows) in enumerate(batches):
            for group in self.optimiser.param_groups:
                group["lr"] = self._learning_rate(self.progress.epoch * len(batches) + number, len(batches))
            self.optimiser.zero_grad()
            self.module.loss(examples, rows).backward()
            torch.nn.utils.clip_grad_norm_(self.module.parameters(), _LARGEST_GRADIENT)
            self.optimiser.step()
        loss = self._validation_loss()
        done = self.progress.epoch + 1
        if loss < self.progress.best_loss:
            self.progress = Progress(done, done, loss, copy.deepcopy(self.module.state_dict()))
        else:
            self.progress = self.progress.after(done)

    def finish(self) -> TrainedEncoder:
        """The best network with its scores on held-out graphs."""
        self.module.load_state_dict(self.progress.best_weights)
        manifest = Manifest(
            **{
                **{name: getattr(self.identity, name) for name in Manifest.__slots__},
                "metrics": {space: self._scores(examples) for space, examples in self.validation.items()},
                "epochs": self.progress.epoch,
                "best_epoch": self.progress.best_epoch,
            }
        )
        return TrainedEncoder(self.module.eval().requires_grad_(False), manifest)

    def _batches(self) -> list[tuple[TrainingSet, Tensor]]:
        """Shuffled rows of one space each, in shuffled order."""
        batches = [
            (examples, rows)
            for examples in self.training
            for rows in torch.randperm(len(examples)).split(self.settings.batch)
        ]
        return [batches[number] for number in torch.randperm(len(batches)).tolist()]

    def _learning_rate(self, step: int, steps_per_epoch: int) -> float:
        total = self.settings.epochs * steps_per_epoch
        return self.settings.learning_rate * min((step + 1) / _WARM_UP_STEPS, (total - step) / total)

    def _validation_loss(self) -> float:
        """Mean over spaces; the same random numbers each time."""
        self.module.eval()
        with seeded(self.settings.seed), torch.inference_mode():
            losses = [
                sum(float(self.module.loss(examples, rows)) * len(rows) for rows in _chunks(examples)) / len(examples)
                for examples in self.validation.values()
            ]
        return sum(losses) / len(losses)

    def _scores(self, examples: TrainingSet) -> dict[str, float]:
        self.module.eval()
        values: defaultdict[str, list[Tensor]] = defaultdict(list)
        with seeded(self.settings.seed), torch.inference_mode():
            for rows in _chunks(examples):
                for name, value in self.module.scores(examples, rows).items():
                    values[name].append(value)
        return {name: round(float(torch.cat(parts).mean()), 4) for name, parts in values.items()}


def _chunks(examples: TrainingSet) -> Sequence[Tensor]:
    return torch.arange(len(examples)).split(_VALIDATION_BATCH)


def _versions() -> dict[str, str]:
    packages = ("archcast", "numpy", "torch")
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in packages}}

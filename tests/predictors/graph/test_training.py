"""Training of a linear stand-in: what is promised of training does not depend on the network."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch
from torch import nn

from arch_encodings import InvalidWeightsError
from predictors.graph import TrainingSettings
from predictors.graph.training import train
from spaces.torch_seeding import seeded

SETTINGS = TrainingSettings(epochs=12, batch=8, learning_rate=0.05, series=2)


class Linear:
    def __init__(self, noise: float = 0.0):
        generator = torch.Generator().manual_seed(0)
        self.inputs = torch.randn(40, 5, generator=generator)
        with seeded(1):
            self.module = nn.Linear(5, 3)
        self.targets = self.inputs @ torch.randn(5, 3, generator=generator)
        self.targets += noise * torch.randn(40, 3, generator=generator)

    def __call__(self, rows, series):
        return self.module(self.inputs[rows])[:, series]

    def errors(self):
        return (self.module(self.inputs) - self.targets).abs().mean().item()


def test_train_learns_the_targets_and_is_the_same_twice():
    first, second = Linear(), Linear()
    untrained = first.errors()
    for scorer in (first, second):
        train(scorer, scorer.targets, TrainingSettings(epochs=60, batch=8, learning_rate=0.05))
    assert first.errors() < untrained / 4
    assert torch.equal(first.module.weight, second.module.weight)


def test_train_leaves_the_random_state_alone():
    scorer = Linear()
    state = torch.get_rng_state()
    train(scorer, scorer.targets, SETTINGS)
    assert torch.equal(torch.get_rng_state(), state)


def test_train_in_two_threads_ends_with_the_weights_of_one_after_the_other():
    settings = [replace(SETTINGS, seed=seed) for seed in (1, 2)]
    state = torch.get_rng_state()

    def trained(each: TrainingSettings) -> torch.Tensor:
        scorer = Linear()
        train(scorer, scorer.targets, each)
        return scorer.module.weight

    expected = [trained(each) for each in settings]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(trained, settings))
    assert not torch.equal(*expected)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    assert torch.equal(torch.get_rng_state(), state)


def test_train_interrupted_and_resumed_ends_with_the_same_weights(tmp_path):
    whole, parts = Linear(), Linear()
    train(whole, whole.targets, SETTINGS)

    class StoppedError(Exception):
        pass

    def interrupt(done, total):
        if done == 5:
            raise StoppedError

    path = tmp_path / "training.checkpoint"
    with pytest.raises(StoppedError):
        train(parts, parts.targets, SETTINGS, checkpoint=path, on_progress=interrupt)
    fresh = Linear()
    train(fresh, fresh.targets, SETTINGS, checkpoint=path, resume=True)
    assert torch.equal(fresh.module.weight, whole.module.weight)


def test_train_checkpoint_of_other_targets_is_refused(tmp_path):
    scorer = Linear()
    path = tmp_path / "training.checkpoint"
    train(scorer, scorer.targets, SETTINGS, checkpoint=path)
    with pytest.raises(InvalidWeightsError, match="other settings"):
        train(scorer, scorer.targets + 1, SETTINGS, checkpoint=path, resume=True)


def test_train_keeps_the_epoch_that_held_out_examples_choose():
    scorer = Linear(noise=3.0)
    settings = TrainingSettings(
        epochs=40, batch=4, learning_rate=0.3, final_learning_rate=0.3, validation_share=0.5, patience=5
    )
    seen = []
    best = train(scorer, scorer.targets, settings, on_progress=lambda done, total: seen.append(done))
    assert 1 <= best < 40
    assert seen[-1] in (best + 5, 40)


def test_train_unknown_targets_change_nothing():
    one, other = Linear(), Linear()
    for scorer, hidden in ((one, 7.0), (other, -7.0)):
        scorer.inputs[3] = hidden  # what nothing is known of
        scorer.targets[3] = float("nan")
        train(scorer, scorer.targets, SETTINGS)
    assert torch.equal(one.module.weight, other.module.weight)

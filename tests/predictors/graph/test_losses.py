import pytest
import torch

from predictors.graph.losses import ranking_loss, regression_loss

NAN = float("nan")


def test_ranking_loss_compares_within_a_device_only():
    targets = torch.tensor([[1.0, 10.0], [2.0, 20.0]])
    scores = torch.tensor([[0.0, 100.0], [1.0, 101.0]])  # right within each device
    assert ranking_loss(scores, targets, margin=0.1) == 0
    assert ranking_loss(-scores, targets, margin=0.1) == pytest.approx(1.1)


def test_ranking_loss_asks_for_no_more_than_the_targets_differ_by():
    targets = torch.tensor([[0.0], [0.01]])
    assert ranking_loss(targets, targets, margin=0.1) == 0
    assert ranking_loss(torch.zeros(2, 1), targets, margin=0.1) == pytest.approx(0.01)


def test_losses_leave_unknown_targets_out():
    scores = torch.tensor([[5.0], [1.0], [2.0]], requires_grad=True)
    targets = torch.tensor([[NAN], [1.0], [2.0]])
    loss = ranking_loss(scores, targets, 0.1) + regression_loss(scores, targets)
    loss.backward()
    assert loss == 0
    assert scores.grad is not None
    assert scores.grad[0] == 0


def test_losses_of_nothing_known_or_of_ties_are_zero():
    scores = torch.ones(2, 1)
    assert ranking_loss(scores, scores, 0.1) == 0
    assert regression_loss(scores, torch.full((2, 1), NAN)) == 0

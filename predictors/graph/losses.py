"""The loss of both graph predictors: a hinge over pairs, and the error of the standardised target.

Source: FLAN, sec. 4: pairs within a batch, margin 0.1. It differs in that pairs are of one device (the authors' batches
mix devices, and compare milliseconds of one with those of another), each architecture is scored once per step and the
pairs are formed from the scores, all of them; in that the margin is no more than the targets differ by; and in the
regression, which gives scores a scale and ties their meaning to the target.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def ranking_loss(scores: Tensor, targets: Tensor, margin: float) -> Tensor:
    """Mean over pairs of architectures on the same device that are known to differ.

    Args: scores, targets: (n, m) of n architectures on m devices; NaN targets take no part.
    Returns: a scalar, 0 where no pair differs.
    """
    difference = targets[:, None] - targets[None]  # (n, n, m)
    wanted = difference.clamp(max=margin)
    is_pair = difference > 0  # each pair once; False at NaN
    short = functional.relu(wanted - (scores[:, None] - scores[None]))
    return torch.where(is_pair, short, 0.0).sum() / is_pair.sum().clamp(min=1)


def regression_loss(scores: Tensor, targets: Tensor) -> Tensor:
    """Mean Huber loss at the targets that are known, as `ranking_loss`."""
    is_known = ~targets.isnan()
    errors = functional.huber_loss(scores, torch.where(is_known, targets, scores.detach()), reduction="none")
    return (errors * is_known).sum() / is_known.sum().clamp(min=1)

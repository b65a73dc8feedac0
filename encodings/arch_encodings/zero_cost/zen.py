"""zen: how much a network with normal weights changes with its input.

Source: Lin et al. 2021, arXiv 2102.01063, as NAS-Bench-Suite-Zero computes it: the maps before the global pooling, the
batch norms on their batch; the sum of absolute differences rather than their mean.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from arch_encodings.zero_cost.subject import Subject, empty_network, initialize, standard_normal

_MIXTURE = 0.01


@torch.no_grad()
def zen(subject: Subject, names: frozenset[str]) -> dict[str, float]:
    """Log of the change of the maps at a change of 0.01 of the input, batch norms' scales added back."""
    del names
    generator = subject.generator()
    network = empty_network(subject.architecture).to_empty(device="cpu")
    initialize(network, standard_normal, generator=generator)
    maps: list[Tensor] = []
    for module in network.modules():
        if isinstance(module, nn.AdaptiveAvgPool2d):
            module.register_forward_pre_hook(lambda _, inputs: maps.append(inputs[0]))
    images, noise = (torch.randn(subject.shape, generator=generator) for _ in range(2))
    network(images)
    network(images + _MIXTURE * noise)
    before, after = maps[len(maps) // 2 - 1], maps[-1]  # the last pooling of each run is the global one
    change = (before - after).abs().sum((1, 2, 3)).mean().item()
    scales = [
        m.running_var.mean().item()
        for m in network.modules()
        if isinstance(m, nn.BatchNorm2d) and m.running_var is not None
    ]
    value = math.log(change) + sum(0.5 * math.log(scale) for scale in scales) if change > 0 else math.nan
    return {"zen": value}

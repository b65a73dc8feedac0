"""synflow: how much the paths through a network weigh together.

Source: Tanaka et al. 2020, arXiv 2006.05467, as NAS-Bench-Suite-Zero computes it (Krishnakumar et al. 2022,
arXiv 2210.03230): without batch norms, in double precision, an image of ones. Its tables hold the logarithm.
"""

from __future__ import annotations

import torch
from torch import nn

from arch_encodings.zero_cost.subject import Subject, weighted_layers


def synflow(subject: Subject, names: frozenset[str]) -> dict[str, float]:
    """Sum of |weight * gradient of the summed output|, all weights made positive."""
    del names
    network = subject.network().double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):  # in its first state, for mean 0 and variance 1, this is the identity
            module.eval().eps = 0.0
    ones = torch.ones(1, *subject.shape[1:], dtype=torch.float64)
    weights = [layer.weight for layer in weighted_layers(network)]
    gradients = torch.autograd.grad(network(ones).sum(), weights)
    return {"synflow": sum((w.detach() * g).abs().sum().item() for w, g in zip(weights, gradients, strict=True))}

"""One architecture under examination: networks with seeded weights, and the batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Generator, nn

from arch_encodings.zero_cost.inputs import Batch
from spaces.base import Architecture
from spaces.networks import build_network

Weighted = nn.Conv2d | nn.Linear
Draw = Callable[[Weighted, Generator], object]


def uniform_fan_in(layer: Weighted, generator: Generator) -> None:
    """Torch's default, in place: uniform with variance 1 / (3 fan_in)."""
    bound = 1 / math.sqrt(layer.weight[0].numel())
    layer.weight.uniform_(-bound, bound, generator=generator)


def normal_fan_out(layer: Weighted, generator: Generator) -> None:
    """He's normal weights over the outputs, all groups' together, in place; almost nothing in the classifier."""
    outputs = layer.weight.shape[0] * layer.weight[0, 0].numel()
    deviation = _CLASSIFIER_DEVIATION if isinstance(layer, nn.Linear) else math.sqrt(2 / outputs)
    layer.weight.normal_(0, deviation, generator=generator)


def standard_normal(layer: Weighted, generator: Generator) -> None:
    """Weights of mean 0 and variance 1, in place."""
    layer.weight.normal_(generator=generator)


_CLASSIFIER_DEVIATION: Final = 0.001
INITIALIZATIONS: Final[dict[str, Draw]] = {"uniform_fan_in": uniform_fan_in, "normal_fan_out": normal_fan_out}


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """An architecture and what its networks are examined with.

    Attributes:
        shape: (batch, channels, height, width) of the images.
        batch: gives the images, of which not every pass has need, and their labels.
        initialization: name in `INITIALIZATIONS`.
        seed: of every draw of weights and noise.
    """

    architecture: Architecture
    shape: tuple[int, ...]
    batch: Callable[[], Batch]
    initialization: str
    seed: int

    def generator(self) -> Generator:
        """A new generator of the seed, so that no pass depends on which others ran."""
        return torch.Generator().manual_seed(self.seed)

    def network(self) -> nn.Module:
        """A new network in training mode with weights of the initialization.

        Channels last in memory: forward and backward runs take half the time.
        """
        network = empty_network(self.architecture).to_empty(device="cpu")
        initialize(network, INITIALIZATIONS[self.initialization], generator=self.generator())
        return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def weighted_layers(network: nn.Module) -> Iterator[Weighted]:
    """The convolutions and linear layers; the proxies on weights count these and not the batch norms."""
    return (module for module in network.modules() if isinstance(module, Weighted))


def empty_network(architecture: Architecture) -> nn.Module:
    """The network of an architecture without values, on torch's device `meta`; draws no random number.

    Raises: UnknownSpaceError; InvalidArchitectureError for a key that is not canonical.
    """
    with torch.device("meta"):
        return build_network(architecture)


@torch.no_grad()
def initialize(network: nn.Module, draw: Draw, *, generator: Generator) -> None:
    """Weights by `draw`; biases and batch norms as torch starts them, running statistics included."""
    for layer in weighted_layers(network):
        draw(layer, generator)
        if layer.bias is not None:
            bound = 1 / math.sqrt(layer.weight[0].numel())
            layer.bias.uniform_(-bound, bound, generator=generator)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()

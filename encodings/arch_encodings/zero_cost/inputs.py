"""The images and labels that the proxies see: seeded stand-ins, because the proxies need a batch and no data set.

The references took one batch of CIFAR images. What a proxy reads from it is its scale (the data sets' normalisation
gives each channel mean 0 and variance 1) and how alike neighbouring pixels are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Generator, Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What one forward pass reads.

    Attributes:
        images: (batch, channels, height, width) float32, each channel of mean 0 and variance 1 over the batch.
        labels: (batch,) int64, uniform over the classes.
    """

    images: Tensor
    labels: Tensor


def white_images(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Independent normal pixels (batch, channels, height, width)."""
    return _normalised(torch.randn(shape, generator=generator))


def natural_images(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Random images (batch, channels, height, width) with the spectrum of photographs: amplitude 1 / frequency.

    Each is a part of a larger scene, so that it has a slope and a mean of its own, and its channels share a brightness.
    Source of the law: Field 1987, J. Opt. Soc. Am. A 4(12).
    """
    _, channels, height, width = shape
    brightness, colours = (_pink((shape[0], count, height, width), generator) for count in (1, channels))
    # It has the strides of a part of a scene: sums over others are rounded otherwise, and values of proxies are kept.
    images = torch.empty((*shape[:2], _SCENE * height, _SCENE * width))[..., :height, :width]
    return _normalised(images.copy_(2 * brightness + colours))


_SCENE: Final = 4  # widths and heights of an image
INPUTS: Final[dict[str, Callable[[tuple[int, ...], Generator], Tensor]]] = {
    "natural": natural_images,
    "white": white_images,
}


def make_batch(kind: str, shape: tuple[int, ...], classes: int, *, generator: Generator) -> Batch:
    """A batch of images (batch, channels, height, width) of a kind in `INPUTS`, with labels below `classes`."""
    images = INPUTS[kind](shape, generator)
    return Batch(images, torch.randint(classes, shape[:1], generator=generator))


def _pink(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Parts (batch, channels, height, width) of scenes, one scene at a time: a batch of them takes gigabytes."""
    height, width = _SCENE * shape[2], _SCENE * shape[3]
    frequency = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = 1 / max(height, width)  # the mean of an image varies like its slowest wave
    parts = torch.empty(shape)
    for part in parts:
        noise = torch.randn((shape[1], height, width), generator=generator)
        scene = torch.fft.irfft2(torch.fft.rfft2(noise) / frequency, s=(height, width))
        part.copy_(scene[:, : shape[2], : shape[3]])
    return parts


def _normalised(images: Tensor) -> Tensor:
    axes = (0, 2, 3)
    return (images - images.mean(axes, keepdim=True)) / images.std(axes, keepdim=True)

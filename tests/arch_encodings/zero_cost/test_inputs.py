"""The batch that networks see: what it is, and that it is made once."""

import numpy as np
import pytest
import torch

from arch_encodings.zero_cost import compute, inputs
from arch_encodings.zero_cost.inputs import natural_images
from arch_encodings.zero_cost.loss_pass import _Run
from arch_encodings.zero_cost.settings import ProxySettings
from spaces import get_space


def scenes_at_once(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    """The definition, for all images together: values that were kept rest on these very numbers."""
    batch, channels, height, width = shape
    rows, columns = torch.fft.fftfreq(4 * height)[:, None], torch.fft.rfftfreq(4 * width)[None, :]
    frequency = torch.hypot(rows, columns)
    frequency[0, 0] = 1 / (4 * max(height, width))

    def pink(count: int) -> torch.Tensor:
        noise = torch.randn((batch, count, 4 * height, 4 * width), generator=generator)
        return torch.fft.irfft2(torch.fft.rfft2(noise) / frequency, s=noise.shape[-2:])

    brightness, colours = pink(1), pink(channels)
    images = (2 * brightness + colours)[..., :height, :width]
    return (images - images.mean((0, 2, 3), keepdim=True)) / images.std((0, 2, 3), keepdim=True)


@pytest.mark.parametrize("shape", [(5, 3, 32, 32), (4, 1, 7, 9), (2, 3, 40, 33)])
def test_natural_images_one_by_one_are_those_of_all_scenes_at_once(shape: tuple[int, ...]):
    made = natural_images(shape, torch.Generator().manual_seed(4))
    np.testing.assert_array_equal(made, scenes_at_once(shape, torch.Generator().manual_seed(4)))


def test_batch_is_made_once_for_networks_that_are_asked_for_one_by_one(monkeypatch: pytest.MonkeyPatch):
    made = []
    monkeypatch.setitem(
        inputs.INPUTS, "natural", lambda shape, generator: made.append(shape) or natural_images(shape, generator)
    )
    compute._last_batch.cache_clear()
    space = get_space("nb201")
    cells = space.sample(2, rng=np.random.default_rng(3))
    settings = ProxySettings(seed=11, batch_size=4)
    apart = [compute.compute_proxies(space, [cell], ["nwot"], settings=settings)[0] for cell in cells]
    assert made == [(4, 3, 32, 32)]
    np.testing.assert_array_equal(compute.compute_proxies(space, cells, ["nwot"], settings=settings), apart)
    other = compute.compute_proxies(space, cells[:1], ["nwot"], settings=ProxySettings(seed=12, batch_size=4))
    assert len(made) == 2
    assert other[0] != apart[0]
    compute._last_batch.cache_clear()


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_alike_switches_are_counted_whatever_the_order_in_memory(memory_format: torch.memory_format):
    values = torch.randn((6, 5, 4, 3), generator=torch.Generator().manual_seed(0))
    network = torch.nn.Sequential(torch.nn.ReLU())
    run = _Run(network, frozenset({"nwot"}))
    network(values.to(memory_format=memory_format))
    codes = (values > 0).flatten(1).numpy()
    expected = (codes[:, None] == codes[None]).sum(axis=2)
    np.testing.assert_array_equal(run.agreement(), expected)

"""The proxies against their definitions, written down in the slowest and plainest way on small networks."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from arch_encodings.zero_cost import batch_kernels
from arch_encodings.zero_cost.inputs import INPUTS, Batch, make_batch
from arch_encodings.zero_cost.loss_pass import loss_pass
from arch_encodings.zero_cost.synflow import synflow

NAMES = frozenset({"fisher", "grad_norm", "grasp", "nwot", "plain", "snip", "jacov", "epe_nas"})


class TinySubject:
    """A subject whose network is given."""

    def __init__(self):
        generator = torch.Generator().manual_seed(0)
        self.shape = (6, 3, 4, 4)
        self._batch = make_batch("white", self.shape, 3, generator=generator)

    def batch(self) -> Batch:
        return self._batch

    def network(self) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            return nn.Sequential(
                nn.Conv2d(3, 4, 3, padding=1, bias=False),
                nn.BatchNorm2d(4),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
                nn.Linear(4, 3),
            )


@pytest.fixture
def subject():
    return TinySubject()


@pytest.fixture
def values(subject):
    return loss_pass(subject, NAMES)


def _weights_and_gradients(network, batch: Batch):
    loss = cross_entropy(network(batch.images), batch.labels)
    weights = [network[0].weight, network[5].weight]
    return weights, torch.autograd.grad(loss, weights)


def test_gradient_proxies_equal_their_definitions(subject, values):
    weights, gradients = _weights_and_gradients(subject.network(), subject.batch())
    products = [w * g for w, g in zip(weights, gradients, strict=True)]
    assert values["grad_norm"] == pytest.approx(sum(g.norm().item() for g in gradients), rel=1e-4)
    assert values["plain"] == pytest.approx(sum(p.sum().item() for p in products), rel=1e-4)
    assert values["snip"] == pytest.approx(sum(p.abs().sum().item() for p in products), rel=1e-4)


def test_grasp_equals_the_finite_difference_of_the_gradient(subject, values):
    network = subject.network().double()
    batch = Batch(subject.batch().images.double(), subject.batch().labels)
    weights, gradients = _weights_and_gradients(network, batch)
    step, moved = 1e-6, []
    for sign in (1, -1):
        with torch.no_grad():
            for w, g in zip(weights, gradients, strict=True):
                w += sign * step * g
        moved.append(_weights_and_gradients(network, batch)[1])
        with torch.no_grad():
            for w, g in zip(weights, gradients, strict=True):
                w -= sign * step * g
    curvatures = [(up - down) / (2 * step) for up, down in zip(*moved, strict=True)]
    expected = -sum((w * h).sum().item() for w, h in zip(weights, curvatures, strict=True))
    assert values["grasp"] == pytest.approx(expected, rel=1e-3)


def test_fisher_counts_each_channel_once_for_each_of_its_weights(subject, values):
    network, total = subject.network(), 0.0
    maps = {}
    for layer in (network[0], network[5]):
        layer.register_forward_hook(lambda module, _, output: maps.update({module: output}))
    loss = cross_entropy(network(subject.batch().images), subject.batch().labels)
    gradients = torch.autograd.grad(loss, list(maps.values()))
    for (layer, output), gradient in zip(maps.items(), gradients, strict=True):
        product = (output * gradient).reshape(*output.shape[:2], -1).sum(2)
        total += 0.5 * (product**2).mean(0).sum().item() * layer.weight[0].numel()
    assert values["fisher"] == pytest.approx(total, rel=1e-4)


def test_nwot_counts_the_activations_that_two_samples_switch_alike(subject, values):
    network = subject.network()
    codes = (network[1](network[0](subject.batch().images)) > 0).flatten(1).numpy()
    alike = [[int((one == other).sum()) for other in codes] for one in codes]
    assert values["nwot"] == pytest.approx(np.linalg.slogdet(np.array(alike, float))[1], rel=1e-6)


def test_nwot_of_samples_switched_alike_is_undefined():
    assert math.isnan(batch_kernels.nwot(np.full((4, 4), 7.0)))


def test_synflow_equals_its_definition_without_batch_norms(subject):
    network = subject.network().double()
    network[1] = nn.Identity()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    weights = [network[0].weight, network[5].weight]
    gradients = torch.autograd.grad(network(torch.ones(1, 3, 4, 4, dtype=torch.float64)).sum(), weights)
    expected = sum((w * g).abs().sum().item() for w, g in zip(weights, gradients, strict=True))
    assert synflow(subject, frozenset({"synflow"}))["synflow"] == pytest.approx(expected, rel=1e-12)


def test_jacov_of_uncorrelated_samples_is_minus_their_number():
    assert batch_kernels.jacov(np.kron(np.eye(5), [1.0, -1.0]).astype(np.float64)) == pytest.approx(-5, rel=1e-4)


def test_jacov_of_equal_samples_is_far_below():
    assert batch_kernels.jacov(np.tile([1.0, 2.0, 4.0], (5, 1))) < -1e5


def test_epe_nas_adds_classes_and_is_nothing_where_each_has_one_sample():
    rows, k = np.random.default_rng(0).normal(size=(4, 9)), 1e-5
    assert batch_kernels.epe_nas(rows, np.arange(4), 4) == pytest.approx(4 * math.log(1 + k), rel=1e-6)
    first, second = abs(np.corrcoef(rows[0], rows[2])[0, 1]), abs(np.corrcoef(rows[1], rows[3])[0, 1])
    expected = -2 * (math.log(first + k) + math.log(second + k)) - 4 * math.log(1 + k)
    assert batch_kernels.epe_nas(rows, np.array([0, 1, 0, 1]), 2) == pytest.approx(expected)


def test_epe_nas_of_many_classes_is_the_mean_difference_between_them():
    rows = np.random.default_rng(0).normal(size=(4, 9))
    sums = [np.log(np.abs(np.corrcoef(rows[[i, i + 2]])) + 1e-5).sum() / 2 for i in (0, 1)]
    assert batch_kernels.epe_nas(rows, np.array([7, 9, 7, 9]), 101) == pytest.approx(abs(sums[0] - sums[1]))


@pytest.mark.parametrize("kind", INPUTS)
def test_images_have_the_normalisation_of_the_data_sets(kind):
    batch = make_batch(kind, (16, 3, 32, 32), 10, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(batch.images.mean((0, 2, 3)).numpy(), 0, atol=1e-5)
    np.testing.assert_allclose(batch.images.std((0, 2, 3)).numpy(), 1, rtol=1e-5)
    assert 0 <= batch.labels.min() <= batch.labels.max() < 10


def test_natural_images_have_neighbours_alike_and_white_ones_not():
    likeness = {}
    for kind in INPUTS:
        images = make_batch(kind, (16, 3, 32, 32), 10, generator=torch.Generator().manual_seed(0)).images
        likeness[kind] = (images[..., 1:] * images[..., :-1]).mean().item()
    assert likeness["natural"] > 0.5
    assert abs(likeness["white"]) < 0.05

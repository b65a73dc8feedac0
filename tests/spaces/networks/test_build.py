"""Torch networks against the workloads that describe them."""

import numpy as np
import pytest
import torch

from spaces import SPACES, Architecture, InvalidArchitectureError, UnknownSpaceError
from spaces.networks import NETWORKS, build_network


def test_every_space_has_a_network() -> None:
    assert set(NETWORKS) == set(SPACES)


@pytest.mark.parametrize("name", sorted(SPACES))
def test_parameter_count_equals_the_workloads(name: str) -> None:
    space = SPACES[name]
    for architecture in space.sample(5, rng=np.random.default_rng(1)):
        with torch.device("meta"):  # without values, which take most of the time
            network = build_network(architecture)
        assert sum(tensor.numel() for tensor in network.parameters()) == space.workload(architecture).params


@pytest.mark.parametrize("name", sorted(SPACES))
def test_network_maps_a_batch_of_images_to_logits(name: str) -> None:
    space = SPACES[name]
    architecture = space.sample(1, rng=np.random.default_rng(2))[0]
    workload = space.workload(architecture)
    with torch.inference_mode():
        logits = build_network(architecture).eval()(torch.randn(2, 3, 64, 64))
    assert logits.shape == (2, workload.layers[-1].out_channels)
    assert torch.isfinite(logits).all()


def test_unknown_space_and_foreign_key_are_refused() -> None:
    with pytest.raises(UnknownSpaceError):
        build_network(Architecture("nope", "x"))
    with pytest.raises(InvalidArchitectureError):
        build_network(Architecture("nb201", "x"))

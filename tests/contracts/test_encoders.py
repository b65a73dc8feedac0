"""Every encoder on every space keeps the contract of `Encoder`."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from arch_encodings import ENCODERS, Encoder, UnsupportedSpaceError, Zcp, encoders_with
from arch_encodings.zero_cost import compute_proxies
from spaces import SPACES, Architecture, InvalidArchitectureError, SearchSpace, is_enumerable
from spaces.base import FloatArray


@cache
def _params(space: SearchSpace, architecture: Architecture) -> float:
    return compute_proxies(space, [architecture], ["params"])[0, 0]


def _quick_proxies(space: SearchSpace, architectures: Sequence[Architecture], names: Sequence[str]) -> FloatArray:
    """One proxy that is only counted: all thirteen keep the same contract, but take seconds for each network."""
    return np.array([[_params(space, architecture) for _ in names] for architecture in architectures]).reshape(
        len(architectures), len(names)
    )


TESTED = encoders_with(Zcp(_quick_proxies, ["params"]))


def _covered() -> list[tuple[Encoder, SearchSpace]]:
    pairs = []
    for space in SPACES.values():
        for encoder in TESTED.values():
            try:
                encoder.feature_names(space)
            except UnsupportedSpaceError:
                continue
            pairs.append((encoder, space))
    return pairs


COVERED = _covered()


@pytest.fixture(params=COVERED, ids=[f"{encoder.name}-{space.name}" for encoder, space in COVERED])
def pair(request: pytest.FixtureRequest) -> tuple[Encoder, SearchSpace]:
    return request.param


def test_registry_keys_are_the_encoders_names():
    assert {name: encoder.name for name, encoder in ENCODERS.items()} == {name: name for name in TESTED}


def test_each_space_has_all_encoders_but_paths_of_chains_and_of_spaces_too_large_to_list():
    covered = {(encoder.name, space.name) for encoder, space in COVERED}
    chains = ("fbnet", "fbnet_imagenet", "ofa", "tnb101_macro")
    excused = {(encoder, name) for encoder in ("paths", "paths_truncated") for name in chains}
    excused |= {("paths", name) for name, space in SPACES.items() if not is_enumerable(space)}
    assert {(encoder, space) for encoder in TESTED for space in SPACES} - covered == excused


def test_encode_gives_one_finite_row_per_architecture_and_a_name_per_column(pair):
    encoder, space = pair
    architectures = space.sample(7, rng=np.random.default_rng(1))
    encoded = encoder.encode(space, architectures)
    names = encoder.feature_names(space)
    assert encoded.shape == (7, len(names))
    assert encoded.dtype == np.float64
    assert np.isfinite(encoded).all()
    assert len(set(names)) == len(names)


def test_encode_batch_equals_singles_in_the_order_given(pair):
    encoder, space = pair
    architectures = space.sample(5, rng=np.random.default_rng(2))
    singles = np.concatenate([encoder.encode(space, [architecture]) for architecture in architectures])
    np.testing.assert_array_equal(encoder.encode(space, architectures), singles)
    np.testing.assert_array_equal(encoder.encode(space, architectures[::-1]), singles[::-1])


def test_encode_empty_batch_keeps_the_columns(pair):
    encoder, space = pair
    assert encoder.encode(space, []).shape == (0, len(encoder.feature_names(space)))


def test_encode_architecture_of_another_space_is_refused(pair):
    encoder, space = pair
    with pytest.raises(InvalidArchitectureError):
        encoder.encode(space, [Architecture("elsewhere", "nothing")])


@pytest.mark.parametrize("name", ["one_hot", "adjacency"])
@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_encode_neighbours_differ(name, space):
    rng = np.random.default_rng(3)
    for architecture in space.sample(10, rng=rng):
        neighbour = space.mutate(architecture, rng=rng)
        first, second = ENCODERS[name].encode(space, [architecture, neighbour])
        assert (first != second).any()

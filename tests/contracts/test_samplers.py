"""Every sampler on every space keeps the contract of `Sampler`."""

import numpy as np
import pytest

from predictors import SAMPLERS
from spaces import SPACES


@pytest.fixture(params=SAMPLERS.values(), ids=list(SAMPLERS))
def sampler(request):
    return request.param


@pytest.fixture(params=SPACES.values(), ids=list(SPACES))
def space(request):
    return request.param


def test_sampler_chooses_distinct_unmeasured_candidates(sampler, space):
    candidates = space.sample(60, rng=np.random.default_rng(0))
    measured = candidates[:20]
    chosen = sampler(space, candidates, measured, 15, rng=np.random.default_rng(1))
    assert len(chosen) == len(set(chosen)) == 15
    assert set(chosen) <= set(candidates[20:])


def test_sampler_same_generator_state_same_choice(sampler, space):
    candidates = space.sample(60, rng=np.random.default_rng(0))
    first, second = (sampler(space, candidates, [], 9, rng=np.random.default_rng(2)) for _ in range(2))
    assert first == second


def test_sampler_more_wanted_than_there_are_gives_all_once(sampler, space):
    candidates = space.sample(6, rng=np.random.default_rng(0))
    chosen = sampler(space, [*candidates, candidates[0]], candidates[:2], 50, rng=np.random.default_rng(3))
    assert sorted(chosen) == sorted(candidates[2:])


@pytest.mark.parametrize("count", [0, 3])
def test_sampler_no_candidates_or_none_wanted_gives_none(sampler, space, count):
    candidates = [] if count else space.sample(6, rng=np.random.default_rng(0))
    assert sampler(space, candidates, [], count, rng=np.random.default_rng(4)) == []

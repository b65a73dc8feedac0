"""What each sampler that spreads its choices spreads them over."""

import numpy as np
import pytest

from predictors import SAMPLERS
from spaces import get_space

NB201 = get_space("nb201")


@pytest.fixture
def pool():
    return NB201.sample(300, rng=np.random.default_rng(0))


def rng():
    return np.random.default_rng(1)


def line(architectures):
    """Architectures on a line by how many edges are convolutions 3x3, two groups far apart at its ends."""
    return (NB201.decisions(architectures) == 3).sum(axis=1, keepdims=True).astype(float)


def test_params_takes_one_of_each_bucket_of_parameters(pool):
    chosen = SAMPLERS["params"](NB201, pool, [], 10, rng=rng())
    params = np.sort([NB201.workload(architecture).params for architecture in pool])
    edges = params[::30]
    buckets = [int(np.searchsorted(edges, NB201.workload(one).params, side="right")) for one in chosen]
    assert buckets == sorted(buckets)
    assert max(np.bincount(buckets)) <= 3  # equal numbers of parameters may share an edge


def test_farthest_point_each_choice_is_as_far_from_the_earlier_ones_as_any(pool):
    chosen = line(SAMPLERS["farthest_point"](NB201, pool, [], 4, rng=rng(), encode=line)).ravel()
    every = line(pool).ravel()
    for count in (1, 2, 3):
        gaps = np.abs(every[:, None] - chosen[:count]).min(axis=1)
        assert np.abs(chosen[count] - chosen[:count]).min() == gaps.max()


def test_farthest_point_keeps_away_from_what_is_measured(pool):
    ordered = sorted(pool, key=lambda one: line([one])[0, 0])
    chosen = SAMPLERS["farthest_point"](NB201, pool, ordered[:1], 1, rng=rng(), encode=line)
    assert line(chosen)[0, 0] == line(ordered[-1:])[0, 0]


@pytest.mark.parametrize("name", ["k_means", "cosine", "farthest_point", "d_optimal"])
def test_sampler_follows_the_encoding_that_it_is_given(name, pool):
    def noise(architectures):
        return np.array([np.random.default_rng(list(one.key.encode())).standard_normal(3) for one in architectures])

    default, given = (SAMPLERS[name](NB201, pool, [], 8, rng=rng(), encode=encode) for encode in (None, noise))
    assert default != given


@pytest.mark.parametrize("name", ["k_means", "farthest_point"])
def test_sampler_covers_clusters_evenly_where_chance_does_not(name, pool):
    rare = [one for one in pool if line([one])[0, 0] >= 4][:2]
    common = [one for one in pool if line([one])[0, 0] <= 1][:200]
    chosen = SAMPLERS[name](NB201, [*common, *rare], [], 4, rng=rng(), encode=line)
    assert line(chosen).max() >= 4


@pytest.mark.parametrize("name", ["k_means", "cosine"])
def test_sampler_does_not_depend_on_the_units_of_columns(name, pool):
    def choose(factor):
        units = np.array([factor, 1.0, 1.0, 1.0, 1.0, 1.0])
        return SAMPLERS[name](
            NB201, pool, [], 6, rng=rng(), encode=lambda some: (NB201.decisions(some) * units).astype(np.float64)
        )

    assert choose(1.0) == choose(1000.0)

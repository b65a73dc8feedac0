"""A space with further decisions: pairs of an architecture and choices."""

import numpy as np
import pytest

from spaces import InvalidArchitectureError
from spaces.configured_space import ConfiguredSpace
from spaces.fbnet import Fbnet
from spaces.nb101 import Nb101
from spaces.nb201 import Nb201

OPTIONS = {"bits": ("3", "4", "8"), "rows": ("16", "32")}
SPACES = [ConfiguredSpace(inner, OPTIONS) for inner in (Nb201(), Fbnet(), Nb101())]
spaces = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
NB201 = SPACES[0]


@spaces
def test_configured_space_sample_gives_distinct_pairs_that_split_and_join(space):
    drawn = space.sample(50, rng=np.random.default_rng(0))
    assert len(set(drawn)) == 50
    for architecture in drawn:
        inner, chosen = space.split(architecture)
        assert space.space.parse(inner.key) == inner
        assert space.join(inner, chosen) == architecture == space.parse(architecture.key)
        assert space.workload(architecture) == space.space.workload(inner)


@spaces
def test_configured_space_decisions_round_trip_and_reach_every_choice(space):
    drawn = space.sample(60, rng=np.random.default_rng(1))
    rows = space.decisions(drawn)
    assert rows.shape == (60, len(space.choices))
    assert space.from_decisions(rows) == drawn
    assert set(rows[:, -2]) == {0, 1, 2}
    assert set(rows[:, -1]) == {0, 1}
    assert space.decisions([]).shape == (0, len(space.choices))


@spaces
def test_configured_space_repair_leads_to_architectures_and_keeps_the_choices(space):
    rng = np.random.default_rng(2)
    rows = np.stack([rng.integers(0, len(names), 30) for names in space.choices], axis=1)
    repaired = space.repair(rows)
    assert (repaired[:, -2:] == rows[:, -2:]).all()
    assert len(space.from_decisions(repaired)) == 30


@spaces
def test_configured_space_neighbours_and_children_stay_within(space):
    rng = np.random.default_rng(3)
    first, second = space.sample(2, rng=rng)
    for child in (space.mutate(first, rng=rng), space.crossover(first, second, rng=rng)):
        assert space.parse(child.key) == child


def test_configured_space_has_every_pair_once():
    everything = list(NB201.enumerate())
    assert len(everything) == len(set(everything)) == NB201.size == 15_625 * 6


@pytest.mark.parametrize("key", ["0-0-0-0-0-0", "0-0-0-0-0-0 @ 3,0", "0-0-0-0-0-0 @ 0", "x @ 0,0"])
def test_configured_space_bad_key_is_refused(key):
    with pytest.raises(InvalidArchitectureError):
        NB201.parse(key)

from itertools import permutations

import numpy as np
import pytest

from arch_encodings.learned.datasets import held_out_mask, partners, split_space
from arch_encodings.learned.graph_batch import GraphBatch, stack_graphs
from arch_encodings.learned.vocabulary import Vocabulary
from spaces import Nb201, get_space

NB201 = Nb201()


def _graphs(params):
    count = len(params)
    return GraphBatch(
        np.zeros((count, 1), dtype=np.int64), np.zeros((count, 1, 1), bool), np.ones((count, 1), bool), np.array(params)
    )


def test_held_out_mask_keeps_isomorphism_classes_together():
    cells = list(NB201.enumerate())
    mask = held_out_mask(NB201, cells, rng=np.random.default_rng(0))
    sides = {}
    for cell, is_held_out in zip(cells, mask, strict=True):
        sides.setdefault(NB201.isomorphism_class(cell), set()).add(bool(is_held_out))
    assert all(len(side) == 1 for side in sides.values())
    assert sum(side == {True} for side in sides.values()) == round(0.1 * len(sides))


@pytest.mark.parametrize("name", ["nb201", "fbnet", "tnb101_micro"])
def test_split_shares_no_live_graph_and_depends_on_the_seed_alone(name):
    space = get_space(name)
    vocabulary = Vocabulary.of([space])
    first, again, other = (split_space(space, vocabulary, 800, rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert not set(first.training.live_keys()) & set(first.validation.live_keys())
    assert len(first.validation) > 0
    assert first.training.digest() == again.training.digest() != other.training.digest()
    assert first.validation.digest() == again.validation.digest()


def _is_isomorphic(first, second):
    """By trying every order of the inner nodes of two live graphs (operations, adjacency)."""
    if sorted(first[0][1:-1]) != sorted(second[0][1:-1]):
        return False
    last = len(first[0]) - 1
    for inner in permutations(range(1, last)):
        order = [0, *inner, last]
        if (first[0][order] == second[0]).all() and (first[1][np.ix_(order, order)] == second[1]).all():
            return True
    return False


def _live(graphs):
    rows = zip(graphs.ops, graphs.adjacency, graphs.live, strict=True)
    return [(ops[live], adjacency[np.ix_(live, live)]) for ops, adjacency, live in rows if live.any()]


def test_no_graph_held_out_is_a_training_graph_in_another_order():
    split = split_space(NB201, Vocabulary.of([NB201]), 600, rng=np.random.default_rng(0))
    known = _live(split.training)
    assert not [one for one in _live(split.validation) if any(_is_isomorphic(one, other) for other in known)]


def test_partners_are_the_ones_next_below_in_size():
    assert partners(_graphs([30.0, 10.0, 20.0, 40.0]), 2).tolist() == [[2, 1], [2, 0], [1, 0], [0, 2]]


def test_nothing_is_its_own_partner():
    found = partners(_graphs(np.random.default_rng(0).random(50)), 2)
    assert (found != np.arange(50)[:, None]).all()
    assert (found[:, 0] != found[:, 1]).all()


def test_partners_on_a_space_are_of_nearly_equal_size():
    vocabulary = Vocabulary.of([NB201])
    graphs = stack_graphs(NB201, NB201.sample(2000, rng=np.random.default_rng(0)), vocabulary)
    ratio = graphs.params[partners(graphs, 2)] / graphs.params[:, None]
    assert np.median(np.abs(ratio - 1)) < 0.001

import numpy as np
import pytest

from arch_encodings.learned.graph_batch import DEAD, stack_graphs
from arch_encodings.learned.vocabulary import Vocabulary
from spaces import SPACES, get_space

NB201, FBNET = get_space("nb201"), get_space("fbnet")


def _stack(space, architectures):
    return stack_graphs(space, architectures, Vocabulary.of([space]))


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_reachability_is_the_transitive_closure_with_self_and_the_output_sees_all(space):
    graphs = _stack(space, space.sample(20, rng=np.random.default_rng(0)))
    closure = np.eye(graphs.ops.shape[1], dtype=bool) | graphs.adjacency.transpose(0, 2, 1)
    for _ in range(6):  # squaring: paths of up to 64 edges
        closure = closure @ closure
    reaches = graphs.reachability()
    np.testing.assert_array_equal(reaches[:, :-1], closure[:, :-1])
    assert reaches[:, -1].all()
    assert not np.triu(reaches, 1).any()


def test_depths_of_a_chain_count_its_nodes():
    graphs = _stack(FBNET, FBNET.sample(3, rng=np.random.default_rng(0)))
    np.testing.assert_array_equal(graphs.depths(), np.tile(np.arange(24), (3, 1)))


def test_depths_are_of_the_longest_path_and_mark_dead_nodes():
    graphs = _stack(NB201, [NB201.parse([3, 2, 3, 0, 1, 3]), NB201.parse([0] * 6)])
    # 0->1 conv, 0->2 conv, 1->2 conv, 0->3 none, 1->3 skip, 2->3 conv
    assert graphs.depths().tolist() == [[0, 1, 1, 2, DEAD, DEAD, 3, 4], [DEAD] * 8]


def test_live_keys_are_equal_for_cells_that_differ_in_a_dead_operation_only():
    first, second, other = (NB201.parse(row) for row in ([0, 2, 0, 0, 3, 1], [0, 2, 0, 0, 2, 1], [0, 3, 0, 0, 2, 1]))
    keys = _stack(NB201, [first, second, other]).live_keys()
    assert keys[0] == keys[1] != keys[2]


def test_live_keys_are_equal_for_cells_whose_branches_are_swapped():
    # 0->1->3 and 0->2->3; the benchmark counts them as different.
    first, second = NB201.parse([3, 2, 0, 0, 4, 2]), NB201.parse([2, 3, 0, 0, 2, 4])
    keys = _stack(NB201, [first, second, NB201.parse([3, 2, 0, 0, 2, 4])]).live_keys()
    assert keys[0] == keys[1] != keys[2]


def test_digest_changes_with_the_graphs():
    first, second = NB201.sample(2, rng=np.random.default_rng(0))
    assert _stack(NB201, [first]).digest() == _stack(NB201, [first]).digest() != _stack(NB201, [second]).digest()

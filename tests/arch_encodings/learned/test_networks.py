import numpy as np
import pytest
import torch

from arch_encodings.learned.arch2vec import Arch2vec
from arch_encodings.learned.cate import Cate
from arch_encodings.learned.graph_batch import stack_graphs
from arch_encodings.learned.graph_tensors import GraphTensors
from arch_encodings.learned.training_set import TrainingSet
from arch_encodings.learned.vocabulary import MASK, Vocabulary
from spaces import get_space

NB201, FBNET = get_space("nb201"), get_space("fbnet")
VOCABULARY = Vocabulary.of([NB201, FBNET])


def _graphs(space, *rows):
    return stack_graphs(space, [space.parse(list(row)) for row in rows], VOCABULARY)


def _embed(network, graphs):
    torch.manual_seed(0)
    with torch.inference_mode():
        return network(VOCABULARY.size, 32).eval().embed(GraphTensors.of(graphs)).numpy()


@pytest.fixture(params=[Arch2vec, Cate])
def network(request):
    return request.param


@pytest.mark.parametrize("position", [0, 10, 21])
def test_embedding_depends_on_every_block_of_a_chain(network, position):
    blocks = [0] * 22
    changed = [*blocks[:position], 7, *blocks[position + 1 :]]
    first, second = _embed(network, _graphs(FBNET, blocks, changed))
    assert np.abs(first - second).max() > 1e-4


def test_embedding_depends_on_the_order_of_blocks(network):
    first, second = _embed(network, _graphs(FBNET, [0] * 11 + [7] * 11, [7] * 11 + [0] * 11))
    assert np.abs(first - second).max() > 1e-4


def test_embedding_depends_on_dead_operations(network):
    first, second = _embed(network, _graphs(NB201, [0, 2, 0, 0, 3, 1], [0, 2, 0, 0, 2, 1]))
    assert np.abs(first - second).max() > 1e-4


def test_embedding_tells_where_an_operation_is_dead(network):
    # The same operations; node 1 is cut off in the first, node 2 in the second.
    first, second = _embed(network, _graphs(NB201, [0, 3, 1, 1, 2, 1], [3, 0, 1, 1, 2, 0]))
    assert np.abs(first - second).max() > 1e-4


def test_arch2vec_embedding_is_invariant_under_a_permutation_of_equal_branches():
    # 0->1->3 and 0->2->3 swapped.
    first, second = _embed(Arch2vec, _graphs(NB201, [3, 2, 0, 0, 4, 2], [2, 3, 0, 0, 2, 4]))
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_cate_corrupts_operations_only_and_scores_masked_ones():
    graphs = stack_graphs(NB201, NB201.sample(64, rng=np.random.default_rng(0)), VOCABULARY)
    examples = TrainingSet.of(graphs)
    torch.manual_seed(0)
    model = Cate(VOCABULARY.size, 32).eval()
    logits, labels, masked = model._restore(examples, torch.arange(64))
    assert logits.shape == (len(labels), VOCABULARY.size)
    assert 0.1 < len(labels) / (64 * 6) < 0.3
    assert 0.7 < masked.float().mean() < 0.95
    assert set(labels.tolist()) <= set(examples.ops.tolist())
    names = [NB201.op_names[number - 2] for number in examples.ops.tolist()]
    assert MASK not in examples.ops.tolist()
    assert sorted(names) == ["avg_pool_3x3", "none", "nor_conv_1x1", "nor_conv_3x3", "skip_connect"]


def test_cate_loss_of_a_batch_without_a_corrupted_operation_is_zero():
    examples = TrainingSet.of(stack_graphs(NB201, NB201.sample(3, rng=np.random.default_rng(0)), VOCABULARY))
    torch.manual_seed(0)
    model = Cate(VOCABULARY.size, 32)
    losses = [model.loss(examples, torch.tensor([0])).item() for _ in range(30)]
    assert 0.0 in losses
    assert np.isfinite(losses).all()


def test_cate_nodes_attend_to_what_reaches_them_only():
    graphs = GraphTensors.of(_graphs(FBNET, [0] * 22, [0] * 21 + [7]))
    torch.manual_seed(0)
    model = Cate(VOCABULARY.size, 32).eval()
    with torch.inference_mode():
        first, second = model.encode(graphs, graphs.ops)
    torch.testing.assert_close(first[:22], second[:22])
    assert (first[22:] - second[22:]).abs().max() > 1e-4

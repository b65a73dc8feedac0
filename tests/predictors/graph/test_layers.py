import pytest
import torch

from predictors.graph.layers import DenseGraphFlow, Ensemble, GatedAttention

WIDTH = 6


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def chain(nodes: int) -> torch.Tensor:
    """Each node reads the one before it."""
    return torch.eye(nodes).roll(1, 0).tril()[None]


@pytest.mark.parametrize("kind", [DenseGraphFlow, GatedAttention, Ensemble])
def test_layer_node_depends_on_itself_and_what_it_reads_only(kind):
    layer = kind(WIDTH, WIDTH, 3)
    nodes, ops = torch.randn(1, 4, WIDTH), torch.randn(1, 4, 3)
    before = layer(nodes, ops, chain(4))
    changed = nodes.clone()
    changed[0, 1] += 1
    differs = (layer(changed, ops, chain(4)) - before).abs().amax(-1)[0] > 1e-6
    assert differs.tolist() == [False, True, True, False]


def test_attention_of_a_node_that_reads_nothing_is_its_own_value():
    layer = GatedAttention(WIDTH, WIDTH, 3)
    nodes, ops = torch.randn(1, 3, WIDTH), torch.randn(1, 3, 3)
    alone = layer(nodes, ops, torch.zeros(1, 3, 3))
    expected = layer.norm(torch.sigmoid(layer.gate(ops)) * layer.key(nodes))
    torch.testing.assert_close(alone, expected)


def test_attention_gradients_are_finite_for_isolated_nodes():
    layer = GatedAttention(WIDTH, WIDTH, 3)
    nodes = torch.randn(1, 3, WIDTH, requires_grad=True)
    layer(nodes, torch.randn(1, 3, 3), torch.zeros(1, 3, 3)).sum().backward()
    assert nodes.grad is not None
    assert nodes.grad.isfinite().all()


def test_flow_is_the_published_formula():
    layer = DenseGraphFlow(2, 1, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0], [2.0]]))
        layer.bias.fill_(0.5)
        layer.gate.weight.zero_()
        layer.gate.bias.zero_()  # the gate is 1/2
    nodes = torch.tensor([[[1.0, 1.0], [0.0, 3.0]]])  # supports 3 and 6
    result = layer(nodes, torch.zeros(1, 2, 1), chain(2))
    torch.testing.assert_close(result, torch.tensor([[[3.5], [0.5 * 3 + 6.5]]]))

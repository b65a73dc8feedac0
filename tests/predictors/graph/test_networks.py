"""The networks FLAN and NASFLAT, untrained: what their scores may and may not depend on."""

import numpy as np
import pytest
import torch

from arch_encodings.learned.vocabulary import Vocabulary
from predictors.graph import FlanSettings, NasflatSettings
from predictors.graph.flan import Flan
from predictors.graph.inputs import GraphInputs
from predictors.graph.nasflat import Nasflat
from spaces import SPACES, get_space

VOCABULARY = Vocabulary.of(SPACES.values())
DEVICES = torch.arange(3)


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture
def flan() -> Flan:
    return Flan(VOCABULARY.size, FlanSettings(layers=2, width=16, node_width=8, head_width=16)).eval()


@pytest.fixture
def nasflat() -> Nasflat:
    return Nasflat(VOCABULARY.size, len(DEVICES), NasflatSettings(width=16, node_width=8, head_width=16)).eval()


def graphs_of(space, notations) -> GraphInputs:
    return GraphInputs.of(space, [space.parse(notation) for notation in notations], VOCABULARY)


@pytest.mark.parametrize("name", list(SPACES))
def test_scores_of_every_space_are_finite_and_a_batch_equals_its_singles(name, flan, nasflat):
    space = get_space(name)
    architectures = space.sample(5, rng=np.random.default_rng(0))
    batch = GraphInputs.of(space, architectures, VOCABULARY)
    singles = [GraphInputs.of(space, [architecture], VOCABULARY) for architecture in architectures]
    for network in (flan, lambda graphs: nasflat(graphs, DEVICES)):
        scores = network(batch)
        assert scores.isfinite().all()
        torch.testing.assert_close(torch.cat([network(single) for single in singles]), scores, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("refinement", ["graph", "mlp"])
@pytest.mark.parametrize("layer", ["ensemble", "flow", "attention"])
def test_flan_trains_on_a_batch_of_one(layer, refinement):
    settings = FlanSettings(layer=layer, refinement=refinement, layers=2, supplementary=4, width=16)
    network = Flan(VOCABULARY.size, settings).train()
    graphs = graphs_of(get_space("nb301"), [get_space("nb301").sample(1, rng=np.random.default_rng(0))[0].key])
    network(graphs, torch.randn(1, 4)).sum().backward()
    learned = {name for name, weight in network.named_parameters() if weight.grad is not None and weight.grad.any()}
    assert any(name.startswith("forward_stack") for name in learned)
    assert any(name.startswith("update") for name in learned)


def test_flan_ignores_operations_that_do_not_reach_the_output_and_nasflat_does_not(flan, nasflat):
    # With none at 1->3 and 2->3 nothing but the edge 0->3 reaches the output.
    first, second = (graphs_of(get_space("nb201"), [[a, 2, 1, 3, 0, 0]]) for a in (3, 4))
    torch.testing.assert_close(flan(first), flan(second))
    assert (nasflat(first, DEVICES) - nasflat(second, DEVICES)).abs().min() > 1e-4


def test_flan_cell_without_a_path_has_a_score_of_its_own(flan):
    scores = flan(graphs_of(get_space("nb201"), [[0] * 6, [3] * 6]))
    assert scores.isfinite().all()
    assert scores[0] != scores[1]


@pytest.mark.parametrize("position", [0, 21])
def test_nasflat_sees_the_first_and_the_last_block_of_a_chain(nasflat, position):
    blocks = [2] * 22
    changed = [*blocks]
    changed[position] = 7
    scores = nasflat(graphs_of(get_space("fbnet"), [blocks, changed]), DEVICES)
    assert (scores[0] - scores[1]).abs().min() > 1e-6


def test_nasflat_tells_a_chain_from_its_permutation(nasflat):
    blocks = [2, 3] * 11
    scores = nasflat(graphs_of(get_space("fbnet"), [blocks, blocks[::-1]]), DEVICES)
    assert (scores[0] - scores[1]).abs().min() > 1e-6


def test_nasflat_scores_devices_apart_and_independently(nasflat):
    graphs = graphs_of(get_space("nb201"), [[3] * 6, [1, 2, 3, 4, 0, 1]])
    together = nasflat(graphs, DEVICES)
    assert together.std(dim=1).min() > 1e-4
    for device in DEVICES:
        torch.testing.assert_close(nasflat(graphs, device[None])[:, 0], together[:, device], atol=1e-5, rtol=1e-4)


def test_scores_of_two_spaces_share_no_operation(flan):
    space, other = get_space("nb201"), get_space("tnb101_micro")
    own = graphs_of(space, [[3] * 6])
    before = flan(own)
    with torch.no_grad():
        flan.ops.weight[torch.from_numpy(VOCABULARY.of_space(other))] += 1
    torch.testing.assert_close(flan(own), before)


def test_supplementary_encoding_enters_the_score():
    network = Flan(VOCABULARY.size, FlanSettings(layers=2, supplementary=3, width=16)).eval()
    graphs = graphs_of(get_space("nb201"), [[3] * 6])
    assert network(graphs, torch.zeros(1, 3)) != network(graphs, torch.ones(1, 3))

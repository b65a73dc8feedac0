"""Graphs as tensors: those of a small space come out of a table."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from arch_encodings.learned.vocabulary import Vocabulary
from predictors.graph.inputs import GraphInputs
from spaces import InvalidArchitectureError, get_space


def test_graph_inputs_of_many_are_those_of_few():
    space = get_space("nb201")
    drawn = space.sample(150, rng=np.random.default_rng(0))
    vocabulary = Vocabulary.of([space])
    many = GraphInputs.of(space, drawn, vocabulary)
    few = [GraphInputs.of(space, drawn[part : part + 50], vocabulary) for part in (0, 50, 100)]
    for field in fields(GraphInputs):
        if field.name == "supplementary":
            continue
        together = torch.cat([getattr(graphs, field.name) for graphs in few])
        torch.testing.assert_close(getattr(many, field.name), together, rtol=0, atol=0)


@pytest.mark.parametrize("count", [1, 200])
def test_graph_inputs_of_another_space_are_refused(count):
    space = get_space("nb201")
    foreign = get_space("fbnet").sample(count, rng=np.random.default_rng(0))
    with pytest.raises(InvalidArchitectureError):
        GraphInputs.of(space, foreign, Vocabulary.of([space]))

import numpy as np
import pytest

from arch_encodings import ENCODERS
from spaces import SPACES


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_adjacency_holds_the_graph(space):
    adjacency = ENCODERS["adjacency"]
    (architecture,) = space.sample(1, rng=np.random.default_rng(5))
    encoded = dict(zip(adjacency.feature_names(space), adjacency.encode(space, [architecture])[0], strict=True))
    for cell, graph in zip(space.cells, space.graphs(architecture), strict=True):
        prefix = f"{cell}:" if len(space.cells) > 1 else ""
        for i, own in enumerate(graph.ops):
            assert [op for op in space.op_names if encoded[f"{prefix}node:{i}:{op}"]] == [space.op_names[own]]
            for j in range(i + 1, len(graph.ops)):
                assert encoded[f"{prefix}edge:{i}>{j}"] == graph.adjacency[i, j]

import numpy as np
import pytest

from arch_encodings import ENCODERS, has_path, live_macs
from spaces import SPACES, get_space
from spaces.base import NO_DECISION, is_chain

NB201 = get_space("nb201")
ALL_NONE = NB201.parse([0] * 6)


def _columns(space, architectures):
    names = ENCODERS["cost"].feature_names(space)
    return dict(zip(names, ENCODERS["cost"].encode(space, architectures).T, strict=True))


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_cost_totals_equal_the_workload(space):
    architectures = space.sample(20, rng=np.random.default_rng(0))
    columns = _columns(space, architectures)
    workloads = [space.workload(architecture) for architecture in architectures]
    np.testing.assert_array_equal(columns["total:macs"], [workload.macs for workload in workloads])
    np.testing.assert_array_equal(columns["total:params"], [workload.params for workload in workloads])
    np.testing.assert_array_equal(columns["total:launches"], [len(workload.layers) for workload in workloads])
    moved = [sum(layer.bytes_moved() for layer in workload.layers) for workload in workloads]
    np.testing.assert_allclose(columns["total:bytes"], moved, rtol=1e-12)
    np.testing.assert_allclose(columns["total:log_macs"], np.log(columns["total:macs"]))


def _macs_of_no_decision(space):
    return lambda part: sum(layer.macs for layer in space.part_layers(part)) if part.position == NO_DECISION else 0


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_cost_layers_add_up_to_the_total(space):
    architectures = space.sample(20, rng=np.random.default_rng(0))
    columns = _columns(space, architectures)
    fixed = np.array(
        [sum(map(_macs_of_no_decision(space), space.parts(architecture))) for architecture in architectures]
    )
    layers = sum(columns[f"layer:{position}:macs"] for position in range(len(space.choices)))
    np.testing.assert_allclose(layers + fixed, columns["total:macs"])


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_cost_counts_every_position_once(space):
    columns = _columns(space, space.sample(20, rng=np.random.default_rng(0)))
    counts = sum(column for name, column in columns.items() if name.startswith("count:"))
    np.testing.assert_array_equal(counts, len(space.choices))


def test_cost_cell_with_dead_operation_counts_it_but_not_as_live():
    dead = NB201.parse([0, 2, 0, 0, 3, 1])  # node 1 has no input, so the 3x3 convolution 1->3 is dead
    columns = _columns(NB201, [dead])
    assert columns["count:nor_conv_3x3"] == [1]
    assert columns["live:nor_conv_3x3"] == [0]
    assert columns["live:nor_conv_1x1"] == [1]
    assert columns["total:live_macs"] < columns["total:macs"]
    assert columns["total:depth"] == [1]


def test_cost_cell_without_a_path_has_nothing_live():
    columns = _columns(NB201, [ALL_NONE])
    assert columns["total:live_macs"] == columns["total:depth"] == columns["total:live_nodes"] == [0]


def test_has_path_is_false_exactly_for_the_341_cells_without_one():
    cells = list(NB201.enumerate())
    reaches = has_path(NB201, cells)
    assert (~reaches).sum() == 341
    assert not reaches[cells.index(ALL_NONE)]
    assert has_path(NB201, []).shape == (0,)


def test_cost_depth_is_the_longest_path_with_skips_bypassed():
    three, one = NB201.parse([3, 1, 3, 1, 1, 3]), NB201.parse([1, 1, 1, 3, 1, 1])
    np.testing.assert_array_equal(_columns(NB201, [three, one])["total:depth"], [3, 1])


def test_cost_fbnet_depth_leaves_out_blocks_that_are_skipped():
    fbnet = get_space("fbnet")
    full, skipping = fbnet.parse([0] * 22), fbnet.parse([0] * 21 + [8])
    skipped = fbnet.parse([0] * 2 + [8] + [0] * 19)
    # The last block changes the shape, so its skip is a convolution; the third does not, so it is nothing.
    np.testing.assert_array_equal(_columns(fbnet, [full, skipping, skipped])["total:depth"], [22, 22, 21])


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_has_path_and_live_macs_are_those_of_the_graph(space):
    architectures = space.sample(50, rng=np.random.default_rng(0))
    columns = _columns(space, architectures)
    np.testing.assert_array_equal(has_path(space, architectures), columns["total:live_nodes"] > 0)
    np.testing.assert_array_equal(live_macs(space, architectures), columns["total:live_macs"])


@pytest.mark.parametrize("space", [space for space in SPACES.values() if is_chain(space)], ids=lambda space: space.name)
def test_chains_are_known_to_be_live_without_a_graph_of_each(space, monkeypatch):
    architectures = space.sample(50, rng=np.random.default_rng(0))
    assert all(space.graph(each).mask[[0, -1]].all() for each in architectures)
    ENCODERS["cost"].encode(space, architectures)
    monkeypatch.setattr(type(space), "graph", lambda *_: pytest.fail("drew a graph"))
    assert has_path(space, architectures).all()
    assert (live_macs(space, architectures) > 0).all()


@pytest.mark.parametrize("name", ["fbnet", "fbnet_imagenet"])
def test_live_costs_of_a_chain_of_segments_are_those_of_its_graphs(name):
    space = SPACES[name]
    architectures = space.sample(30, rng=np.random.default_rng(3))
    columns = _columns(space, architectures)
    graphs = [space.graph(each) for each in architectures]
    for cost in ("macs", "params", "bytes"):
        expected = [graph.attributes[:, graph.attribute_names.index(cost)].sum() for graph in graphs]
        np.testing.assert_array_equal(columns[f"total:live_{cost}"], expected)
    moved = [graph.attributes[1:-1, graph.attribute_names.index("bytes")] > 0 for graph in graphs]
    np.testing.assert_array_equal(columns["total:depth"], [each.sum() for each in moved])
    for op, name in enumerate(space.op_names):
        np.testing.assert_array_equal(columns[f"live:{name}"], [(graph.ops == op).sum() for graph in graphs])

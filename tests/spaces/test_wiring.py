"""What the layers of a network read: in every space the outputs that their shapes ask for."""

import numpy as np
import pytest

from spaces import SPACES
from spaces.base import Layer, Workload, is_open
from spaces.wiring import Wiring, from_inputs, in_chain

WIRED = ("nb201", "nb101", "nb301", "nds_darts", "nds_enas", "nds_pnas", "nds_nasnet", "nds_amoeba")
WIRED += ("tnb101_micro", "tnb101_macro")
CHANNELS_FIRST = ("conv", "pool", "add", "norm", "activation")


def _fits(layer: Layer, source: Layer) -> bool:
    if layer.name.endswith((".odd", ".shift", ".zero")) or layer.kind == "slice":
        return True  # a piece of what they read, or nothing of it
    return (layer.in_channels, layer.in_height) == (source.out_channels, source.out_height)


@pytest.mark.parametrize("name", WIRED)
def test_layers_read_outputs_of_their_shape(name: str):
    space = SPACES[name]
    for architecture in space.sample(30, rng=np.random.default_rng(3)):
        workload = space.workload(architecture)
        assert len(workload.reads) == len(workload.layers)
        assert workload.reads[0] == ()
        for number, (layer, read) in enumerate(zip(workload.layers, workload.reads, strict=True)):
            sources = [workload.layers[number - back] for back in read]
            assert all(0 < back <= number for back in read)
            if layer.kind == "concat":
                assert sum(source.out_channels for source in sources) == layer.out_channels
            elif layer.kind in CHANNELS_FIRST:
                assert all(_fits(layer, source) for source in sources), (architecture, layer, sources)


@pytest.mark.parametrize("name", WIRED)
def test_every_layer_but_the_last_is_read(name: str):
    space = SPACES[name]
    for architecture in space.sample(30, rng=np.random.default_rng(4)):
        workload = space.workload(architecture)
        read = {number - back for number, each in enumerate(workload.reads) for back in each}
        unread = [layer.name for number, layer in enumerate(workload.layers) if number not in read]
        # Cells of other spaces run what does not reach their output, too.
        assert unread[-1:] == [workload.layers[-1].name]
        assert name not in ("nb101", "tnb101_macro") or len(unread) == 1


def test_spaces_of_chains_say_nothing():
    for space in SPACES.values():
        if not is_open(space) and space.name not in WIRED:
            assert space.workload(space.sample(1, rng=np.random.default_rng(0))[0]).reads == ()


def test_nb201_branches_meet_at_the_nodes():
    space = SPACES["nb201"]
    workload = space.workload(space.parse([3, 1, 0, 3, 1, 4]))
    names = [layer.name for layer in workload.layers]
    sources = {
        name: [names[number - back] for back in read]
        for number, (name, read) in enumerate(zip(names, workload.reads, strict=True))
    }
    cell = "stage0.cell0"
    assert sources[f"{cell}.edge01.nor_conv_3x3.relu"] == ["stem.norm"]
    assert set(sources[f"{cell}.node2.add1"]) == {"stem.norm", f"{cell}.edge12.none.zero"}
    assert set(sources[f"{cell}.node3.add1"]) == {
        f"{cell}.edge03.nor_conv_3x3.norm",
        f"{cell}.edge01.nor_conv_3x3.norm",
    }
    assert sources[f"{cell}.edge23.avg_pool_3x3.pool"] == [f"{cell}.node2.add1"]
    assert sources["stage0.cell1.edge01.nor_conv_3x3.relu"] == [f"{cell}.node3.add2"]
    assert set(sources["stage1.reduction.add"]) == {
        "stage1.reduction.conv_b.norm",
        "stage1.reduction.shortcut.conv",
    }


def test_wiring_counts_back_from_each_reader():
    wiring = Wiring()
    first = wiring.chain(2)
    left, right = wiring.chain(1, first), wiring.chain(0, first)
    wiring.chain(1, left, right)
    assert wiring.reads == ((), (1,), (1,), (1, 2)) or wiring.reads == ((), (1,), (1,), (2, 1))
    assert from_inputs([(), (0,), (0, 1)]) == ((), (1,), (1, 2))
    assert in_chain(3) == ((1,), (1,), (1,))
    assert in_chain(2, is_first=True) == ((), (1,))
    assert in_chain(0) == ()


def test_workload_refuses_entries_for_other_layers():
    layer = Layer("fc", "linear", 4, 4)
    with pytest.raises(ValueError, match="2 layers have 1 entries"):
        Workload((layer, layer), reads=((),))

"""A network's own input and output cross the memory even where everything else stays on chip."""

import numpy as np
import pytest

from spaces import SPACES
from spaces.base import Layer, Workload, is_open
from targets import M4bram, WithHost, build_target, load_hardware, load_target, parse_hardware, segment_costs
from targets.m4bram import sweep
from targets.network_ends import with_ends

# Small maps and few weights: all of it stays on chip, so nothing but weights and ends crosses the memory.
RELU = Layer("relu", "activation", 8, 8, 4, 4, 4, 4)
STEM, BODY, HEAD = (Layer(name, "conv", 8, 8, 4, 4, 4, 4) for name in ("stem", "body", "head"))
LAYERS = (RELU, STEM, BODY, HEAD, RELU)
MAP, WEIGHTS = 8 * 4 * 4, 8 * 8


def refined(name, **changes):
    return build_target(parse_hardware({**load_hardware(name).model_dump(), "mode": "refined", **changes}))


def bytes_moved(cost):
    return [row.bytes_moved for row in cost.layers]


@pytest.mark.parametrize("name", ["m4bram", "dla", "bramac", "stripes"])
def test_refined_network_reads_its_input_and_writes_its_output(name):
    target = refined(name)
    part = bytes_moved(target.cost(Workload(LAYERS)))
    whole = bytes_moved(target.cost(Workload(LAYERS, (8, 4, 4))))
    assert part == [0, WEIGHTS, WEIGHTS, WEIGHTS, 0]
    assert whole == [0, WEIGHTS + MAP, WEIGHTS, WEIGHTS + MAP, 0]
    # A batch has as many of both.
    assert bytes_moved(target.cost(Workload(LAYERS, (8, 4, 4), batch=3)))[1] == WEIGHTS + 3 * MAP


@pytest.mark.parametrize("name", ["m4bram", "dla", "bramac"])
def test_refined_m4bram_takes_as_long_as_its_ends_take_to_move(name):
    target = refined(name, memory_bandwidth_gb_per_s=0.001)  # so that the memory alone counts
    assert isinstance(target, M4bram)
    part, whole = (target.cost(Workload(LAYERS, shape)) for shape in ((), (8, 4, 4)))
    # 0.001 GB/s are a byte in a microsecond.
    assert whole.latency_ms - part.latency_ms == pytest.approx(2 * MAP * 1e-3)
    assert sweep(target, Workload(LAYERS, (8, 4, 4)), {}).latency_ms.tolist() == pytest.approx([whole.latency_ms])


@pytest.mark.parametrize("name", ["m4bram", "stripes"])
def test_published_network_knows_no_ends(name):
    target = build_target(parse_hardware({**load_hardware(name).model_dump(), "mode": "published"}))
    assert target.cost(Workload(LAYERS, (8, 4, 4))) == target.cost(Workload(LAYERS))


def test_with_ends_marks_the_first_and_the_last_layer_of_its_own():
    marked = with_ends(Workload(LAYERS, (8, 4, 4)))
    assert [layer.reads_network_input for layer in marked.layers] == [False, True, False, False, False]
    assert [layer.writes_network_output for layer in marked.layers] == [False, False, False, True, False]
    assert marked == with_ends(marked)
    assert with_ends(Workload(LAYERS)) == Workload(LAYERS)
    assert with_ends(Workload((RELU,), (8, 4, 4))).layers == (RELU,)


def test_host_runs_ends_of_a_network_where_they_are():
    # The published model has no pooling; the host takes the last layer, so the accelerator writes no output.
    pool = Layer("pool", "pool", 8, 8, 4, 4, 1, 1, kernel=4)
    accelerator = refined("m4bram", refinements=["memory-bandwidth"])
    cost = WithHost(accelerator, load_target("roofline-phone-cpu")).cost(Workload((STEM, BODY, pool), (8, 4, 4)))
    assert bytes_moved(cost)[:2] == [WEIGHTS + MAP, WEIGHTS]


@pytest.mark.parametrize(
    "space", [space for space in SPACES.values() if not is_open(space)], ids=lambda each: each.name
)
@pytest.mark.parametrize("name", ["m4bram", "stripes"])
def test_segment_costs_have_the_ends_of_every_space(space, name):
    key = "memory_bandwidth_gb_per_s" if name == "m4bram" else "dram_bits_per_cycle"
    target = refined(name, **{key: 0.01})  # so that every byte counts
    architectures = space.sample(3, rng=np.random.default_rng(1))
    found = segment_costs(target, space, architectures).latency_ms
    expected = [target.cost(space.workload(architecture)).latency_ms for architecture in architectures]
    assert found == pytest.approx(expected, rel=1e-9)

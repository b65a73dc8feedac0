"""Each refinement alone removes its fault from the published model of M4BRAM and its baselines."""

import numpy as np
import pytest

from spaces.base import Layer, Workload
from targets import UnsupportedLayerError, hardware_names, load_hardware
from targets.m4bram import DESIGNS, Budget, Configuration, Configurations, Engine, Network, best_configuration
from targets.m4bram.search import REFERENCE_DLA, NoConfigurationError, candidate

NAMES = [name for name in hardware_names() if load_hardware(name).target == "m4bram"]
# 128 channels of 14 x 14; DLA takes 3 columns, 4 and 64 channels at a time: 5 x 14 x 3 x 32 x 2 = 13,440 cycles.
CONV = Layer("conv", "conv", 128, 128, 14, 14, 14, 14, kernel=3)
LINEAR = Layer("linear", "linear", 512, 1000)


def both(make_target, name, refinement, workload, **changes):
    """The costs as published, and with one refinement."""
    workload = Workload(workload) if isinstance(workload, tuple) else workload
    targets = (
        make_target(name, **changes),
        make_target(name, mode="refined", refinements=[refinement], **changes),
    )
    return [target.cost(workload) for target in targets]


@pytest.mark.parametrize("name", NAMES)
def test_refined_without_refinements_is_published(make_target, name):
    workload = Workload((CONV, LINEAR), batch=3)
    assert make_target(name, mode="refined", refinements=[]).cost(workload) == make_target(name).cost(workload)


def test_exact_cycles_have_no_rounding_error(make_target):
    published, refined = both(make_target, "dla", "exact-cycles", (CONV,))
    assert (published.cycles.total, refined.cycles.total) == (13_441, 13_440)


@pytest.mark.parametrize(("name", "cycles"), [("dla", 128 * 16), ("m4bram", 16 * 16 * 10 + 16 * 8)])
def test_dense_padding_fills_the_loops(make_target, name, cycles):
    published, refined = both(make_target, name, "dense-padding", (LINEAR,))
    # One column of three, or of seven, is used: 512 / 4 by 1000 / 64; in block RAMs 512 / 32 by 1000 / 64 of 10.
    assert refined.cycles.total == pytest.approx(cycles, abs=1)  # where cycles are not exact
    assert published.cycles.total < refined.cycles.total / 2


def test_dense_padding_lets_samples_share_the_columns(make_target):
    one, three, four = (
        make_target("dla", mode="refined", refinements=["dense-padding", "exact-cycles"]).cost(
            Workload((LINEAR,), batch=batch)
        )
        for batch in (1, 3, 4)
    )
    assert one.cycles.total == three.cycles.total == four.cycles.total / 2


def test_dense_padding_makes_layers_independent(make_target):
    published, refined = make_target("m4bram"), make_target("m4bram", mode="refined")
    # The published model lends a dense layer the filter cache of the largest convolution.
    wide = Layer("conv", "conv", 2048, 2048, 7, 7, 7, 7, kernel=3)
    lent, refined_lent = (
        [target.cost(Workload((convolution, LINEAR))).layers[1].cycles.total for convolution in (CONV, wide)]
        for target in (published, refined)
    )
    assert lent[1] < lent[0]
    assert refined_lent[1] == refined_lent[0]
    assert (published.is_additive, refined.is_additive) == (False, True)


@pytest.mark.parametrize("name", NAMES)
def test_memory_bandwidth_limits_dense_layers(make_target, name):
    published, refined = both(make_target, name, "memory-bandwidth", (LINEAR,))
    assert published.cycles.dram == 0
    # 512,000 bytes of weights at 19.2 GB/s and 0.3 GHz.
    assert refined.cycles.total == refined.cycles.dram == pytest.approx(512_000 / (19.2 / 0.3))
    assert refined.layers[0].bytes_moved == 512_000


def test_memory_bandwidth_moves_tensors_that_do_not_stay(make_target):
    large = Layer("conv", "conv", 64, 64, 224, 224, 224, 224)
    _, refined = both(make_target, "m4bram", "memory-bandwidth", (large, CONV))
    assert refined.layers[0].bytes_moved == 64 * 64 + 2 * 64 * 224 * 224
    assert refined.layers[1].bytes_moved == 128 * 128 * 9


def test_memory_bandwidth_moves_what_a_batch_does_not_leave_room_for(make_target):
    per_sample = {}
    for batch in (1, 1024):
        target = make_target(mode="refined", refinements=["memory-bandwidth"])
        moved = target.cost(Workload((CONV,), batch=batch)).layers[0].bytes_moved - CONV.params
        per_sample[batch] = moved / batch
    assert per_sample == {1: 0, 1024: CONV.in_elements + CONV.out_elements}


def test_memory_bandwidth_lets_feature_maps_exceed_the_chip(make_target):
    large = Layer("conv", "conv", 64, 64, 224, 224, 224, 224, kernel=3)
    changes = {"configuration": None, "bram_budget": 1000}
    with pytest.raises(NoConfigurationError):
        make_target("dla", **changes).choose(Workload((large,)))
    refined = make_target("dla", mode="refined", refinements=["memory-bandwidth"], **changes)
    found = refined.choose(Workload((large,)))
    assert found.filter_brams + found.stream_brams == 1000
    assert refined.cost(Workload((large,))).layers[0].bytes_moved == 64 * 64 * 9 + 2 * 64 * 224 * 224


def test_bram_clock_limits_double_pumping(make_target):
    changes = {"clock_ghz": 0.6, "design": "DP-M4L"}
    published, refined = both(make_target, "m4bram", "bram-clock", (CONV,), **changes)
    assert published.cycles == refined.cycles
    assert refined.latency_ms / published.latency_ms == pytest.approx(0.6 * 2 * 1.047)
    for name, design in (("m4bram", "SY-M4L"), ("dla", "DLA")):
        published, refined = both(make_target, name, "bram-clock", (CONV,), clock_ghz=0.6, design=design)
        assert refined.latency_ms == published.latency_ms


def engines(refinement, design="DLA", bits=8):
    return Engine(DESIGNS[design], 8, bits), Engine(DESIGNS[design], 8, bits, refinements=frozenset([refinement]))


def test_stream_stride_widens_the_windows_of_dla():
    strided = Network.of(Workload((Layer("conv", "conv", 8, 16, 32, 32, 16, 16, kernel=3, stride=2),)))
    configurations = Configurations.of(Configuration(pvec=1, dsp_qvec=3, dsp_cvec=4, dsp_kvec=64))
    published, refined = (engine.stream_buffer_brams(strided, configurations)[0] for engine in engines("stream-stride"))
    # Windows of 2 + 3 and of 2 x 2 + 3 columns, for 4 channels, each bank a block.
    assert (published, refined) == (20, 28)


def test_stream_words_hold_what_fits():
    network = Network.of(Workload((CONV,)))
    configurations = Configurations.of(Configuration(pvec=1, dsp_qvec=1, dsp_cvec=4, dsp_kvec=64))
    published, refined = (
        engine.stream_buffer_brams(network, configurations)[0] for engine in engines("stream-words", bits=5)
    )
    # 50,176 activations in 12 banks are 4,182 deep: 3 blocks of 2,048, or 2 of 3,072.
    assert (published, refined) == (36, 24)


def test_duplicated_filters_compute_too():
    network = Network.of(Workload((CONV, LINEAR)))
    shared = Configurations.of(
        Configuration(pvec=2, dsp_qvec=1, dsp_cvec=4, dsp_kvec=32, bram_qvec=4, bram_cvec=16, bram_kvec=64)
    )
    published, refined = engines("duplicated-filters", "SY-M4L")
    assert published.placed_filter_brams(network, shared) == refined.placed_filter_brams(network, shared)
    assert 2 * published.filter_cache_brams(network, shared) == refined.filter_cache_brams(network, shared)
    assert refined.cycles(network, shared)[0] < published.cycles(network, shared)[0]


def test_column_split_lets_both_end_together(make_target):
    layer = Layer("conv", "conv", 128, 128, 15, 15, 15, 15, kernel=3)
    published, refined = both(make_target, "m4bram", "column-split", (layer,))
    # A pass of 3 columns takes the DSPs 2,880 cycles, one of 4 the block RAMs 3,600, and 240 to read.
    assert published.cycles.total == 3 * (3600 + 240)
    # Divided as they like, 9 columns go to the DSPs and 6 to the block RAMs.
    assert refined.cycles.total == max(3 * 2880, 2 * (3600 + 240))


def test_column_split_is_the_best_there_is():
    rng = np.random.default_rng(0)
    refined = Engine(DESIGNS["SY-M4L"], 8, 8, refinements=frozenset(["column-split"]))
    for _ in range(50):
        q, dsp_q, bram_q = (int(rng.integers(1, top)) for top in (60, 6, 6))
        configuration = Configuration(
            pvec=1, dsp_qvec=dsp_q, dsp_cvec=4, dsp_kvec=32, bram_qvec=bram_q, bram_cvec=16, bram_kvec=64
        )
        layer = Network.of(Workload((Layer("conv", "conv", 64, 64, q, q, q, q, kernel=3),))).layers[0]
        found = int(refined.layer_cycles(layer, Configurations.of(configuration), np.zeros(1, np.int64))[0])
        dsp_pass, bram_pass, read_pass = 16 * 3 * 2 * q, 4 * 10 * 3 * q, 8 * q
        splits = [
            max(-(-columns // dsp_q) * dsp_pass, -(-(q - columns) // bram_q) * (bram_pass + read_pass))
            for columns in range(q + 1)
        ]
        together = -(-q // (dsp_q + bram_q)) * (read_pass + max(dsp_pass, bram_pass))
        assert found == min(*splits, together)


def test_same_objective_finds_the_fastest_baseline(make_target):
    workload = Workload((CONV, Layer("wide", "conv", 96, 200, 27, 27, 27, 27, kernel=5)))
    changes = {"configuration": None, "objective": "speedup_per_area"}
    published = make_target("dla", **changes).choose(workload)
    refined = make_target("dla", mode="refined", refinements=["same-objective"], **changes).choose(workload)
    assert refined.cycles < published.cycles
    assert refined.area > published.area


def test_other_operations_cost_what_they_take(make_target):
    pool = Layer("pool", "pool", 64, 64, 28, 28, 14, 14, kernel=3)
    with pytest.raises(UnsupportedLayerError, match="pool"):
        make_target("dla").cost(Workload((pool,)))
    cost = make_target("dla", mode="refined", refinements=["other-operations"]).cost(Workload((pool,)))
    assert cost.cycles.total == 9 * 64 * 196 / 64


def test_published_objective_is_the_authors(make_target):
    network = Network.of(Workload((CONV,)))
    engine, budget = Engine(DESIGNS["DLA"], 8, 8), Budget(1152, 2489)
    expected = best_configuration(
        engine,
        network,
        budget,
        objective="speedup_per_area",
        relative_to=candidate(engine, network, REFERENCE_DLA),
    )
    target = make_target("dla", configuration=None, objective="speedup_per_area")
    assert target.choose(Workload((CONV,))) == expected


def test_other_operations_products_take_each_head_in_turn(make_target):
    one = Layer("attention", "matmul", 64, 128, in_width=128, out_width=128)
    four = Layer("attention", "matmul", 4 * 64, 4 * 128, in_width=128, out_width=128, groups=4)
    costs = [make_target(mode="refined").cost(Workload((layer,), batch=2)) for layer in (one, four)]
    assert costs[1].cycles.compute == 4 * costs[0].cycles.compute
    assert costs[1].layers[0].macs == 2 * 4 * 64 * 128 * 128

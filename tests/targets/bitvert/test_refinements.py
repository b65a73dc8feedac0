"""Each refinement alone removes its fault from the published model of BitVert and its baselines."""

import numpy as np
import pytest

from spaces.base import Layer, Workload
from targets import Precision, UnsupportedLayerError, hardware_names, load_hardware

DESIGNS = [name for name in hardware_names() if load_hardware(name).target == "bitvert"]
# 64 channels of 14 x 14: 4 slices x 9 positions x 2 blocks of rows x 14 rows of one block of columns are 1,008 tiles.
CONV = Layer("conv", "conv", 64, 64, 14, 14, 14, 14, kernel=3)
LINEAR = Layer("linear", "linear", 512, 512, 128, 1, 128, 1)


def both(make_target, name, refinement, workload, precision=None, **weights):
    """The costs as published, and with one refinement."""
    workload = Workload(workload) if isinstance(workload, tuple) else workload
    targets = make_target(name), make_target(name, mode="refined", refinements=[refinement])
    return [target.cost(workload, precision, **weights) for target in targets]


def compute(cost):
    return cost.cycles.compute


@pytest.mark.parametrize("name", DESIGNS)
def test_refined_without_refinements_is_published(make_target, name):
    workload = Workload((CONV, LINEAR), batch=3)
    assert make_target(name, mode="refined", refinements=[]).cost(workload) == make_target(name).cost(workload)


@pytest.mark.parametrize(("name", "share"), [("bitvert-moderate", 4.8 / 8), ("bitwave", 6 / 8), ("bitvert-ant", 6 / 8)])
def test_weight_traffic_is_counted_once(make_target, name, share):
    published, refined = both(make_target, name, "weight-traffic", (LINEAR,))
    assert published.layers[0].bytes_moved == refined.layers[0].bytes_moved
    weight_bits = refined.layers[0].details["w_bytes"] * 8
    assert refined.cycles.dram * 128 == refined.layers[0].bytes_moved * 8
    # Its input stays in the published model's memory traffic: 64 KiB, at 6 bits for ANT.
    input_bits = refined.layers[0].details["i_bytes"] * (6 if name == "bitvert-ant" else 8)
    assert published.cycles.dram == pytest.approx((weight_bits * share + input_bits) / 128, rel=0.002)
    assert compute(published) == compute(refined)


def test_output_folding_fills_the_columns(make_target):
    published, refined = both(make_target, "stripes", "output-folding", (CONV,))
    # 14 blocks of 14 of 16 columns become 196 / 16 = 12.25, so 13.
    assert compute(refined) / compute(published) == 13 / 14


def test_flat_reduction_fills_the_lanes_of_a_stem(make_target):
    stem = Layer("stem", "conv", 3, 64, 224, 224, 112, 112, kernel=7)
    published, refined = both(make_target, "bitvert-moderate", "flat-reduction", (stem,))
    # 49 positions in 4 slices for each of 3 channels become 147 weights in 10 slices.
    assert compute(refined) / compute(published) == pytest.approx(10 / 12)


def test_flat_reduction_keeps_all_bits_of_given_weights(make_target):
    rng = np.random.default_rng(0)
    tensors = {"stem": rng.integers(-127, 128, (32, 3, 7, 7)).astype(np.int8)}
    stem = Layer("stem", "conv", 3, 32, 32, 32, 16, 16, kernel=7)
    published, refined = both(make_target, "bitlet", "flat-reduction", (stem,), weights=tensors)
    assert compute(refined) < compute(published)
    # 147 weights have at least as many ones in a column as there are sign bits.
    ones = (tensors["stem"] < 0).reshape(32, -1).sum(axis=1).max()
    assert compute(refined) >= ones * 16


def test_channel_blocks_hold_whole_sensitive_channels(make_target):
    published, refined = both(make_target, "bitvert-moderate", "channel-blocks", (CONV,))
    # floor(0.2 x 64) = 12 channels: 12/64 of every tile, or one block of rows of two.
    assert compute(published) == pytest.approx(1008 * (12 / 64 * 8 + 52 / 64 * 4))
    assert compute(refined) == 1008 * (8 + 4) / 2
    assert refined.layers[0].details["w_prec_eff"] == 6


def test_metadata_crosses_the_memory(make_target):
    published, refined = both(make_target, "bitvert-moderate", "metadata", (LINEAR,))
    groups = 512 * 512 / 32
    assert refined.layers[0].bytes_moved - published.layers[0].bytes_moved == groups


def test_sign_column_of_zeros_saves_no_cycle(make_target):
    zeros = {"linear": np.zeros((512, 512), dtype=np.int8)}
    published, refined = both(make_target, "bitwave", "sign-column", (LINEAR,), weights=zeros)
    tiles = 64 * 16 * 8
    assert (compute(published), compute(refined)) == (-tiles, tiles)


def test_sign_column_counts_magnitudes_where_there_are_no_signs(make_target):
    ones = {"linear": np.full((512, 512), 124, dtype=np.int8)}
    published, refined = both(make_target, "bitwave", "sign-column", (LINEAR,), weights=ones)
    tiles = 64 * 16 * 8
    assert (compute(published), compute(refined)) == (4 * tiles, 5 * tiles)


def test_channel_groups_are_the_slices_of_an_element(make_target):
    rows = np.full((32, 32), 127, dtype=np.int8)
    rows[:, :8] = 3
    layer = Layer("linear", "linear", 32, 32, 16, 1, 16, 1)
    published, refined = both(make_target, "bitwave", "channel-groups", (layer,), weights={"linear": rows})
    # 127 goes to 124, five columns. With it goes 3 to 4, one column; alone it keeps its two. Less a sign column each.
    assert (compute(published), compute(refined)) == (3 * 4 + 0, 3 * 4 + 1)


def test_essential_bits_recode_and_ignore_the_sign(make_target):
    minus_127 = {"linear": np.full((512, 512), -127, dtype=np.int8)}
    published, refined = both(make_target, "pragmatic", "essential-bits", (LINEAR,), weights=minus_127)
    tiles = 64 * 16 * 8
    # Seven ones and a sign; -128 + 1.
    assert (compute(published), compute(refined)) == (8 * tiles, 2 * tiles)


@pytest.mark.parametrize("name", ["pragmatic", "bitlet"])
def test_row_queues_wait_only_at_the_end(make_target, name):
    published, refined = both(make_target, name, "row-queues", (LINEAR,))
    assert compute(refined) < compute(published)
    # With equal rows there is nothing to wait for.
    row = np.random.default_rng(0).integers(-127, 128, 512).astype(np.int8)
    equal = {"linear": np.tile(row, (512, 1))}
    published, refined = both(make_target, name, "row-queues", (LINEAR,), weights=equal)
    assert compute(refined) == compute(published)


def test_batching_shares_weights_and_columns(make_target):
    one_token = Workload((Layer("linear", "linear", 512, 512),), batch=16)
    published, refined = both(make_target, "stripes", "batching", one_token)
    assert compute(published) == 16 * compute(refined)
    assert refined.layers[0].bytes_moved < published.layers[0].bytes_moved / 10
    assert published.layers[0].macs == refined.layers[0].macs == 16 * 512 * 512


def test_other_operations_cost_what_they_take(make_target):
    add = Layer("add", "add", 64, 64, 14, 14, 14, 14, inputs=2)
    pool = Layer("pool", "pool", 64, 64, 28, 28, 14, 14, kernel=3)
    product = Layer("attention", "matmul", 64, 128, 128, 1, 128, 1)
    for layer in (add, pool, product):
        with pytest.raises(UnsupportedLayerError, match=layer.name):
            make_target("stripes").cost(Workload((layer,)))
    refined = make_target("stripes", mode="refined", refinements=["other-operations"])
    costs = refined.cost(Workload((add, pool, product)))
    # 16 operations per cycle; 64 x 196 and 9 x 64 x 196 of them. The product is 8 x 4 x 8 tiles of 8 bits.
    assert [row.cycles.compute for row in costs.layers] == [784, 7056, 8 * 4 * 8 * 8]
    assert all(row.energy_mj > 0 for row in costs.layers)


def test_other_operations_products_of_activations_are_not_pruned(make_target):
    product = Layer("attention", "matmul", 64, 128, 128, 1, 128, 1)
    cost = make_target("bitvert-moderate", mode="refined").cost(Workload((product,)))
    assert cost.layers[0].details["w_prec_eff"] == 8
    batch = make_target("bitvert-moderate", mode="refined").cost(Workload((product,), batch=4))
    assert compute(batch) == 4 * compute(cost)
    heads = Layer("attention", "matmul", 16 * 64, 16 * 128, in_width=128, out_width=128, groups=16)
    many = make_target("bitvert-moderate", mode="refined").cost(Workload((heads,)))
    assert compute(many) == 16 * compute(cost)
    # Queries and keys of 16 heads take 128 KiB each, which stays, their scores 256 KiB.
    assert (cost.layers[0].bytes_moved, many.layers[0].bytes_moved) == (0, 16 * 128 * 128)


def test_tensor_residency_is_seen_alike_by_writer_and_reader(make_target):
    # The first layer's output of 196 KiB does not stay; published, the second's small sum hides that it must be read.
    first = Layer("first", "conv", 64, 256, 28, 28, 28, 28)
    second = Layer("second", "conv", 256, 8, 28, 28, 28, 28)
    third = Layer("third", "conv", 8, 8, 28, 28, 28, 28)
    published, refined = both(make_target, "stripes", "tensor-residency", (first, second, third))
    assert published.layers[0].bytes_moved == 64 * 256 + 64 * 784
    assert published.layers[1].bytes_moved == 256 * 8
    assert refined.layers[0].bytes_moved == 64 * 256 + 256 * 784
    assert refined.layers[1].bytes_moved == 256 * 8 + 256 * 784
    assert refined.layers[2].bytes_moved == published.layers[2].bytes_moved


def test_refetch_choice_takes_the_cheaper_operand(make_target):
    # 2.25 MiB of weights, 384 KiB of inputs: inputs eight times again, or weights once more.
    layer = Layer("linear", "linear", 3072, 768, 128, 1, 128, 1)
    published, refined = both(make_target, "stripes", "refetch-choice", (layer,))
    assert (published.layers[0].details["fetch_w"], published.layers[0].details["fetch_i"]) == (1, 8)
    moved = [cost.layers[0].bytes_moved for cost in (published, refined)]
    assert moved[1] <= moved[0]
    wide = Layer("linear", "linear", 1024, 4096, 400, 1, 400, 1)
    published, refined = both(make_target, "stripes", "refetch-choice", (wide,))
    assert (published.layers[0].details["fetch_i"], refined.layers[0].details["fetch_w"]) == (15, 2)
    # The last output is free.
    assert refined.layers[0].bytes_moved == 2 * 1024 * 4096 + 1024 * 400


def test_refined_is_additive_and_published_is_not(make_target):
    assert make_target(mode="refined").is_additive
    assert not make_target().is_additive
    assert not make_target(mode="refined", refinements=["tensor-residency"]).is_additive


def test_refined_whole_model_differs_from_published(make_target):
    # 4.8 of 8 bits: the published model reads 0.6 of the weights that there are.
    published = make_target("bitvert-moderate").cost(Workload((LINEAR,)), Precision(4, 8))
    refined = make_target("bitvert-moderate", mode="refined").cost(Workload((LINEAR,)), Precision(4, 8))
    assert refined.cycles.dram > published.cycles.dram

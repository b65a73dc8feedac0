"""Distinct bits, as the netlist counts them, against what the Verilog declares and what Yosys has left."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targets.fpga.area_fit import Sample
from targets.fpga.arithmetic import sum_of_products
from targets.fpga.core import build_core
from targets.fpga.counts import layer_features, operand, sum_features
from targets.fpga.netlist import Netlist
from targets.fpga.options import Options
from targets.fpga.primitives import GemmTreeFullyUnrolled, GemmTreeRowParallel, adder_levels

odd_weights = st.sampled_from([1, 3, -1, -3])
options = st.builds(
    Options,
    weight_bits=st.just(4),
    activation_bits=st.integers(1, 6),
    signed_activations=st.booleans(),
    encoding=st.sampled_from(["csd", "plain"]),
    pipelined=st.just(True),
)


def _declared_register_bits(row: list[int], chosen: Options) -> int:
    levels = adder_levels(sum(weight != 0 for weight in row))
    declared = 0
    for line in build_core("core", row, chosen, levels=levels).text.splitlines():
        if line.strip().startswith("reg "):
            bounds = line[line.index("[") + 1 : line.index("]")].split(":")
            declared += int(bounds[0]) - int(bounds[1]) + 1
    return declared


@settings(max_examples=60, deadline=None)
@given(row=st.lists(odd_weights, min_size=1, max_size=12), chosen=options)
def test_registers_of_odd_weights_with_an_activation_each_are_all_that_the_circuit_declares(
    row: list[int], chosen: Options
):
    # Narrower activations and other digits can leave equal bits in one product.
    chosen = replace(chosen, activation_bits=chosen.activation_bits + 1, encoding="csd")
    assert sum_features(np.array([row]), chosen).register_bits == _declared_register_bits(row, chosen)


@settings(max_examples=60, deadline=None)
@given(row=st.lists(st.integers(-8, 7), min_size=1, max_size=12), chosen=options)
def test_registers_are_never_more_than_the_circuit_declares(row: list[int], chosen: Options):
    assert sum_features(np.array([row]), chosen).register_bits <= _declared_register_bits(row, chosen)


def test_trailing_zeros_of_a_constant_take_no_register():
    chosen = Options(5, 4)
    three, twelve = (sum_features(np.array([[weight]]), chosen) for weight in (3, 12))
    assert three.register_bits == twelve.register_bits == 6
    assert three.additions == twelve.additions


def test_equal_products_of_an_activation_are_there_once():
    chosen = Options(5, 4)
    alone = sum_features(np.array([[3]]), chosen)
    assert sum_features(np.array([[3], [3], [6], [12]]), chosen).register_bits == alone.register_bits
    five, nine = (sum_features(np.array([[weight]]), chosen) for weight in (5, 9))
    # The two low bits of 4x + x are those of 8x + x: the activation's.
    both = sum_features(np.array([[5], [9]]), chosen)
    assert both.register_bits == five.register_bits + nine.register_bits - 2


def test_low_bits_that_one_term_alone_reaches_are_not_added():
    netlist = Netlist(is_registered=False)
    word = operand(netlist, "x", Options(4, 4))
    total = sum_of_products(netlist, [5], lambda place: word, Options(4, 4, pipelined=False), levels=0)
    assert total.bits[:2] == word.bits[:2]
    (addition,) = netlist.additions.values()
    assert len(addition.inputs) == 7 - 2


def test_bits_of_a_product_depend_on_no_more_than_the_activation():
    features = sum_features(np.array([[107]]), Options(8, 4))
    assert features.additions[4].narrow_bits > 0
    assert features.additions[4].saved_bits == 0
    wider = sum_features(np.array([[107]]), Options(8, 8)).additions
    assert wider[4].saved_bits > wider[6].saved_bits > 0


def test_activations_that_no_weight_needs_do_not_wait():
    weights = np.array([[1, 2], [0, 0], [3, 1]])
    used = layer_features(GemmTreeFullyUnrolled(1, 3, 2), weights, Options(3, 5))
    assert used.window_bits == 2 * 5
    assert used == layer_features(GemmTreeFullyUnrolled(1, 2, 2), weights[[0, 2]], Options(3, 5))


def test_flip_flops_are_those_that_yosys_leaves(samples: list[Sample]):
    errors = []
    for one in samples:
        if one.flow == "ice40":
            told = one.features.register_bits + one.features.window_bits + one.features.control_bits
            errors.append(abs(told - one.found["flip_flops"]) / max(one.found["flip_flops"], 1))
    assert len(errors) > 100
    assert np.mean(np.array(errors) == 0) > 0.6
    assert np.quantile(errors, 0.95) < 0.07


def test_bits_that_are_subtracted_from_another_term_are_inverted_once():
    chosen = Options(4, 4)
    # 7 = 8 - 1 subtracts the activation; the two sums subtract the same product from others.
    assert sum_features(np.array([[7]]), chosen).inverted_bits == 4
    assert sum_features(np.array([[1, 1]]), chosen).inverted_bits == 0
    assert sum_features(np.array([[1, -1, 0], [0, -1, 1]]), chosen).inverted_bits == 4


def test_chain_bits_are_all_of_an_addition_whatever_fits_into_a_lut():
    narrow, wide = (sum_features(np.array([[1, 1]]), Options(2, bits)).additions for bits in (2, 8))
    for size, bits in ((4, 3), (6, 3)):
        assert narrow[size].chain_bits == bits
        assert wide[size].chain_bits == 9
    assert (narrow[6].wide_bits, narrow[6].saved_chain_bits) == (0, 0)
    assert sum_features(np.array([[11]]), Options(5, 4)).additions[6].saved_chain_bits > 0


def test_registers_of_a_shared_product_are_merged_by_synthesis():
    pytest.importorskip("pyosys")
    from targets.fpga.synthesis import synthesise
    from targets.fpga.verilog import generate

    layer, chosen = GemmTreeRowParallel(3, 2, 3), Options(4, 3)
    weights = np.array([[3, 6, -3], [0, 5, 2]])
    features = layer_features(layer, weights, chosen)
    told = features.register_bits + features.window_bits + features.control_bits
    assert synthesise(generate(layer, weights, chosen), "ice40").flip_flops == told


def test_only_signed_trees_without_registers_are_merged():
    row = np.array([[1, 3, -5, 7, 1]])  # three levels
    merged = {
        (signed, pipelined): sum_features(row, Options(4, 4, signed, pipelined=pipelined)).merged_bits
        for signed in (False, True)
        for pipelined in (False, True)
    }
    assert merged.pop((True, False)) > 0
    assert set(merged.values()) == {0}
    two = sum_features(row[:, :2], Options(4, 4, True, pipelined=False))  # a level has nothing to merge with
    assert two.merged_bits == 0


def test_bits_of_a_chain_that_one_term_alone_reaches_are_no_pairs():
    # 9x = 8x + x of four bits: the lowest three are the activation's, one is x's and the shifted one's.
    additions = sum_features(np.array([[9]]), Options(5, 4)).additions[6]
    assert (additions.chain_bits, additions.paired_bits) == (5, 1)

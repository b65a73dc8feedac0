"""Quantisation errors of whole networks."""

import numpy as np
import pytest

from spaces.fbnet import Fbnet
from spaces.nb201 import Nb201
from targets.formats import mse_evaluator, parse_format, sqnr_evaluator

NB201, FBNET = Nb201(), Fbnet()


@pytest.mark.parametrize("space", [NB201, FBNET], ids=["nb201", "fbnet"])
def test_sqnr_evaluator_wider_formats_lose_less_on_every_network(space):
    architectures = space.sample(20, rng=np.random.default_rng(0))
    int3, int4, int8 = (sqnr_evaluator(space, parse_format(name))(architectures) for name in ("int3", "int4", "int8"))
    assert (int3 < int4).all()
    # Four bits are worth 24 decibels.
    np.testing.assert_allclose(int8 - int4, 24, atol=1.5)


def test_sqnr_evaluator_bitmod_beats_integers_of_its_width():
    architectures = NB201.sample(50, rng=np.random.default_rng(0))
    bitmod, integers = (sqnr_evaluator(NB201, parse_format(name))(architectures) for name in ("bitmod4", "int4"))
    assert (bitmod > integers + 2).all()


def test_sqnr_evaluator_is_the_same_alone_and_in_a_batch():
    architectures = FBNET.sample(6, rng=np.random.default_rng(0))
    evaluate = sqnr_evaluator(FBNET, parse_format("nf4"))
    assert evaluate(architectures).tolist() == [float(evaluate([each])[0]) for each in architectures]
    assert evaluate([]).shape == (0,)


def test_sqnr_evaluator_equals_the_errors_of_the_drawn_weights():
    from targets.formats.network import _layer_energies

    signal, noise = _layer_energies(16, 64, parse_format("int4"))
    assert signal == pytest.approx(16 * 64 * 2 / 64, rel=0.3)
    assert 10 < 10 * np.log10(signal / noise) < 20
    assert _layer_energies(16, 64, parse_format("int4")) == (signal, noise)


def test_sqnr_evaluator_cells_without_weights_share_what_every_network_has():
    empty, full = NB201.parse([0] * 6), NB201.parse([3] * 6)
    values = sqnr_evaluator(NB201, parse_format("int4"))([empty, full])
    assert np.isfinite(values).all()
    assert values[0] != values[1]


def test_sqnr_evaluator_layer_groups_in_formats_of_their_own_lie_between_them():
    architectures = NB201.sample(10, rng=np.random.default_rng(0))
    int4, int8 = parse_format("int4"), parse_format("int8")
    head = frozenset({"head"})
    rest = frozenset(NB201.layer_groups) - head
    narrow, wide = sqnr_evaluator(NB201, int4)(architectures), sqnr_evaluator(NB201, int8)(architectures)
    np.testing.assert_allclose(sqnr_evaluator(NB201, {head: int4, rest: int4})(architectures), narrow)
    mixed = sqnr_evaluator(NB201, {head: int8, rest: int4})(architectures)
    assert (narrow < mixed).all()
    assert (mixed < wide).all()


def test_mse_evaluator_is_the_noise_of_each_weight():
    architectures = NB201.sample(10, rng=np.random.default_rng(0))
    errors = {name: mse_evaluator(NB201, parse_format(name))(architectures) for name in ("int3", "int4", "int8")}
    assert (errors["int3"] > errors["int4"]).all()
    # Twice the signal-to-noise ratio is half the error, as the weights are the same.
    gain_db = 10 * np.log10(errors["int4"] / errors["int8"])
    sqnr_db = [sqnr_evaluator(NB201, parse_format(name))(architectures) for name in ("int4", "int8")]
    np.testing.assert_allclose(sqnr_db[1] - sqnr_db[0], gain_db, rtol=1e-9)
    # Weights of a layer with n inputs have the variance 2 / n; the smallest layers here have 16, the largest 576.
    assert ((errors["int4"] > 2 / 576 * 1e-3) & (errors["int4"] < 2 / 16 * 1e-1)).all()


def test_mse_evaluator_of_groups_is_the_mean_over_all_weights():
    stem, rest = frozenset({"stem"}), frozenset(NB201.layer_groups) - {"stem"}
    architectures = NB201.sample(5, rng=np.random.default_rng(0))
    alike = mse_evaluator(NB201, {stem: parse_format("int4"), rest: parse_format("int4")})
    np.testing.assert_allclose(alike(architectures), mse_evaluator(NB201, parse_format("int4"))(architectures))

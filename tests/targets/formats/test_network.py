"""Quantisation errors of whole networks."""

import numpy as np
import pytest

from spaces.fbnet import Fbnet
from spaces.nb201 import Nb201
from targets.formats import parse_format, sqnr_evaluator

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

"""Functions of the bits of a sum, against the sum itself."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from targets.fpga.counts import sum_features
from targets.fpga.options import Options
from targets.fpga.truth_tables import MOST_VARIABLES, functions

FIRST = 11  # numbers of the variables need not begin at one


@st.composite
def sums(draw: st.DrawFn) -> tuple[list[list[int]], list[int]]:
    width, terms = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    bit = st.sampled_from([0, *range(FIRST, FIRST + MOST_VARIABLES)])
    columns = draw(st.lists(st.lists(bit, min_size=width, max_size=width), min_size=terms, max_size=terms))
    return columns, draw(st.lists(st.sampled_from([1, -1]), min_size=terms, max_size=terms))


@settings(max_examples=60, deadline=None)
@given(sums())
def test_functions_are_the_bits_of_the_sum(drawn: tuple[list[list[int]], list[int]]):
    columns, signs = drawn
    found = functions(columns, signs)
    for values in itertools.product((0, 1), repeat=MOST_VARIABLES):
        bits = {0: 0} | dict(enumerate(values, FIRST))
        numbers = [sum(bits[bit] << place for place, bit in enumerate(column)) for column in columns]
        total = sum(sign * number for sign, number in zip(signs, numbers, strict=True))
        for place, one in enumerate(found):
            row = sum(bits[variable] << index for index, variable in enumerate(one.variables))
            assert one.table >> row & 1 == total >> place & 1


@settings(max_examples=60, deadline=None)
@given(sums())
def test_functions_depend_on_each_of_their_variables(drawn: tuple[list[list[int]], list[int]]):
    for one in functions(*drawn):
        rows = range(1 << len(one.variables))
        for index in range(len(one.variables)):
            assert any(one.table >> row & 1 != one.table >> (row ^ 1 << index) & 1 for row in rows)


def test_functions_that_are_equal_have_equal_tables_whatever_else_is_added():
    # The lowest bits of x + y, x - y and x + y + 2z are the same.
    plus, minus = (functions([[3, 4], [5, 6]], [1, sign])[0] for sign in (1, -1))
    more = functions([[3, 4], [5, 6], [0, 7]], [1, 1, 1])[0]
    assert plus == minus == more
    assert plus.variables == (3, 5)
    assert not plus.is_trivial
    assert functions([[3, 3]], [1])[0].is_trivial


def test_products_of_a_narrow_activation_share_the_functions_that_they_hold():
    weights, options = np.array([[3], [5], [7], [-3], [11], [13]]), Options(5, 2)
    together = sum_features(weights, options)
    apart = [sum_features(weights[[row]], options) for row in range(len(weights))]
    assert together.additions[4].narrow_bits < 0.8 * sum(each.additions[4].narrow_bits for each in apart)
    assert together.equal_bits > sum(each.equal_bits for each in apart)
    wider = [sum_features(weights, Options(5, bits)).equal_bits for bits in (3, 5)]
    assert together.equal_bits > wider[0] > wider[1]

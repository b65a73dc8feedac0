"""Buffers between the table's geometries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.sram_costs import sram_costs


def test_sram_costs_between_two_widths_lie_between_theirs():
    narrow, between, wide = sram_costs(524288, 8, [256, 270, 288]).read_pj
    assert narrow < between < wide


def test_sram_costs_wider_than_the_table_are_in_proportion():
    known, twice = sram_costs(524288, 8, [1024, 2048]).read_pj
    assert twice == pytest.approx(2 * known)


def test_sram_costs_grow_with_the_root_of_the_capacity_and_area_with_it():
    small, large = (sram_costs(size, 8, 512) for size in (524288, 4 * 524288))
    assert large.read_pj == pytest.approx(2 * small.read_pj)
    assert large.write_pj == pytest.approx(2 * small.write_pj)
    assert large.area_mm2 == pytest.approx(4 * small.area_mm2)


@given(st.integers(2**10, 2**24), st.integers(1, 64), st.integers(8, 2**14))
def test_sram_costs_of_any_buffer_are_positive_and_alone_as_in_an_array(size, banks, width):
    alone = sram_costs(size, banks, width)
    together = sram_costs([size, 524288], [banks, 8], [width, 128])
    for name in ("read_pj", "write_pj", "area_mm2"):
        assert getattr(alone, name) > 0
        assert getattr(together, name)[0] == getattr(alone, name)
        assert np.shape(getattr(together, name)) == (2,)


@pytest.mark.parametrize("geometry", [(0, 8, 128), (1024, 0, 128), (1024, 8, -1)])
def test_sram_costs_impossible_buffer_is_refused(geometry):
    with pytest.raises(ValueError, match="must be positive"):
        sram_costs(*geometry)

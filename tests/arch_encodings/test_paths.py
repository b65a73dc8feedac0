from itertools import pairwise

import numpy as np
import pytest

from arch_encodings import ENCODERS, UnsupportedSpaceError
from arch_encodings.paths import MOST_COLUMNS
from spaces import SPACES, get_space

NB201 = get_space("nb201")
NB101 = get_space("nb101")
NB301 = get_space("nb301")
PATHS = ENCODERS["paths"]
TRUNCATED = ENCODERS["paths_truncated"]
CHAINS = ("fbnet", "fbnet_imagenet", "ofa", "tnb101_macro")


def _paths(row, encoder=PATHS, space=NB201):
    encoded = encoder.encode(space, [space.parse(row)])[0]
    return {name for name, value in zip(encoder.feature_names(space), encoded, strict=True) if value}


def test_paths_of_nb201_are_all_sequences_up_to_three_operations():
    assert len(PATHS.feature_names(NB201)) == 1 + 3 + 9 + 27


def test_paths_chain_of_three_and_a_shortcut():
    assert _paths([3, 0, 2, 1, 0, 4]) == {"nor_conv_3x3>nor_conv_1x1>avg_pool_3x3", "direct"}


def test_paths_dead_operations_make_none():
    assert _paths([3, 0, 0, 0, 0, 3]) == set()


def test_paths_functionally_equal_cells_are_equal():
    first, second = NB201.parse([1, 3, 0, 0, 0, 2]), NB201.parse([0, 3, 0, 0, 4, 2])
    np.testing.assert_array_equal(*PATHS.encode(NB201, [first, second]))


def test_paths_truncated_of_a_listed_space_with_few_are_all():
    assert TRUNCATED.feature_names(NB201) == PATHS.feature_names(NB201)


def test_paths_truncated_of_nb101_are_all_364_of_up_to_five_operations():
    names = TRUNCATED.feature_names(NB101)
    assert len(names) == sum(3**length for length in range(6))
    assert names[:2] == ("direct", "conv3x3-bn-relu")
    assert not [name for name in names if "absent" in name]


@pytest.mark.parametrize(("name", "ops", "most"), [("nb301", 7, 2), ("nds_darts", 7, 2), ("nds_enas", 5, 3)])
def test_paths_truncated_of_two_cells_are_short_sequences_from_each_input_of_each(name, ops, most):
    """Neither `none` nor the nodes that add are operations of a path."""
    names = TRUNCATED.feature_names(get_space(name))
    assert len(names) == 2 * 2 * sum(ops**length for length in range(1, most + 1))
    assert {tuple(name.split(">")[0].split(":")) for name in names} == {
        (cell, source) for cell in ("normal", "reduce") for source in ("c_k-2", "c_k-1")
    }
    assert {op for name in names for op in name.split(">")[1:]} & {"none", "sum", "absent"} == set()


def test_paths_truncated_read_each_cell_and_leave_out_long_paths():
    """Nodes 0 to 3 of the normal cell: each reads c_k-2 by a skip, and the node before by a 3x3 separable one."""
    normal, reduce = "0.2-1.3|0.2-2.3|0.2-3.3|0.2-4.3", "0.0-1.0|0.0-1.0|0.0-1.0|0.0-1.0"
    found = _paths(f"{normal}/{reduce}", TRUNCATED, NB301)
    skip, sep, pool = "skip_connect", "sep_conv_3x3", "max_pool_3x3"
    assert found == {
        f"normal:c_k-2>{skip}",
        f"normal:c_k-2>{skip}>{sep}",
        f"normal:c_k-1>{sep}",
        f"normal:c_k-1>{sep}>{sep}",
        f"reduce:c_k-2>{pool}",
        f"reduce:c_k-1>{pool}",
    }


@pytest.mark.parametrize("name", [name for name in SPACES if name not in CHAINS])
def test_paths_truncated_are_bounded_and_sorted_by_length(name):
    space = get_space(name)
    names = TRUNCATED.feature_names(space)
    for cell in space.cells:
        own = [path for path in names if len(space.cells) == 1 or path.startswith(f"{cell}:")]
        assert len(own) <= MOST_COLUMNS
        lengths = [path.count(">") for path in own]
        assert all(first <= second for first, second in pairwise(lengths))


@pytest.mark.parametrize("name", CHAINS)
def test_paths_truncated_of_a_chain_are_refused(name):
    with pytest.raises(UnsupportedSpaceError, match=f"paths_truncated.*{name}.*chains"):
        TRUNCATED.encode(get_space(name), [])


def test_paths_of_a_chain_that_can_be_listed_are_refused():
    with pytest.raises(UnsupportedSpaceError, match=r"paths.*tnb101_macro.*chains"):
        PATHS.feature_names(get_space("tnb101_macro"))


@pytest.mark.parametrize("name", ["fbnet", "nb101", "nb301"])
def test_paths_of_a_space_that_cannot_be_listed_are_refused(name):
    with pytest.raises(UnsupportedSpaceError, match=f"paths.*{name}.*too large"):
        PATHS.encode(get_space(name), [])

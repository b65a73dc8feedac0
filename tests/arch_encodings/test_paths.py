import numpy as np

from arch_encodings import ENCODERS
from spaces import get_space

NB201 = get_space("nb201")
PATHS = ENCODERS["paths"]


def _paths(row):
    encoded = PATHS.encode(NB201, [NB201.parse(row)])[0]
    return {name for name, value in zip(PATHS.feature_names(NB201), encoded, strict=True) if value}


def test_paths_of_nb201_are_all_sequences_up_to_three_operations():
    assert len(PATHS.feature_names(NB201)) == 1 + 3 + 9 + 27


def test_paths_chain_of_three_and_a_shortcut():
    assert _paths([3, 0, 2, 1, 0, 4]) == {"nor_conv_3x3>nor_conv_1x1>avg_pool_3x3", "direct"}


def test_paths_dead_operations_make_none():
    assert _paths([3, 0, 0, 0, 0, 3]) == set()


def test_paths_functionally_equal_cells_are_equal():
    first, second = NB201.parse([1, 3, 0, 0, 0, 2]), NB201.parse([0, 3, 0, 0, 4, 2])
    np.testing.assert_array_equal(*PATHS.encode(NB201, [first, second]))

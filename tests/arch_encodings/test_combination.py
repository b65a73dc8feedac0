import numpy as np
import pytest

from arch_encodings import (
    COMBINATIONS,
    ENCODERS,
    Arch2vec,
    Cate,
    Combination,
    OneHot,
    Paths,
    UnsupportedSpaceError,
    Zcp,
    encoders_with,
)
from arch_encodings.learned.encoder import ARTIFACTS
from spaces import SPACES, get_space

NB201 = get_space("nb201")


def _numbers(space, architectures, names):
    """Stand-ins for proxies: the number of the row and of the column."""
    return np.add.outer(np.arange(len(architectures)), 100.0 * np.arange(len(names)))


def test_caz_has_the_order_of_flan():
    assert COMBINATIONS["caz"] == ("arch2vec", "cate", "zcp")


def test_combination_has_the_columns_of_its_parts_in_order():
    parts = [OneHot(), Paths()]
    combined = Combination("both", parts)
    architectures = NB201.sample(5, rng=np.random.default_rng(0))
    expected = np.concatenate([part.encode(NB201, architectures) for part in parts], axis=1)
    np.testing.assert_array_equal(combined.encode(NB201, architectures), expected)
    assert combined.feature_names(NB201) == (*OneHot().feature_names(NB201), *Paths().feature_names(NB201))


def test_combination_covers_what_all_parts_cover_and_computes_nothing_else():
    class Costly(OneHot):
        def encode(self, space, architectures):
            pytest.fail("computed")

    with pytest.raises(UnsupportedSpaceError, match=r"paths.*fbnet"):
        Combination("both", [Costly(), Paths()]).encode(get_space("fbnet"), [])


def test_encoders_with_another_source_of_proxies_use_it_alone_and_in_combinations():
    encoders = encoders_with(Zcp(_numbers, ["zen", "nwot"]))
    architectures = NB201.sample(3, rng=np.random.default_rng(0))
    zcp = encoders["zcp"].encode(NB201, architectures)
    np.testing.assert_array_equal(zcp, [[0, 100], [1, 101], [2, 102]])
    np.testing.assert_array_equal(encoders["caz"].encode(NB201, architectures)[:, -2:], zcp)
    assert {name for name in encoders if encoders[name] is not ENCODERS[name]} == {"zcp", *COMBINATIONS}


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_caz_covers_every_space_by_its_own_or_the_joint_weights(space):
    caz = encoders_with(Zcp(_numbers))["caz"]
    architectures = space.sample(2, rng=np.random.default_rng(0))
    encoded = caz.encode(space, architectures)
    assert encoded.shape == (2, 32 + 32 + 13)
    for method, embedded in ((Arch2vec, encoded[:, :32]), (Cate, encoded[:, 32:64])):
        has_own = (ARTIFACTS / f"{method.__name__.lower()}-{space.name}.safetensors").is_file()
        expected = method("own" if has_own else "joint").encode(space, architectures)
        np.testing.assert_allclose(embedded, expected, atol=1e-5)
        assert (embedded[0] != embedded[1]).any()

"""Single keys of a hardware description set to other values."""

import pytest

from targets import InvalidHardwareError, catalogue_description, vary

DESCRIPTION = {"name": "x", "array": {"rows": 4}, "units": [{"bits": 8}, {"bits": 16}]}


def test_vary_sets_plain_nested_and_listed_keys_and_leaves_the_original():
    varied = vary(DESCRIPTION, {"name": "y", "array.rows": 8, "units.1.bits": 32, "new": True})
    assert varied == {"name": "y", "array": {"rows": 8}, "units": [{"bits": 8}, {"bits": 32}], "new": True}
    assert DESCRIPTION == {"name": "x", "array": {"rows": 4}, "units": [{"bits": 8}, {"bits": 16}]}


def test_vary_nothing_is_the_description():
    assert vary(catalogue_description("olive"), {}) == catalogue_description("olive")


@pytest.mark.parametrize("path", ["name.rows", "arrays.rows", "units.2.bits", "units.x.bits", "units.9", "a.b.c"])
def test_vary_path_that_leads_nowhere_is_refused(path):
    with pytest.raises(InvalidHardwareError, match="leads to no key") as caught:
        vary(DESCRIPTION, {path: 1})
    assert [key for key, _ in caught.value.faults] == [path]

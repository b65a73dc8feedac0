import math

import pytest

from device_db import ConstraintError, EncodingValues, StoreCounts


def test_store_inserts_replaces_and_leaves_alone(session):
    values = EncodingValues(session)
    assert values.store("s", "zen", "seed=0", {"a": 1.5, "b": -2.0}) == StoreCounts(inserted=2)
    assert values.store("s", "zen", "seed=0", {"a": 1.5, "b": 3.0, "c": 1e44}) == StoreCounts(1, 1, 1)
    assert values.lookup("s", "zen", "seed=0", ["a", "b", "c", "x"]) == {"a": 1.5, "b": 3.0, "c": 1e44}


def test_undefined_value_is_known_and_can_become_defined(session):
    values = EncodingValues(session)
    assert values.store("s", "jacov", "", {"a": math.nan}) == StoreCounts(inserted=1)
    assert values.store("s", "jacov", "", {"a": math.nan}) == StoreCounts(unchanged=1)
    assert math.isnan(values.lookup("s", "jacov", "", ["a"])["a"])
    assert values.store("s", "jacov", "", {"a": 2.0}) == StoreCounts(updated=1)
    assert values.lookup("s", "jacov", "", ["a"]) == {"a": 2.0}


def test_lookup_keeps_spaces_encodings_and_configurations_apart(session):
    values = EncodingValues(session)
    values.store("s", "zen", "seed=0", {"a": 1.0})
    assert values.lookup("t", "zen", "seed=0", ["a"]) == {}
    assert values.lookup("s", "snip", "seed=0", ["a"]) == {}
    assert values.lookup("s", "zen", "seed=1", ["a"]) == {}
    assert values.lookup("s", "zen", "seed=0", []) == {}


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_store_of_an_infinite_value_breaks_a_constraint(session, value):
    with pytest.raises(ConstraintError):
        EncodingValues(session).store("s", "zen", "", {"a": value})


def test_configurations_count_defined_values_and_table_lists_them(session):
    values = EncodingValues(session)
    assert values.configurations("s", "nwot") == {}
    values.store("s", "nwot", "seed=0", {"b": 2.0, "a": 1.0, "c": math.nan})
    values.store("s", "nwot", "seed=1", {"a": 5.0})
    values.store("s", "zen", "seed=2", {"a": 7.0})
    values.store("t", "nwot", "seed=3", {"a": 9.0})
    assert values.configurations("s", "nwot") == {"seed=0": 2, "seed=1": 1}
    assert values.table("s", "nwot", "seed=0") == {"a": 1.0, "b": 2.0}

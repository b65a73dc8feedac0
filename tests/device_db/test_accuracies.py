import numpy as np
import pytest

from device_db import Accuracies, ConstraintError, StoreCounts


def test_store_inserts_replaces_and_leaves_alone(session):
    accuracies = Accuracies(session)
    assert accuracies.store("s", "d", {"a": 90.0, "b": 80.0}, "first") == StoreCounts(inserted=2)
    assert accuracies.store("s", "d", {"a": 91.0, "b": 80.0, "c": 0.0}, "first") == StoreCounts(1, 1, 1)
    assert accuracies.store("s", "d", {"b": 80.0}, "second") == StoreCounts(updated=1)
    assert accuracies.lookup("s", "d", ["a", "b", "c", "x"]) == {"a": 91.0, "b": 80.0, "c": 0.0}


def test_table_is_sorted_and_of_one_dataset(session):
    accuracies = Accuracies(session)
    accuracies.store("s", "d", {"b": 1.0, "a": 2.0, "B": 3.0}, "x")
    accuracies.store("s", "e", {"a": 4.0}, "x")
    accuracies.store("t", "d", {"a": 5.0}, "x")
    keys, values = accuracies.table("s", "d")
    assert keys == ["B", "a", "b"]
    np.testing.assert_array_equal(values, [3.0, 2.0, 1.0])
    assert accuracies.table("s", "none")[1].shape == (0,)


def test_datasets_are_those_of_the_space(session):
    accuracies = Accuracies(session)
    accuracies.store("s", "e", {"a": 4.0}, "x")
    accuracies.store("s", "d", {"a": 4.0, "b": 5.0}, "x")
    assert accuracies.datasets("s") == ["d", "e"]
    assert accuracies.datasets("t") == []


@pytest.mark.parametrize("value", [-0.1, 100.1, float("nan"), float("inf")])
def test_store_of_no_percentage_breaks_a_constraint(session, value):
    with pytest.raises(ConstraintError):
        Accuracies(session).store("s", "d", {"a": value}, "x")


def test_counts_tell_sources_and_remove_takes_a_whole_table(session):
    accuracies = Accuracies(session)
    accuracies.store("s", "d", {"a": 1.0, "b": 2.0}, "one")
    accuracies.store("s", "d", {"c": 3.0}, "two")
    accuracies.store("s", "e", {"a": 4.0}, "one")
    told = [(each.space, each.dataset, each.source, each.count) for each in accuracies.counts()]
    assert told == [("s", "d", "one", 2), ("s", "d", "two", 1), ("s", "e", "one", 1)]
    assert (accuracies.remove("s", "d"), accuracies.remove("s", "d")) == (3, 0)
    assert accuracies.datasets("s") == ["e"]

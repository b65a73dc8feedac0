import pytest

from device_db import ArchitectureIndices, ArchitectureOrderError


def test_order_before_an_import_is_none(session):
    assert ArchitectureIndices(session).order("s") is None


def test_order_is_as_stored_and_storing_it_again_changes_nothing(session):
    indices = ArchitectureIndices(session)
    assert indices.store("s", ["c", "a", "b"]) is True
    assert indices.store("s", ["c", "a", "b"]) is False
    assert indices.store("t", ["a"]) is True
    assert indices.order("s") == ["c", "a", "b"]


@pytest.mark.parametrize(("keys", "position"), [(["c", "b", "a"], 1), (["c", "a"], 2), (["c", "a", "b", "d"], 3)])
def test_store_of_a_different_order_is_refused(session, keys, position):
    indices = ArchitectureIndices(session)
    indices.store("s", ["c", "a", "b"])
    with pytest.raises(ArchitectureOrderError) as caught:
        indices.store("s", keys)
    assert caught.value.position == position
    assert indices.order("s") == ["c", "a", "b"]


def test_store_of_a_repeated_architecture_is_refused(session):
    with pytest.raises(ArchitectureOrderError, match="index 0 already"):
        ArchitectureIndices(session).store("s", ["a", "b", "a"])
    assert ArchitectureIndices(session).order("s") is None

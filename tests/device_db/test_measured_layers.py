"""Profiles stand and fall with the measurement that they belong to."""

import pytest
from sqlalchemy import func, select

from device_db import DeviceNotFoundError, LayerProfile, Measurements, StoreCounts
from device_db.models import MeasuredLayers

PROFILE = LayerProfile("0123456789abcdef", (0.25, 0.0, 0.5))
OTHER = LayerProfile("0123456789abcdef", (0.5, 0.0, 0.25))


def upload(session, *rows):
    measurements = Measurements(session)
    batch = measurements.begin_upload("tester", "test")
    return batch.id, measurements.store(batch, rows)


def profiles(session):
    return Measurements(session).profiles("phone", "s", ["a", "b", "c"])


def test_profiles_are_stored_with_their_rows_and_not_asked_for_elsewhere(session, row):
    upload(session, row("a", profile=PROFILE), row("b", profile=OTHER), row("c"), row("a", device="board"))
    assert profiles(session) == {"a": PROFILE, "b": OTHER}
    assert Measurements(session).profiles("board", "s", ["a"]) == {}
    assert Measurements(session).profiles("phone", "s", ["b"]) == {"b": OTHER}
    with pytest.raises(DeviceNotFoundError):
        Measurements(session).profiles("nobody", "s", ["a"])


def test_row_that_brings_another_profile_is_an_update_and_one_without_changes_nothing(session, row):
    upload(session, row())
    assert upload(session, row(profile=PROFILE))[1] == StoreCounts(updated=1)
    assert upload(session, row(profile=PROFILE))[1] == StoreCounts(unchanged=1)
    assert upload(session, row())[1] == StoreCounts(unchanged=1)
    assert profiles(session) == {"a": PROFILE}
    assert upload(session, row(profile=OTHER))[1] == StoreCounts(updated=1)
    assert profiles(session) == {"a": OTHER}
    assert upload(session, row(value=2.0))[1] == StoreCounts(updated=1)
    assert profiles(session) == {}


def test_last_of_rows_for_one_network_brings_the_profile(session, row):
    upload(session, row(value=1.0, profile=PROFILE), row(value=2.0, profile=OTHER))
    assert profiles(session) == {"a": OTHER}
    upload(session, row("b", value=1.0, profile=PROFILE), row("b", value=2.0))
    assert profiles(session) == {"a": OTHER}


def test_undo_removes_the_profiles_and_brings_earlier_ones_back(session, row):
    upload(session, row(profile=PROFILE))
    batch, _ = upload(session, row(value=3.0, profile=OTHER), row("b", profile=OTHER))
    assert profiles(session) == {"a": OTHER, "b": OTHER}
    Measurements(session).undo(batch)
    assert profiles(session) == {"a": PROFILE}
    assert session.scalar(select(func.count()).select_from(MeasuredLayers)) == 1

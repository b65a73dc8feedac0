from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import func, select

from device_db import (
    ConstraintError,
    DeviceNotFoundError,
    Measurements,
    StoreCounts,
    UndoCounts,
    UploadNotFoundError,
)
from device_db.models import Measurement


def _upload(session, *rows, chunk=5000):
    measurements = Measurements(session)
    upload = measurements.begin_upload("tester", "test")
    return upload, measurements.store(upload, rows, chunk=chunk)


def test_store_of_the_same_rows_twice_changes_nothing(session, row):
    rows = [row("a", 1.5), row("b", 2.5, precision="fp32", runs=10, measured_at=datetime(2024, 1, 2, tzinfo=UTC))]
    assert _upload(session, *rows)[1] == StoreCounts(inserted=2)
    upload, counts = _upload(session, *rows)
    assert counts == StoreCounts(unchanged=2)
    assert (upload.inserted, upload.updated, upload.unchanged) == (0, 0, 2)
    assert session.scalar(select(func.count()).select_from(Measurement)) == 2


@pytest.mark.parametrize(
    "facts",
    [
        {"value": 2.0},
        {"statistic": "median"},
        {"runs": 7},
        {"batch_size": 8},
        {"precision": "int8"},
        {"runtime": "onnxruntime"},
        {"runtime_version": "1.20"},
        {"input_shape": "3x32x32"},
        {"measured_at": datetime(2024, 1, 2, tzinfo=UTC)},
    ],
)
def test_store_of_a_row_that_differs_in_any_fact_takes_the_place_of_the_current_one(session, row, facts):
    _upload(session, row())
    changed = row(**facts)
    assert _upload(session, changed)[1] == StoreCounts(updated=1)
    assert _upload(session, changed)[1] == StoreCounts(unchanged=1)
    current = session.scalars(select(Measurement).where(Measurement.is_current)).one()
    assert {name: getattr(current, name) for name in facts} == facts


@pytest.mark.parametrize("chunk", [1, 2, 5000])
def test_store_of_a_key_twice_in_one_upload_keeps_the_last(session, row, chunk):
    rows = [row("a", 1.0), row("b", 5.0), row("a", 2.0), row("a", 2.0), row("a", 3.0)]
    upload, counts = _upload(session, *rows, chunk=chunk)
    assert counts == StoreCounts(inserted=2, updated=2, unchanged=1)
    assert Measurements(session).lookup("phone", "s", ["a", "b"]) == {"a": 3.0, "b": 5.0}
    assert Measurements(session).undo(upload.id) == UndoCounts(removed=4, restored=0)


def test_store_keeps_devices_spaces_and_metrics_apart(session, row):
    rows = [
        row("a", 1.0),
        row("a", 2.0, device="board"),
        row("a", 3.0, space="t"),
        row("a", 4.0, metric="energy_mj", unit="mJ"),
    ]
    assert _upload(session, *rows)[1] == StoreCounts(inserted=4)
    measurements = Measurements(session)
    assert measurements.lookup("phone", "s", ["a"]) == {"a": 1.0}
    assert measurements.lookup("board", "s", ["a"]) == {"a": 2.0}
    assert measurements.lookup("phone", "t", ["a"]) == {"a": 3.0}
    assert measurements.lookup("phone", "s", ["a"], metric="energy_mj") == {"a": 4.0}


@pytest.mark.parametrize(
    "facts",
    [
        {"value": 0.0},
        {"value": -1.0},
        {"value": float("nan")},
        {"value": float("inf")},
        {"unit": "s"},
        {"metric": "energy_mj", "unit": "J"},
        {"runs": 0},
        {"batch_size": -1},
    ],
)
def test_store_of_an_impossible_row_breaks_a_constraint(session, row, facts):
    with pytest.raises(ConstraintError):
        _upload(session, row(**facts))


def test_store_for_unknown_device_is_refused(session, row):
    with pytest.raises(DeviceNotFoundError, match="toaster"):
        _upload(session, row(), row(device="toaster"))


def test_latencies_are_sorted_like_python_sorts(session, row):
    keys = ["|a~0|", "B", "a", "_", "Z_1", "10", "9", "é", "2_8"]
    _upload(session, *(row(key, index + 1.0) for index, key in enumerate(keys)))
    found, values = Measurements(session).latencies("phone", "s")
    assert found == sorted(keys)
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, [keys.index(key) + 1.0 for key in found])


def test_latencies_without_measurements_are_empty(session):
    keys, values = Measurements(session).latencies("phone", "s")
    assert keys == []
    assert values.shape == (0,)


def test_reading_an_unknown_device_is_refused(session):
    with pytest.raises(DeviceNotFoundError):
        Measurements(session).latencies("toaster", "s")
    with pytest.raises(DeviceNotFoundError):
        Measurements(session).lookup("toaster", "s", ["a"])


def test_lookup_of_more_keys_than_a_statement_takes_finds_each(session, row):
    count = 40_000
    _upload(session, *(row(f"{index:06}", index + 1.0) for index in range(0, count, 1000)))
    found = Measurements(session).lookup("phone", "s", [f"{index:06}" for index in range(count)])
    assert found == {f"{index:06}": index + 1.0 for index in range(0, count, 1000)}
    assert Measurements(session).lookup("phone", "s", []) == {}


def test_values_come_back_to_the_last_bit(session, row):
    values = [0.1 + 0.2, 1e-12, 123456789.123456789, 5e-324, 1 / 3]
    _upload(session, *(row(str(index), value) for index, value in enumerate(values)))
    assert Measurements(session).latencies("phone", "s")[1].tolist() == values


def test_undo_restores_what_was_there_before(session, row):
    _upload(session, row("a", 1.0), row("b", 2.0))
    second, _ = _upload(session, row("a", 10.0), row("c", 30.0))
    measurements = Measurements(session)
    assert measurements.undo(second.id) == UndoCounts(removed=2, restored=1)
    assert measurements.lookup("phone", "s", ["a", "b", "c"]) == {"a": 1.0, "b": 2.0}
    with pytest.raises(UploadNotFoundError):
        measurements.undo(second.id)


def test_undo_of_an_upload_in_between_leaves_the_later_one_current(session, row):
    _upload(session, row("a", 1.0))
    second, _ = _upload(session, row("a", 2.0))
    third, _ = _upload(session, row("a", 3.0))
    measurements = Measurements(session)
    assert measurements.undo(second.id) == UndoCounts(removed=1, restored=0)
    assert measurements.lookup("phone", "s", ["a"]) == {"a": 3.0}
    assert measurements.undo(third.id) == UndoCounts(removed=1, restored=1)
    assert measurements.lookup("phone", "s", ["a"]) == {"a": 1.0}


def test_list_uploads_names_the_newest_first(session, row):
    first, _ = _upload(session, row())
    second, _ = _upload(session, row("b"))
    assert [upload.id for upload in Measurements(session).list_uploads()] == [second.id, first.id]
    assert first.uploader == "tester"


def test_series_names_the_devices_and_spaces_of_an_upload(session, row):
    upload, _ = _upload(session, row("a"), row("b"), row(device="board"), row(space="t"))
    _upload(session, row(space="u"))
    assert Measurements(session).series(upload.id) == [("board", "s"), ("phone", "s"), ("phone", "t")]
    with pytest.raises(UploadNotFoundError):
        Measurements(session).series("none")

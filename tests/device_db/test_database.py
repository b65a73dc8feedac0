import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.exc import StatementError

import device_db
from device_db import (
    ConstraintError,
    DatabaseError,
    DatabaseUnavailableError,
    DeviceKind,
    Devices,
    Measurements,
    UnsupportedDatabaseError,
    database,
)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://host/db", "not a url", ""])
def test_create_engine_with_unsupported_url_is_refused(url):
    with pytest.raises(UnsupportedDatabaseError):
        device_db.create_engine(url)


def test_create_engine_with_unreadable_url_does_not_show_it():
    with pytest.raises(UnsupportedDatabaseError) as caught:
        device_db.create_engine("postgres//user:secret@host")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_create_engine_for_postgresql_uses_psycopg(scheme):
    assert device_db.create_engine(f"{scheme}://host/db").dialect.driver == "psycopg"


def test_unreachable_database_is_reported_as_unavailable(tmp_path):
    for url in (f"sqlite:///{tmp_path}/absent/x.db", "postgresql://nobody@127.0.0.1:1/none"):
        engine = device_db.create_engine(url)
        with pytest.raises(DatabaseUnavailableError), engine.connect():
            pass


def test_pool_without_a_free_connection_is_reported_as_unavailable(database_url):
    engine = device_db.create_engine(database_url, pool_size=1, pool_timeout_s=0.05)
    sessions = device_db.session_factory(engine, read_only=True)
    with sessions() as first, sessions() as second:
        assert Devices(first).list() == Devices(second).list() == []
        with pytest.raises(DatabaseUnavailableError, match="in use"), sessions() as third:
            Devices(third).list()
    with sessions() as again:
        assert Devices(again).list() == []
    engine.dispose()


def test_sqlite_log_shrinks_after_a_large_transaction(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "_LARGEST_IDLE_LOG", 100_000)
    engine = device_db.create_engine(f"sqlite:///{tmp_path}/log.db")
    statements = ["CREATE TABLE t (b BLOB)", "INSERT INTO t VALUES (zeroblob(10000000))", "INSERT INTO t VALUES (1)"]
    sizes = []
    for statement in statements:
        with engine.begin() as connection:
            connection.execute(text(statement))
        sizes.append((tmp_path / "log.db-wal").stat().st_size)
    engine.dispose()
    assert sizes[1] > 10_000_000
    assert sizes[2] <= 100_000


def test_missing_table_is_no_passing_failure(empty_database_url):
    engine = device_db.create_engine(empty_database_url)
    with pytest.raises(DatabaseError) as caught, device_db.session_factory(engine)() as session:
        Devices(session).list()
    assert not isinstance(caught.value, DatabaseUnavailableError)
    engine.dispose()


def test_read_only_session_refuses_to_write_and_leaves_the_pool_writable(engine):
    with device_db.session_factory(engine, read_only=True)() as session:
        assert Devices(session).list() == []
        with pytest.raises(DatabaseError):
            Devices(session).add("d", DeviceKind.measured)
    with device_db.session_factory(engine).begin() as session:
        Devices(session).add("d", DeviceKind.measured)


def test_reader_does_not_wait_for_a_writer(engine):
    with device_db.session_factory(engine)() as writer:
        Devices(writer).add("d", DeviceKind.measured)
        with device_db.session_factory(engine, read_only=True)() as reader:
            assert Devices(reader).list() == []


def test_foreign_keys_are_enforced(session):
    with pytest.raises(ConstraintError):
        session.execute(
            text(
                "INSERT INTO predictor_artifacts (device_id, space, version, predictor, samples, manifest, blob, "
                "created_at) VALUES (99, 's', 1, 'p', 1, '{}', '', '2020-01-01')"
            )
        )


def test_constraint_error_does_not_quote_the_row(session, row):
    measurements = Measurements(session)
    with pytest.raises(ConstraintError) as caught:
        measurements.store(measurements.begin_upload("u", "s"), [row("private-architecture", -1.0)])
    assert "private-architecture" not in str(caught.value)


def test_times_come_back_aware_and_in_utc(engine, row):
    written = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=timezone(timedelta(hours=5)))
    factory = device_db.session_factory(engine)
    with factory.begin() as session:
        Devices(session).add("phone", DeviceKind.measured)
        measurements = Measurements(session)
        measurements.store(measurements.begin_upload("u", "s"), [row(measured_at=written)])
    with factory() as session:
        read = session.scalar(text("SELECT measured_at FROM measurements").columns(measured_at=_measured_at_type()))
        created = Devices(session).get("phone").created_at
    assert read == written
    assert read.utcoffset() == created.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - created) < timedelta(minutes=1)


def test_time_without_a_zone_is_refused(session, row):
    from device_db.models import Job

    session.add(Job(id="j", kind="k", request={}, created_at=datetime(2024, 1, 1)))  # noqa: DTZ001
    with pytest.raises(StatementError, match="time without a zone"):
        session.flush()


def test_threads_that_read_then_write_never_find_the_database_locked(engine):
    factory = device_db.session_factory(engine)
    failures = []

    def write(thread: int) -> None:
        try:
            for turn in range(10):
                with factory.begin() as session:
                    Devices(session).list()
                    Devices(session).add(f"{thread}-{turn}", DeviceKind.measured)
        except DatabaseError as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(thread,)) for thread in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with factory() as session:
        assert len(Devices(session).list()) == 60


_WRITER = """
import sys, device_db
from device_db import DeviceKind, Devices
engine = device_db.create_engine(sys.argv[1])
for turn in range(20):
    with device_db.session_factory(engine).begin() as session:
        Devices(session).list()
        Devices(session).add(f"{sys.argv[2]}-{turn}", DeviceKind.measured)
"""


def test_processes_that_read_then_write_never_find_the_database_locked(engine, database_url):
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, database_url, str(number)]) for number in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    with device_db.session_factory(engine)() as session:
        assert len(Devices(session).list()) == 60


def _measured_at_type():
    from device_db.models import Measurement

    return Measurement.__table__.c.measured_at.type

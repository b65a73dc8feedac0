"""Engine and sessions for SQLite and PostgreSQL, and the one translator of database errors.

SQLite takes one writer at a time. A transaction that reads first and writes later cannot wait for its turn once another
writer has committed in between ("database is locked", whatever the timeout), so a session takes the write lock when it
begins: BEGIN IMMEDIATE, which waits for `_LOCK_TIMEOUT_S`. Sessions made with `read_only=True` take no lock and never
wait, because the write-ahead log keeps readers and the writer apart. SQLAlchemy emits the BEGIN, the driver's own
transaction control being switched off ("Using SQLAlchemy to emit BEGIN", SQLAlchemy 2.1, SQLite dialect).
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any

import psycopg
import sqlalchemy
from sqlalchemy import Connection, Engine, ExceptionContext, event, exc
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from device_db.errors import ConstraintError, DatabaseError, DatabaseUnavailableError, UnsupportedDatabaseError

_LOCK_TIMEOUT_S = 60
_LOCK_POLL_S = 0.02
_PAGE_CACHE_KIB = 65_536
_LARGEST_IDLE_LOG = 64 * 1024 * 1024  # bytes of the write-ahead log that are kept once all of it is in the database
_SQLITE_MAY_PASS = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
}


class _Pool(QueuePool):
    """A pool whose time-out is ours too: SQLAlchemy raises it outside of what `handle_error` sees."""

    def connect(self) -> PoolProxiedConnection:
        try:
            return super().connect()
        except exc.TimeoutError as error:
            raise DatabaseUnavailableError("every connection to the database is in use") from error


def create_engine(url: str | URL, *, pool_size: int = 10, pool_timeout_s: float = 30) -> Engine:
    """An engine whose errors are `device_db`'s and whose transactions behave alike on both databases.

    Args:
        url: `sqlite:///FILE` or `postgresql://...`; PostgreSQL is reached through psycopg 3.
        pool_size: connections kept open; as many again are opened under load.
        pool_timeout_s: wait for one of them, before DatabaseUnavailableError.

    Raises: UnsupportedDatabaseError.
    """
    url = _checked(url)
    pool: dict[str, Any] = {
        "poolclass": _Pool,
        "pool_size": pool_size,
        "max_overflow": pool_size,
        "pool_timeout": pool_timeout_s,
    }
    if url.get_backend_name() == "sqlite":
        engine = sqlalchemy.create_engine(url, **pool, connect_args={"timeout": _LOCK_TIMEOUT_S})
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = sqlalchemy.create_engine(url, **pool, pool_pre_ping=True)
    event.listen(engine, "handle_error", _translate, retval=True)
    return engine


def session_factory(engine: Engine, *, read_only: bool = False) -> sessionmaker[Session]:
    """Makes sessions; objects stay readable after commit.

    Args:
        engine: from `create_engine`.
        read_only: writing raises DatabaseError, and on SQLite the session waits for no writer. Use it wherever nothing
            is written.
    """
    return sessionmaker(reading(engine) if read_only else engine, expire_on_commit=False)


def reading(engine: Engine) -> Engine:
    """The same engine and pool for transactions that only read."""
    return engine.execution_options(sqlite_readonly=True, postgresql_readonly=True)


def _checked(url: str | URL) -> URL:
    try:
        url = make_url(url)
    except exc.ArgumentError:
        raise UnsupportedDatabaseError("not a database URL") from None  # without the text: it may hold a password
    match url.get_backend_name():
        case "postgresql" | "postgres":
            return url.set(drivername="postgresql+psycopg")
        case "sqlite" if url.database in (None, "", ":memory:"):
            raise UnsupportedDatabaseError("an in-memory database would be a different one in every thread")
        case "sqlite":
            return url
        case other:
            raise UnsupportedDatabaseError(f"unsupported database {other!r}")


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    _turn_to_wal(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA journal_size_limit = {_LARGEST_IDLE_LOG}")
    connection.execute(f"PRAGMA cache_size = -{_PAGE_CACHE_KIB}")


def _turn_to_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait for others here, as it does for a transaction: servers that start at once make one file."""
    deadline = time.monotonic() + _LOCK_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if _sqlite_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(_LOCK_POLL_S)


def _begin_sqlite(connection: Connection) -> None:
    read_only = bool(connection.get_execution_options().get("sqlite_readonly"))
    connection.exec_driver_sql(f"PRAGMA query_only = {int(read_only)}")
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def translated(error: BaseException) -> DatabaseError:
    """The error of `device_db` that a driver's error stands for."""
    reason = str(error).partition("\n")[0]  # PostgreSQL's further lines quote the row
    if isinstance(error, sqlite3.IntegrityError | psycopg.IntegrityError):
        return ConstraintError(reason)
    if isinstance(error, psycopg.OperationalError) or _sqlite_code(error) in _SQLITE_MAY_PASS:
        return DatabaseUnavailableError(reason)
    return DatabaseError(reason)


def _translate(context: ExceptionContext) -> BaseException | None:
    if context.is_pre_ping or not isinstance(context.sqlalchemy_exception, exc.DBAPIError):
        return None
    return translated(context.original_exception)


def _sqlite_code(error: BaseException) -> int:
    """SQLite's primary result code; its driver calls nearly everything an OperationalError, a missing table too."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF

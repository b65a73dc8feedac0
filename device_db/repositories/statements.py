"""The few statements that repositories share or that the two databases spell differently."""

import json
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar, cast

import psycopg
from psycopg import sql
from sqlalchemy import Column, ColumnElement, Dialect, Table, any_, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from device_db.database import translated
from device_db.errors import DeviceNotFoundError
from device_db.models import Base, Device

Item = TypeVar("Item")


def chunked(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in lists of `size`; the last one may be shorter."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def is_postgresql(session: Session) -> bool:
    """Whether the session speaks to PostgreSQL rather than SQLite."""
    return session.get_bind().dialect.name == "postgresql"


def insert_or_ignore(session: Session, model: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """INSERT that leaves out rows whose key is taken."""
    insert = postgresql.insert if is_postgresql(session) else sqlite.insert
    return insert(model).on_conflict_do_nothing()


def among(session: Session, column: InstrumentedAttribute[Any], keys: Collection[Any]) -> ColumnElement[bool]:
    """Whether a column's value is one of many keys, sent as one parameter: a plain IN takes one for each."""
    if is_postgresql(session):
        return column == any_(literal(list(keys), postgresql.ARRAY(column.type)))
    return column.in_(select(func.json_each(json.dumps(list(keys))).table_valued("value").c.value))


def insert_rows(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> None:
    """Insert many rows, all with the same columns: every column but a generated key.

    By way of the driver, because SQLAlchemy's own work for each row takes longer than the database's.
    """
    if not rows:
        return
    table = cast(Table, model.__table__)
    dialect = session.get_bind().dialect
    columns = [column for column in table.c if column.name in rows[0]]
    values = list(zip(*(_bound(dialect, column, rows) for column in columns), strict=True))
    if is_postgresql(session):
        _copy(session, table.name, [column.name for column in columns], values)
    else:
        insert = table.insert().compile(dialect=dialect, column_keys=[column.name for column in columns])
        session.connection().exec_driver_sql(str(insert), values)


def lock_for_transaction(session: Session, lock: int) -> None:
    """Let only one transaction at a time past this point; SQLite's writers already come one at a time."""
    if is_postgresql(session):
        session.execute(select(func.pg_advisory_xact_lock(lock)))


def device_id(session: Session, name: str, *, lock: bool = False) -> int:
    """Primary key of a device; `lock` holds the row until the transaction ends.

    Rows that refer to it can still be inserted meanwhile.

    Raises: DeviceNotFoundError.
    """
    query = select(Device.id).where(Device.name == name)
    found = session.scalar(query.with_for_update(key_share=True) if lock else query)
    if found is None:
        raise DeviceNotFoundError(name)
    return found


def device_ids(session: Session, names: Iterable[str]) -> dict[str, int]:
    """Primary key of each named device. Raises: DeviceNotFoundError."""
    wanted = sorted(set(names))
    known = dict(session.execute(select(Device.name, Device.id).where(Device.name.in_(wanted))).all())
    for name in wanted:
        if name not in known:
            raise DeviceNotFoundError(name)
    return known


def _bound(dialect: Dialect, column: Column[Any], rows: list[dict[str, Any]]) -> list[Any]:
    """A column's values as the driver takes them."""
    process = column.type.dialect_impl(dialect).bind_processor(dialect)
    values = [row[column.name] for row in rows]
    return [process(value) for value in values] if process else values


def _copy(session: Session, table: str, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    """PostgreSQL's COPY: four times as fast as INSERT. SQLAlchemy does not see it, hence the translation here."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    try:
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise translated(error) from error

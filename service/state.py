"""What lives as long as the application: engine, spaces, predictors, slots, metrics, the jobs' bell."""

from dataclasses import dataclass

from fastapi import Request
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from device_db import create_engine, session_factory
from service.jobs.bell import Bell
from service.latency_candidates import LatencyCandidates
from service.metrics import Metrics
from service.predictor_cache import PredictorCache
from service.pretrained import ShippedTrunks
from service.settings import Settings
from service.slots import Slots
from service.space_catalogue import SpaceCatalogue

_POOL_SIZE = 25  # with as many more under load, one connection for each of the 40 threads that serve requests


@dataclass(frozen=True, slots=True)
class AppState:
    """Shared by all requests and workers of one process; every member is thread-safe.

    Attributes:
        sessions: for transactions that write; on SQLite one at a time.
        read_sessions: for transactions that only read; they wait for nobody.
        candidates: predictors that devices may get.
        inference: bounds predictions that run at the same time.
        suggestions: the same of suggestions, which take seconds and leave the predictions their slots.
        imports: bounds uploaded models that are read at the same time, each by a process of its own.
        search_waits: bounds requests that wait for their search.
        event_streams: bounds requests that follow a job.
        bell: rings when a job is created or ends in this process.
    """

    settings: Settings
    engine: Engine
    sessions: sessionmaker[Session]
    read_sessions: sessionmaker[Session]
    spaces: SpaceCatalogue
    predictors: PredictorCache
    candidates: LatencyCandidates
    inference: Slots
    suggestions: Slots
    imports: Slots
    search_waits: Slots
    event_streams: Slots
    metrics: Metrics
    bell: Bell


def get_state(request: Request) -> AppState:
    """Dependency: the state of the application that serves the request."""
    return request.app.state.archcast


def open_state(settings: Settings, metrics: Metrics) -> AppState:
    """Engine, caches and slots for one process; migrates first where the settings say so."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = create_engine(settings.sqlalchemy_url, pool_size=_POOL_SIZE)
    if settings.migrate_on_start:
        from migrations import upgrade  # brings Alembic

        upgrade(engine)
    return AppState(
        settings=settings,
        engine=engine,
        sessions=session_factory(engine),
        read_sessions=session_factory(engine, read_only=True),
        spaces=SpaceCatalogue(),
        predictors=PredictorCache(settings.predictor_cache),
        candidates=LatencyCandidates(settings.predictor, ShippedTrunks()),
        inference=Slots("predictions", settings.inference_slots, settings.inference_wait_seconds),
        suggestions=Slots("suggestions", 1, settings.inference_wait_seconds),
        imports=Slots("models to read", 2, settings.inference_wait_seconds),
        search_waits=Slots("waiting searches", settings.search_waiters, 0.0),
        event_streams=Slots("event streams", settings.event_streams, 0.0),
        metrics=metrics,
        bell=Bell(),
    )

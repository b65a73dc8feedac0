"""An application on each database, with the simulated devices, a measured one, and keys of every scope."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from device_db import ApiKeys, DeviceKind, Devices, MeasurementRow, Measurements, create_engine, session_factory
from service.app import create_app
from service.latency_candidates import LatencyCandidates
from service.pretrained import ShippedTrunks
from service.settings import Settings
from service.use_cases.adapt_predictor import adapt
from service.use_cases.seed_catalogue import seed_catalogue
from spaces import SPACES
from targets import hardware_names, load_target, segment_costs

SIMULATED = hardware_names()[0]
MEASURED = "bench-board"
LOCAL = "http://127.0.0.1"
COST_LINEAR = LatencyCandidates("cost_linear", ShippedTrunks())
SCOPES = ("predict", "search", "upload", "admin")


@pytest.fixture(scope="package", autouse=True)
def without_networks() -> Iterator[None]:
    """Predictors that need no torch and no choice, where a test does not ask for others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARCHCAST_PREDICTOR", "cost_linear")
        patch.setattr("service.pretrained.has_torch", lambda: False)
        yield


@dataclass(frozen=True)
class Deployment:
    """Settings of a seeded database, and a secret per scope."""

    settings: Settings
    secrets: dict[str, str]

    def bearer(self, scope: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secrets[scope]}"}


@dataclass(frozen=True)
class Seeded:
    """A database to copy, a file or a name on the server, and a secret per scope."""

    database: str
    secrets: dict[str, str]

    def at(self, database_url: str, folder: Path) -> Deployment:
        """What the copy at a URL serves."""
        settings = Settings(
            data_dir=folder / "data", database_url=SecretStr(database_url), job_poll_seconds=0.1, search_wait_seconds=20
        )
        return Deployment(settings, self.secrets)


@pytest.fixture
def deployment(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployment]:
    """Twenty timings of `bench-board` in nb201, the rest of it to predict; once on each database."""
    if backend == "sqlite":
        yield copy_deployment(request.getfixturevalue("seeded_sqlite"), tmp_path)
    else:
        seeded = request.getfixturevalue("seeded_postgresql")
        for url in request.getfixturevalue("postgresql").database(seeded.database):
            yield seeded.at(url, tmp_path)


@pytest.fixture(scope="module")
def shared_deployment(seeded_sqlite: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The same on SQLite, for a module's tests that change nothing."""
    return copy_deployment(seeded_sqlite, tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def shared(shared_deployment: Deployment) -> Iterator[TestClient]:
    """A client on the same machine as a server that no test changes."""
    with TestClient(create_app(shared_deployment.settings), base_url=LOCAL, client=("127.0.0.1", 50000)) as local:
        yield local


def copy_deployment(seeded: Seeded, folder: Path) -> Deployment:
    shutil.copy(seeded.database, folder / "test.db")
    return seeded.at(f"sqlite:///{folder / 'test.db'}", folder)


@pytest.fixture(scope="package")
def seeded_sqlite(
    migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory, samples: list[MeasurementRow]
) -> Seeded:
    """A seeded SQLite file to copy."""
    path = tmp_path_factory.mktemp("seeded") / "template.db"
    shutil.copy(migrated_sqlite, path)
    return Seeded(str(path), seed(f"sqlite:///{path}", samples))


@pytest.fixture(scope="package")
def seeded_postgresql(postgresql: Any, migrated_postgresql: str, samples: list[MeasurementRow]) -> Iterator[Seeded]:
    """A seeded PostgreSQL database to copy."""
    for url in postgresql.database(migrated_postgresql):
        yield Seeded(make_url(url).database or "", seed(url, samples))


def seed(database_url: str, samples: list[MeasurementRow]) -> dict[str, str]:
    """Fill a database; returns a secret per scope."""
    engine = create_engine(database_url)
    with session_factory(engine).begin() as session:
        seed_catalogue(session)
        Devices(session).add(MEASURED, DeviceKind.measured, "a board on the bench")
        Devices(session).add("unmeasured", DeviceKind.measured)
        upload = Measurements(session).begin_upload("tests", "conftest")
        Measurements(session).store(upload, samples)
        adapt(session, SPACES, COST_LINEAR, MEASURED, "nb201")
        secrets = {scope: ApiKeys(session).create(scope, [scope])[1] for scope in SCOPES}
    engine.dispose()
    return secrets


@pytest.fixture(scope="session")
def samples() -> list[MeasurementRow]:
    """What a board like the simulated one would measure, three per cent of noise included."""
    rng = np.random.default_rng(7)
    space = SPACES["nb201"]
    architectures = space.sample(20, rng=rng)
    latency_ms = segment_costs(load_target(SIMULATED), space, architectures).latency_ms
    noisy = latency_ms * rng.lognormal(0, 0.03, len(architectures))
    return [
        MeasurementRow(MEASURED, "nb201", architecture.key, float(value))
        for architecture, value in zip(architectures, noisy, strict=True)
    ]


@pytest.fixture
def app(deployment: Deployment) -> FastAPI:
    return create_app(deployment.settings)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """A client on the same machine as the server: reads without a key."""
    with TestClient(app, base_url=LOCAL, client=("127.0.0.1", 50000)) as local:
        yield local


@pytest.fixture
def serve(deployment: Deployment) -> Iterator[Callable[..., TestClient]]:
    """Starts further applications on the database with other settings."""
    clients: list[TestClient] = []

    def start(**changes: Any) -> TestClient:
        settings = Settings(**(deployment.settings.model_dump() | changes))
        local = TestClient(create_app(settings), base_url=LOCAL, client=("127.0.0.1", 50000))
        clients.append(local.__enter__())
        return local

    yield start
    for local in clients:
        local.__exit__(None, None, None)

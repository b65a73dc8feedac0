"""A migrated database of each kind, sessions on it, and rows to fill it with."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

import device_db
from device_db import DeviceKind, Devices, MeasurementRow


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a migrated database without rows."""
    engine = device_db.create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session whose changes are rolled back; devices `phone` and `board` exist."""
    with device_db.session_factory(engine)() as session:
        for name in ("phone", "board"):
            Devices(session).add(name, DeviceKind.measured)
        yield session


@pytest.fixture
def row() -> Callable[..., MeasurementRow]:
    """Makes a measurement of architecture `a` on `phone` where nothing else is said."""

    def make(architecture: str = "a", value: float = 1.0, device: str = "phone", space: str = "s", **facts):
        return MeasurementRow(device, space, architecture, value, **facts)

    return make

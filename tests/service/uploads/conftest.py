"""Servers that two measured devices and a simulated one are registered with."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from device_db import ApiKeys, DeviceKind, Devices, create_engine, session_factory
from service.app import create_app
from service.settings import Settings
from tests.service.uploads.uploading import MEBIBYTE


@pytest.fixture
def client(database_url: str, tmp_path: Path) -> Iterator[TestClient]:
    yield from serve(database_url, tmp_path)


@pytest.fixture
def sqlite_client(migrated_sqlite: Path, tmp_path: Path) -> Iterator[TestClient]:
    (tmp_path / "one.db").write_bytes(migrated_sqlite.read_bytes())
    yield from serve(f"sqlite:///{tmp_path / 'one.db'}", tmp_path)


def serve(database_url: str, folder: Path) -> Iterator[TestClient]:
    settings = Settings(
        data_dir=folder,
        database_url=SecretStr(database_url),
        embedded_workers=0,
        max_upload_size=2 * MEBIBYTE,
        max_body_size=MEBIBYTE,
    )
    engine = create_engine(database_url)
    with session_factory(engine).begin() as session:
        for name in ("phone", "tablet"):
            Devices(session).add(name, DeviceKind.measured)
        Devices(session).add("model", DeviceKind.simulated, target="roofline")
        _, secret = ApiKeys(session).create("tester", ["admin"])
    engine.dispose()
    with TestClient(create_app(settings), headers={"Authorization": f"Bearer {secret}"}) as client:
        yield client

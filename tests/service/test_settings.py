from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import Settings


def test_settings_by_default_keep_a_sqlite_file_in_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ARCHCAST_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("ARCHCAST_DATABASE_URL", raising=False)
    assert Settings().sqlalchemy_url == f"sqlite:///{tmp_path / 'archcast.db'}"


def test_settings_read_every_concern_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ARCHCAST_DATABASE_URL", "postgresql://someone:secret@db/archcast")
    monkeypatch.setenv("ARCHCAST_EMBEDDED_WORKERS", "0")
    monkeypatch.setenv("ARCHCAST_ANONYMOUS_READ", "never")
    settings = Settings()
    assert settings.sqlalchemy_url == "postgresql://someone:secret@db/archcast"
    assert (settings.embedded_workers, settings.anonymous_read) == (0, "never")


def test_settings_shown_hide_the_password(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ARCHCAST_DATABASE_URL", "postgresql://someone:secret@db/archcast")
    assert "secret" not in repr(Settings())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "70000"),
        ("DATABASE_URL", "mysql://db"),
        ("ANONYMOUS_READ", "sometimes"),
        ("INFERENCE_SLOTS", "0"),
        ("PREDICTOR", "oracle"),
        ("KEEP_VERSIONS", "0"),
        ("KEEP_DAYS", "-1"),
        ("SEARCH_WAIT_SECONDS", "-1"),
        ("LOG_LEVEL", "chatty"),
        ("MAX_UPLOAD_SIZE", "10"),
    ],
)
def test_settings_that_make_no_sense_fail_at_start(name: str, value: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(f"ARCHCAST_{name}", value)
    with pytest.raises(ValidationError):
        Settings()

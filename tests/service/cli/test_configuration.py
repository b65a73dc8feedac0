"""Where commands find their data: options, ARCHCAST_* variables, embedded and server databases."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from targets import hardware_names

Cli = Callable[..., Any]


def test_migrate_check_fails_before_and_passes_after(cli: Cli, tmp_path: Path):
    assert cli("migrate", "--check").code == 1
    assert not (tmp_path / "embedded").exists()
    assert cli("migrate").code == 0
    assert cli("migrate", "--check").code == 0


def test_data_dir_option_wins_over_the_environment(cli: Cli, tmp_path: Path):
    assert cli("migrate", "--data-dir", str(tmp_path / "other")).code == 0
    assert (tmp_path / "other" / "archcast.db").is_file()
    assert not (tmp_path / "embedded").exists()


def test_first_command_on_an_embedded_database_creates_it_with_the_catalogue(cli: Cli):
    names = {device["name"] for device in cli("devices", "--json").answer["devices"]}
    assert names == set(hardware_names())


def test_commands_on_a_server_database_do_not_migrate_it(cli: Cli, empty_database_url: str, monkeypatch: Any):
    monkeypatch.setenv("ARCHCAST_DATABASE_URL", empty_database_url)
    refused = cli("devices")
    assert (refused.code, refused.out) == (1, "")
    assert "archcast migrate" in refused.err
    assert cli("migrate").code == 0
    assert cli("devices").code == 0


def test_migrate_shows_no_password(cli: Cli, monkeypatch: Any):
    monkeypatch.setenv("ARCHCAST_DATABASE_URL", "postgresql://ada:sesame@127.0.0.1:9/none")
    outcome = cli("migrate")
    assert outcome.code == 1
    assert "Traceback" not in outcome.err
    assert "sesame" not in outcome.err


def test_invalid_configuration_names_the_variables(cli: Cli, monkeypatch: Any):
    monkeypatch.setenv("ARCHCAST_PORT", "eight")
    monkeypatch.setenv("ARCHCAST_DATABASE_URL", "mysql://ada:sesame@host/db")
    outcome = cli("devices")
    assert outcome.code == 1
    assert "ARCHCAST_PORT: " in outcome.err
    assert "ARCHCAST_DATABASE_URL: " in outcome.err
    assert "sesame" not in outcome.err


def test_data_dir_that_cannot_be_made_fails_in_one_line(cli: Cli, tmp_path: Path):
    (tmp_path / "file").write_text("")
    outcome = cli("devices", "--data-dir", str(tmp_path / "file" / "below"))
    assert outcome.code == 1
    assert len(outcome.err.splitlines()) == 1

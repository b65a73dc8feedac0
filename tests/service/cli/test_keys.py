"""`archcast keys`."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from device_db import ApiKeys, create_engine, session_factory
from service.cli import keys
from service.security import Scope

Cli = Callable[..., Any]


def test_keys_create_prints_the_key_alone(cli: Cli, tmp_path: Path):
    created = cli("keys", "create", "--scope", "admin", "--scope", "search", "--name", "ada")
    assert created.code == 0
    assert re.fullmatch(r"ac_\S{40,}\n", created.out)
    engine = create_engine(f"sqlite:///{tmp_path / 'embedded' / 'archcast.db'}")
    with session_factory(engine)() as session:
        key = ApiKeys(session).authenticate(created.out.strip())
    engine.dispose()
    assert key is not None
    assert (key.name, list(key.scopes)) == ("ada", ["admin", "search"])


def test_keys_list_shows_no_secret_and_revoke_ends_a_key(cli: Cli):
    secret = cli("keys", "create", "--scope", "predict").out.strip()
    [key] = cli("keys", "list", "--json").answer["keys"]
    assert secret not in json.dumps(key)
    assert key["revoked_at"] is None
    assert cli("keys", "revoke", key["id"]).code == 0
    assert cli("keys", "list", "--json").answer["keys"][0]["revoked_at"] is not None
    assert key["id"] in cli("keys", "list").out


def test_keys_revoke_of_unknown_id_fails_in_one_line(cli: Cli):
    outcome = cli("keys", "revoke", "nobody")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "archcast: unknown API key 'nobody'\n"


@pytest.mark.parametrize("arguments", [(), ("--scope", "root")])
def test_keys_create_without_known_scope_is_wrong_usage(arguments: tuple[str, ...], cli: Cli):
    outcome = cli("keys", "create", *arguments)
    assert (outcome.code, outcome.out) == (2, "")


def test_keys_scopes_are_those_of_the_service():
    assert {scope.value for scope in keys.Scope} == {scope.value for scope in Scope}

import pytest
from sqlalchemy import text

from device_db import ApiKeyNotFoundError, ApiKeys


def test_authenticate_with_the_secret_finds_the_key(session):
    key, secret = ApiKeys(session).create("laptop", ["upload", "predict", "predict"])
    session.expire_all()
    found = ApiKeys(session).authenticate(secret)
    assert found is not None
    assert (found.id, found.name, found.scopes) == (key.id, "laptop", ["predict", "upload"])


def test_secrets_are_prefixed_long_and_different(session):
    secrets = {ApiKeys(session).create("k", [])[1] for _ in range(5)}
    assert len(secrets) == 5
    assert all(secret.startswith("ac_") and len(secret) >= 46 for secret in secrets)


def test_secret_is_stored_nowhere(session):
    _, secret = ApiKeys(session).create("k", ["admin"])
    stored = " ".join(map(str, session.execute(text("SELECT * FROM api_keys")).one()))
    assert secret not in stored
    assert secret.removeprefix("ac_") not in stored


@pytest.mark.parametrize(
    "change", [lambda s: s[:-1], lambda s: s + "x", lambda s: s.swapcase(), lambda s: "", lambda s: "é"]
)
def test_authenticate_with_another_secret_finds_nothing(session, change):
    _, secret = ApiKeys(session).create("k", ["admin"])
    assert ApiKeys(session).authenticate(change(secret)) is None


def test_revoked_key_no_longer_authenticates_and_stays_listed(session):
    key, secret = ApiKeys(session).create("k", [])
    revoked = ApiKeys(session).revoke(key.id)
    assert ApiKeys(session).authenticate(secret) is None
    assert ApiKeys(session).revoke(key.id).revoked_at == revoked.revoked_at
    assert [listed.id for listed in ApiKeys(session).list()] == [key.id]


def test_revoke_of_unknown_key_is_refused(session):
    with pytest.raises(ApiKeyNotFoundError):
        ApiKeys(session).revoke("none")

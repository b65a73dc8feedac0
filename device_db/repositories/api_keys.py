"""ApiKeys: bearer tokens, kept as hashes."""

import builtins
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from device_db.column_types import utc_now
from device_db.errors import ApiKeyNotFoundError
from device_db.models import ApiKey

_PREFIX = "ac_"
_TOKEN_BYTES = 32


class ApiKeys:
    """API keys. A token has 256 random bits, so its plain SHA-256 cannot be searched and needs no salt."""

    def __init__(self, session: Session):
        self._session = session

    def create(self, name: str, scopes: Iterable[str]) -> tuple[ApiKey, str]:
        """Make a key; the secret is returned here and never again."""
        secret = _PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
        key = ApiKey(id=str(uuid4()), name=name, secret_sha256=_digest(secret), scopes=sorted(set(scopes)))
        self._session.add(key)
        self._session.flush()
        return key, secret

    def authenticate(self, secret: str) -> ApiKey | None:
        """The key with that secret, unless it has been revoked."""
        digest = _digest(secret)
        key = self._session.scalar(select(ApiKey).where(ApiKey.secret_sha256 == digest, ApiKey.revoked_at.is_(None)))
        if key is None or not hmac.compare_digest(key.secret_sha256, digest):
            return None
        return key

    def revoke(self, key_id: str) -> ApiKey:
        """Make a key useless; revoking twice changes nothing. Raises: ApiKeyNotFoundError."""
        key = self._session.get(ApiKey, key_id)
        if key is None:
            raise ApiKeyNotFoundError(key_id)
        if key.revoked_at is None:
            key.revoked_at = utc_now()
            self._session.flush()
        return key

    def list(self) -> builtins.list[ApiKey]:
        """Every key, revoked ones too, in the order of creation."""
        return list(self._session.scalars(select(ApiKey).order_by(ApiKey.created_at, ApiKey.id)))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

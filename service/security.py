"""Who may do what: API keys, their scopes, and reading without a key from the machine itself.

A key never has fewer rights than no key, and an invalid key is refused even where none is needed.
"""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from device_db import ApiKeys
from service.errors import ForbiddenError, UnauthorizedError
from service.state import AppState, get_state

_FORWARDED: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_LOCAL_NAMES: Final = {"localhost", "127.0.0.1", "[::1]"}
_PORT: Final = re.compile(r":\d*$")

_bearer = HTTPBearer(auto_error=False, description="`archcast keys create` makes a key")


class Scope(StrEnum):
    """What a key allows; `admin` implies the others."""

    PREDICT = "predict"
    SEARCH = "search"
    UPLOAD = "upload"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sends a request.

    Attributes:
        key_id: of the API key; None without one.
        name: of the API key, which another key may have too; "anonymous" without one.
        scopes: of the API key; empty without one.
    """

    key_id: str | None = None
    name: str = "anonymous"
    scopes: frozenset[str] = frozenset()

    @property
    def is_anonymous(self) -> bool:
        """Whether no key was sent."""
        return self.key_id is None

    def allows(self, *scopes: Scope) -> bool:
        """Whether one of `scopes`, or `admin`, is among the key's."""
        return bool(self.scopes & {Scope.ADMIN, *scopes})


def identify(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    state: Annotated[AppState, Depends(get_state)],
) -> Principal:
    """The principal of the request. Raises: UnauthorizedError for credentials that are not a valid key."""
    if "authorization" not in request.headers:
        return Principal()
    if credentials is None:
        raise UnauthorizedError("the Authorization header must be `Bearer <API key>`")
    with state.read_sessions() as session:
        key = ApiKeys(session).authenticate(credentials.credentials)
        if key is None:
            raise UnauthorizedError("the API key is unknown or revoked")
        return Principal(key.id, key.name, frozenset(key.scopes))


IdentifyDep = Annotated[Principal, Depends(identify)]


def reading(*scopes: Scope) -> Callable[..., Principal]:
    """Dependency of a route that reads: open to whom `anonymous_read` lets in, else to keys with one of `scopes`.

    Without `scopes` any valid key will do.
    """

    def check(request: Request, principal: IdentifyDep, state: Annotated[AppState, Depends(get_state)]) -> Principal:
        if _may_read_anonymously(request, state) or (not principal.is_anonymous and not scopes):
            return principal
        return _demand(principal, scopes)

    return check


def requiring(*scopes: Scope) -> Callable[..., Principal]:
    """Dependency of a route that changes something: a key with one of `scopes`, never anonymous."""

    def check(principal: IdentifyDep) -> Principal:
        return _demand(principal, scopes)

    return check


def _demand(principal: Principal, scopes: tuple[Scope, ...]) -> Principal:
    if principal.is_anonymous:
        raise UnauthorizedError("this needs an API key: `Authorization: Bearer <key>`")
    if not principal.allows(*scopes):
        raise ForbiddenError(scopes)
    return principal


def _may_read_anonymously(request: Request, state: AppState) -> bool:
    if state.settings.anonymous_read != "loopback":
        return state.settings.anonymous_read == "always"
    # A reverse proxy on this machine also connects from loopback; its clients are not local.
    is_forwarded = any(name in request.headers for name in _FORWARDED)
    is_local = request.client is not None and _is_loopback(request.client.host)
    return is_local and not is_forwarded and _names_this_machine(request.headers.get("host", ""), state.settings.host)


def _names_this_machine(host_header: str, configured: str) -> bool:
    """False for another name that was made to resolve to loopback: a web page's, by DNS rebinding."""
    own = f"[{configured}]" if ":" in configured else configured
    return _PORT.sub("", host_header.lower()) in _LOCAL_NAMES | {own.lower()}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

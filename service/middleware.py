"""ASGI middleware: request id, access log, metrics, the last resort against unexpected errors, and the body limit."""

import logging
import re
import time
import uuid
from collections.abc import Mapping
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.metrics import Metrics
from service.problems import internal_problem

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_log = logging.getLogger(__name__)


class RequestContextMiddleware:
    """Gives each request an id, logs and counts it, and answers an unexpected error without its internals."""

    def __init__(self, app: ASGIApp, metrics: Metrics):
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, send_with_id)
            except Exception:
                _log.exception("request failed", extra={"path": scope["path"]})
                if status:
                    raise
                await internal_problem(Request(scope))(scope, receive, send_with_id)
            finally:
                self._record(scope, status, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in _METHODS else "other"  # a label must not grow without bound
        self.metrics.requests.labels(method, route, status).inc()
        self.metrics.request_seconds.labels(method, route).observe(seconds)
        facts = {"method": method, "path": scope["path"], "status": status, "milliseconds": round(seconds * 1e3, 2)}
        _log.info("request", extra=facts)


class BodyLimitMiddleware:
    """Refuses a body above its limit with 413, by its Content-Length or as soon as the stream exceeds it."""

    def __init__(self, app: ASGIApp, limit: int, by_path: Mapping[str, int]):
        self.app = app
        self.limit = limit
        self.by_path = by_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.by_path.get(scope["path"], self.limit)
        declared = Headers(scope=scope).get("content-length", "")
        size = 0

        async def receive_with_limit() -> Message:
            nonlocal size
            if declared.isdigit() and int(declared[:20]) > limit:
                raise _too_large(limit)
            message = await receive()
            size += len(message.get("body", b""))
            if size > limit:
                raise _too_large(limit)
            return message

        await self.app(scope, receive_with_limit, send)


def _too_large(limit: int) -> HTTPException:
    return HTTPException(413, f"the body is larger than {limit} bytes")

"""A server as a command speaks to it: over HTTP, with the base install only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.failures import CommandError

ServerOption = Annotated[
    str | None, typer.Option("--server", envvar="ARCHCAST_SERVER", help="URL of a server; needs ARCHCAST_API_KEY.")
]
ApiKeyOption = Annotated[str | None, typer.Option(envvar="ARCHCAST_API_KEY", hidden=True, help="Of the server.")]

_TIMEOUT_S = 600


class Server:
    """One server, and the key that its requests carry.

    Args: url: with or without a slash at its end.
    """

    def __init__(self, url: str, api_key: str | None):
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    def get(self, path: str, query: dict[str, Any] | None = None) -> Any:
        """The JSON of an answer. Raises: CommandError with the reason of a refusal."""
        return self._send("GET", path, query).json()

    def download(self, path: str, query: dict[str, Any] | None = None) -> bytes:
        """The bytes of an answer. Raises: CommandError with the reason of a refusal."""
        return self._send("GET", path, query).content

    def post(self, path: str, query: dict[str, Any] | None, content: bytes, media_type: str) -> Any:
        """The JSON that bytes are answered with. Raises: CommandError with the reason of a refusal."""
        return self._send("POST", path, query, content=content, headers={"Content-Type": media_type}).json()

    def post_json(self, path: str, body: object) -> Any:
        """The JSON that a JSON body is answered with. Raises: CommandError with the reason of a refusal."""
        return self.post(path, None, json.dumps(body).encode(), "application/json")

    def post_file(self, path: str, query: dict[str, Any], file: Path, headers: dict[str, str]) -> Any:
        """The JSON that a file is answered with, which is streamed. Raises: CommandError."""
        with file.open("rb") as body:
            return self._send("POST", path, query, content=body, headers=headers).json()

    def _send(
        self, method: str, path: str, query: dict[str, Any] | None, *, content: Any = None, headers: Any = None
    ) -> Any:
        import httpx

        try:
            response = httpx.request(
                method,
                f"{self.url}{path}",
                params=query,
                content=content,
                headers={**self._headers, **(headers or {})},
                timeout=_TIMEOUT_S,
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CommandError(f"{self.url} cannot be reached: {error}") from error
        if response.is_success:
            return response
        raise refusal(response.status_code, response.headers.get("content-type", ""), response.text)


def refusal(status: int, content_type: str, text: str) -> CommandError:
    """An RFC 9457 problem as a command's error."""
    if not content_type.startswith("application/problem+json"):
        return CommandError(f"the server answered {status}")
    problem = json.loads(text)
    faults = [describe_fault(fault) for fault in problem.get("errors", [])]
    return CommandError(problem.get("detail") or problem.get("title", f"the server answered {status}"), faults)


def describe_fault(fault: dict[str, Any]) -> str:
    """`line 3, latency_ms: reason`."""
    place = f"line {fault['line']}" if fault.get("line") else f"row {fault['row']}" if fault.get("row") else ""
    where = ", ".join(part for part in (place, fault.get("column") or fault.get("pointer") or "") if part)
    return f"{where}: {fault['reason']}" if where else fault["reason"]

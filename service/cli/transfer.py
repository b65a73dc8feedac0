"""Files of rows that a command stores, here or on a server: their formats, sending them, telling what is wrong."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import typer

from service.cli.failures import CommandError

if TYPE_CHECKING:
    from service.uploads.errors import RejectedRowsError

MEDIA_TYPES: Final = {
    ".csv": "text/csv",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
}
GZIP: Final = ".gz"
_TIMEOUT_S: Final = 600


def media_type_of(file: Path) -> str:
    """The media type that the file's name stands for. Raises: typer.BadParameter."""
    media_type = MEDIA_TYPES.get(Path(file.name.lower().removesuffix(GZIP)).suffix)
    if media_type is None:
        raise typer.BadParameter(f"{file.name} is none of {', '.join(MEDIA_TYPES)}, also with {GZIP}")
    return media_type


def send_file(
    server: str, path: str, api_key: str | None, file: Path, media_type: str, query: dict[str, str]
) -> dict[str, Any]:
    """Upload over HTTP: needs the base install only. Raises: CommandError."""
    import httpx

    headers = {"Content-Type": media_type} | ({"Authorization": f"Bearer {api_key}"} if api_key else {})
    if _is_gzip(file):
        headers["Content-Encoding"] = "gzip"
    url = f"{server.rstrip('/')}{path}"
    try:
        with file.open("rb") as body:
            response = httpx.post(url, params=query, content=body, headers=headers, timeout=_TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CommandError(f"{server} cannot be reached: {error}") from error
    if response.is_success:
        return response.json()
    raise _refusal(response.status_code, response.headers.get("content-type", ""), response.text)


def _refusal(status: int, content_type: str, text: str) -> CommandError:
    """An RFC 9457 problem as a command's error."""
    import json

    if not content_type.startswith("application/problem+json"):
        return CommandError(f"the server answered {status}")
    problem = json.loads(text)
    faults = [show_fault(fault) for fault in problem.get("errors", [])]
    return CommandError(problem.get("detail") or problem.get("title", f"the server answered {status}"), faults)


def _is_gzip(file: Path) -> bool:
    return file.suffix.lower() == GZIP


def open_file(file: Path) -> BinaryIO:
    """The file, unpacked while it is read."""
    return cast(BinaryIO, gzip.open(file)) if _is_gzip(file) else file.open("rb")


def rejection(error: RejectedRowsError) -> CommandError:
    """The bad rows as a command's error."""
    faults = [
        show_fault({"row": one.row, "line": one.line, "column": one.column, "reason": one.reason})
        for one in error.problems
    ]
    return CommandError(str(error), faults)


def show_fault(fault: dict[str, Any]) -> str:
    """`line 3, latency_ms: reason`."""
    place = f"line {fault['line']}" if fault.get("line") else f"row {fault['row']}" if fault.get("row") else ""
    where = ", ".join(part for part in (place, fault.get("column") or fault.get("pointer") or "") if part)
    return f"{where}: {fault['reason']}" if where else fault["reason"]

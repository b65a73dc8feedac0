"""`archcast serve`: the HTTP service."""

from __future__ import annotations

import errno
import shlex
import shutil
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.failures import CommandError
from service.cli.options import DataDir

if TYPE_CHECKING:
    from service.settings import Settings

_BACKLOG = 2048
_SHUTDOWN_SECONDS = 35  # a request that waits for its search ends by itself, a stream of events would not


def serve(
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on; default ARCHCAST_HOST or 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="Default ARCHCAST_PORT or 8000; 0 takes a free one."),
    ] = None,
    data_dir: DataDir = None,
    migrate: Annotated[
        bool, typer.Option("--migrate/--no-migrate", help="Bring the database up to date before listening.")
    ] = True,
) -> None:
    """Start the HTTP service: create the data folder, migrate, load the catalogue, listen."""
    from service.cli.configuration import load_settings

    settings = load_settings(data_dir, host=host, port=port)
    with _listen(settings.host, settings.port) as listener:
        _run(settings, listener, data_dir, migrate=migrate)


def _run(settings: Settings, listener: socket.socket, data_dir: Path | None, *, migrate: bool) -> None:
    """Serve until interrupted; the imports take seconds, so they come after the checks that do not need them."""
    import uvicorn

    from service.app import create_app
    from service.cli.workspace import migrate_database
    from service.logging import configure_logging
    from service.warm_up import warm_up

    if migrate:
        migrate_database(settings)
    configure_logging(settings.log_level, settings.log_format)
    _announce(settings, listener, data_dir)
    config = uvicorn.Config(
        create_app(settings),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
    with suppress(KeyboardInterrupt):  # uvicorn has shut down in order by then
        uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket, so that a port in use is noticed before anything else happens."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)  # pyright: ignore[reportArgumentType]
    except socket.gaierror as error:
        raise CommandError(f"cannot listen on {host}: {error.strerror}") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(
                f"port {port} of {host} is in use; choose another one with --port, for example --port {port + 1}"
            ) from error
        raise CommandError(f"cannot listen on {host}:{port}: {error.strerror}") from error


def _announce(settings: Settings, listener: socket.socket, data_dir: Path | None) -> None:
    """Say where the service is and how to get a key."""
    from service.cli.workspace import database_for_display

    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    command = [_own_command(), "keys", "create", "--scope", "admin"]
    if data_dir is not None:
        command += ["--data-dir", str(data_dir)]
    typer.echo(f"archcast listens on http://{shown}:{port} (API page: http://{shown}:{port}/docs)")
    typer.echo(f"data:      {database_for_display(settings)}")
    typer.echo(f"admin key: {shlex.join(command)}")
    sys.stdout.flush()


def _own_command() -> str:
    """How to call this program from here: by name where PATH finds it, else by the shortest path."""
    program = Path(sys.argv[0]).absolute()
    found = shutil.which("archcast")
    if found is not None and Path(found).absolute() == program:
        return "archcast"
    return str(program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program)

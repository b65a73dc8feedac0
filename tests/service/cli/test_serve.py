"""`archcast serve` and `archcast worker` as processes: they start, answer, refuse a port in use, and stop in order."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from targets import hardware_names

ARCHCAST = Path(sys.executable).with_name("archcast")
CELL = "4-3-2-1-3-3"


@contextmanager
def process(*arguments: str, directory: Path) -> Iterator[subprocess.Popen[str]]:
    """A running command; killed if the test leaves it running."""
    started = subprocess.Popen(
        [str(ARCHCAST), *arguments], cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield started
    finally:
        if started.poll() is None:
            started.kill()
        started.communicate()


def banner(server: subprocess.Popen[str]) -> dict[str, str]:
    """The three lines on stdout."""
    assert server.stdout is not None
    lines = [server.stdout.readline() for _ in range(3)]
    url = re.fullmatch(r"archcast listens on (http://127\.0\.0\.1:\d+) \(API page: \1/docs\)\n", lines[0])
    assert url, lines
    return {"url": url[1]} | {name: text.strip() for name, _, text in (line.partition(":") for line in lines[1:])}


def test_serve_starts_answers_and_stops_on_interrupt(cli: Callable[..., Any], tmp_path: Path):
    with process("serve", "--port", "0", "--data-dir", "fresh", directory=tmp_path) as server:
        said = banner(server)
        assert said["data"] == "fresh/archcast.db"
        assert said["admin key"].endswith("archcast keys create --scope admin --data-dir fresh")
        assert httpx.get(f"{said['url']}/readyz", timeout=30).json() == {"status": "ok"}
        body = {"space": "nb201", "device": hardware_names()[0], "architecture": CELL}
        [result] = httpx.post(f"{said['url']}/predict_latency", json=body, timeout=30).json()["results"]
        assert result["origin"] == "simulated"
        created = cli(*said["admin key"].split()[1:])
        headers = {"Authorization": f"Bearer {created.out.strip()}"}
        answer = httpx.post(f"{said['url']}/devices", json={"name": "board"}, headers=headers, timeout=30)
        assert answer.status_code == 201
        server.send_signal(signal.SIGINT)
        _, err = server.communicate(timeout=30)
        assert server.returncode == 0
        assert not {noise for noise in ("Traceback", "alembic", "color_message") if noise in err}


def test_serve_on_a_port_in_use_fails_in_one_line_and_creates_nothing(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with process("serve", "--port", str(port), "--data-dir", "fresh", directory=tmp_path) as server:
            out, err = server.communicate(timeout=60)
    assert (server.returncode, out) == (1, "")
    assert err == (
        f"archcast: port {port} of 127.0.0.1 is in use; choose another one with --port, for example --port {port + 1}\n"
    )
    assert not (tmp_path / "fresh").exists()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_serve_on_an_address_that_is_not_ours_fails_in_one_line(host: str, tmp_path: Path):
    with process("serve", "--host", host, "--port", "0", directory=tmp_path) as server:
        _, err = server.communicate(timeout=60)
    assert server.returncode == 1
    assert err.startswith(f"archcast: cannot listen on {host}")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_worker_says_where_it_works_and_stops_in_order(stop: signal.Signals, tmp_path: Path):
    with process("worker", "--data-dir", "fresh", directory=tmp_path) as worker:
        assert worker.stderr is not None
        lines = iter(worker.stderr.readline, "")
        assert any("archcast works on the jobs of fresh/archcast.db" in line for line in lines)
        worker.send_signal(stop)
        out, err = worker.communicate(timeout=30)
        assert (worker.returncode, out) == (0, "")
        assert "Traceback" not in err

"""With the base install only, the command line helps, uploads to a server, and says what the rest needs."""

import gzip
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# What the extra [server] brings; blocked here, whatever is installed.
BLOCKED = (
    "alembic",
    "fastapi",
    "moocore",
    "prometheus_client",
    "psycopg",
    "pyarrow",
    "pydantic_settings",
    "pymoo",
    "safetensors",
    "scipy",
    "sklearn",
    "sqlalchemy",
    "starlette",
    "structlog",
    "torch",
    "torch_geometric",
    "uvicorn",
    "yaml",
)
COMMAND_LINE = "from service.cli import main; main()"
SERVER_COMMANDS = (
    ["serve", "--port", "0"],
    ["worker"],
    ["migrate"],
    ["keys", "list"],
    ["devices"],
    ["devices", "add", "box"],
    ["suggest", "--device", "box", "--space", "nb201"],
    ["predict", "--space", "nb201", "--device", "box", "0"],
    ["search", "--space", "nb201", "--device", "box"],
    ["import", "help", "."],
    ["models"],
    ["models", "add", "timings.csv"],
    ["upload", "timings.csv"],
    ["accuracies", "add", "timings.csv"],
    ["predictor", "box", "--space", "nb201"],
    ["refit"],
    ["prune"],
)


TIMINGS = "device,space,architecture,latency_ms\nbox,nb201,0,1.5\n"
EACH_COMMAND = """
import contextlib
import io
import json
import sys

from service.cli import main

outcomes = []
for arguments in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(arguments)
        except SystemExit as ended:
            outcomes.append((ended.code, out.getvalue(), err.getvalue()))
print(json.dumps(outcomes))
"""


Outcome = tuple[int, str, str]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def run(without_modules: Callable[..., str]) -> Run:
    """Runs a command where the extra [server] is not installed."""
    program = without_modules(BLOCKED, COMMAND_LINE)

    def run(*arguments: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=directory,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.fixture(scope="module")
def outcomes(without_modules: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What each of `SERVER_COMMANDS` leaves behind, all run by one process, whose start takes longer than they do."""
    folder = tmp_path_factory.mktemp("base")
    (folder / "timings.csv").write_text(TIMINGS)
    done = subprocess.run(
        [sys.executable, "-c", without_modules(BLOCKED, EACH_COMMAND), json.dumps(SERVER_COMMANDS)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return dict(zip(map(" ".join, SERVER_COMMANDS), json.loads(done.stdout), strict=True))


@pytest.fixture
def timings(tmp_path: Path) -> Path:
    path = tmp_path / "timings.csv"
    path.write_text(TIMINGS)
    return path


COUNTS = {"inserted": 1, "updated": 0, "unchanged": 0, "rejected": 0}
ANSWER = {"batch": "b1", "dry_run": False, "errors": [], "predictors": [], **COUNTS}


class Receiver(http.server.BaseHTTPRequestHandler):
    """Answers uploads as the service does and keeps what it got."""

    answer: tuple[int, str, dict[str, object]]
    got: dict[str, object]

    def do_POST(self):
        # httpx streams a file in chunks or, knowing its size, whole.
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).got = {"path": self.path, "body": body, **{k.lower(): v for k, v in self.headers.items()}}
        status, content_type, document = self.answer
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def log_message(self, format: str, *args: object):  # noqa: A002
        """Quiet."""


@pytest.fixture
def receiver() -> Iterator[tuple[type[Receiver], str]]:
    class OwnReceiver(Receiver):
        pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), OwnReceiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield OwnReceiver, f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_help_without_server_lists_every_command(run: Run, tmp_path: Path):
    result = run("--help", directory=tmp_path)
    assert result.returncode == 0, result.stderr
    names = {arguments[0] for arguments in SERVER_COMMANDS} | {"version", "measure"}
    assert not {name for name in names if name not in result.stdout}


def test_version_without_server_prints_it(run: Run, tmp_path: Path):
    result = run("version", directory=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count(".") == 2


@pytest.mark.parametrize("command", [" ".join(arguments) for arguments in SERVER_COMMANDS])
def test_command_without_server_says_what_to_install(outcomes: dict[str, Outcome], command: str):
    code, out, err = outcomes[command]
    assert (code, out) == (1, "")
    assert "pip install 'archcast[server]'" in err
    assert "Traceback" not in err


def test_upload_to_server_without_server_packages_sends_the_file(
    run: Run, timings: Path, receiver: tuple[type[Receiver], str]
):
    handler, url = receiver
    handler.answer = (200, "application/json", ANSWER)
    result = run("upload", timings.name, "--server", url, directory=timings.parent, ARCHCAST_API_KEY="ac_x")
    assert (result.returncode, result.stdout) == (0, "b1\n"), result.stderr
    assert handler.got["body"] == timings.read_bytes()
    assert handler.got["path"] == "/admin/measurements?dry_run=false&on_error=abort&check_units=true"
    assert handler.got["authorization"] == "Bearer ac_x"
    assert handler.got["content-type"] == "text/csv"


def test_gzipped_file_is_sent_to_the_server_as_it_is(run: Run, timings: Path, receiver: tuple[type[Receiver], str]):
    handler, url = receiver
    handler.answer = (200, "application/json", ANSWER)
    packed = timings.with_name("timings.csv.gz")
    packed.write_bytes(gzip.compress(timings.read_bytes()))
    assert run("upload", packed.name, "--server", url, directory=timings.parent).returncode == 0
    assert (handler.got["content-type"], handler.got["content-encoding"]) == ("text/csv", "gzip")
    assert handler.got["body"] == packed.read_bytes()


def test_upload_refused_by_server_shows_the_rows(run: Run, timings: Path, receiver: tuple[type[Receiver], str]):
    handler, url = receiver
    fault = {"row": 1, "line": 2, "column": "device", "reason": "unknown device 'box'"}
    problem = {"title": "Rejected rows", "detail": "1 of 1 rows are bad", "errors": [fault]}
    handler.answer = (422, "application/problem+json", problem)
    result = run("upload", timings.name, "--server", url, directory=timings.parent)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        "archcast: 1 of 1 rows are bad",
        "  line 2, device: unknown device 'box'",
    ]


def test_upload_to_unreachable_server_fails_in_one_line(run: Run, timings: Path):
    result = run("upload", timings.name, "--server", "http://127.0.0.1:9", directory=timings.parent)
    assert result.returncode == 1
    assert result.stderr.startswith("archcast: http://127.0.0.1:9 cannot be reached")
    assert len(result.stderr.splitlines()) == 1


def test_accuracies_are_sent_to_the_server_without_server_packages(
    run: Run, timings: Path, receiver: tuple[type[Receiver], str]
):
    handler, url = receiver
    handler.answer = (200, "application/json", {**ANSWER, "tables": []})
    result = run("accuracies", "add", timings.name, "--server", url, directory=timings.parent, ARCHCAST_API_KEY="ac_x")
    assert result.returncode == 0, result.stderr
    assert handler.got["path"] == "/admin/accuracies?dry_run=false&on_error=abort&check_units=true"
    assert handler.got["body"] == timings.read_bytes()

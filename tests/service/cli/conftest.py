"""Runs commands in this process, on an embedded database or on the one that `client` talks to."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from service.cli import main
from spaces import SPACES


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Outcome]
Row = tuple[str, str, str, float]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """Runs a command on an embedded database of this test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHCAST_DATA_DIR", str(tmp_path / "embedded"))

    def run(*arguments: str) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_info:
            main(arguments)
        written = capsys.readouterr()
        assert isinstance(exit_info.value.code, int)
        return Outcome(exit_info.value.code, written.out, written.err)

    return run


@pytest.fixture
def deployed(cli: Cli, deployment: Any, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs a command on the database that `client` talks to."""
    monkeypatch.setenv("ARCHCAST_DATABASE_URL", deployment.settings.sqlalchemy_url)
    return cli


@pytest.fixture
def timings() -> Callable[..., list[Row]]:
    """Makes (device, space, architecture, latency_ms) of `count` cells, slower the more they compute."""
    space = SPACES["nb201"]
    all_cells = list(space.enumerate())

    def make(device: str, count: int = 20) -> list[Row]:
        cells = all_cells[:: len(all_cells) // count][:count]
        return [(device, space.name, cell.key, 1.0 + space.workload(cell).macs / 5e7) for cell in cells]

    return make

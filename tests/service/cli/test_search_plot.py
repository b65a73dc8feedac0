"""`archcast search --plot` and `--explain`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from targets import hardware_names

pytestmark = pytest.mark.one_database

Cli = Callable[..., Any]
ON_BOARD = ("--space", "nb201", "--device", "bench-board")


def test_search_draws_its_front_and_says_how_sure_it_is(deployed: Cli, tmp_path: Path):
    picture = tmp_path / "front.svg"
    outcome = deployed("search", *ON_BOARD, "--explain", "--plot", str(picture))
    header = outcome.out.splitlines()[0].split()
    assert "non_dominated_probability" in header
    assert "exchanges" not in header
    assert "<svg" in picture.read_text()


def test_search_refuses_another_kind_of_picture_before_it_searches(deployed: Cli, tmp_path: Path):
    outcome = deployed("search", "--space", "nb201", "--device", hardware_names()[0], "--plot", str(tmp_path / "a.pdf"))
    assert outcome.code == 2
    assert ".svg or .png" in outcome.err

"""Expected errors are one line on stderr; bugs keep their traceback."""

from collections.abc import Callable
from typing import Any

import pytest

from service.cli.failures import describe
from targets import hardware_names

pytestmark = pytest.mark.one_database

Cli = Callable[..., Any]
SIMULATED = hardware_names()[0]
MEASURED = "bench-board"


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict", "--space", "nb201", "--device", "nobody", "0-0-0-0-0-0"),
        ("predict", "--space", "nowhere", "--device", SIMULATED, "0-0-0-0-0-0"),
        ("predict", "--space", "nb201", "--device", SIMULATED, "nonsense"),
        ("predict", "--space", "nb201", "--device", SIMULATED, "42"),
        ("predict", "--space", "nb201", "--device", "unmeasured", "0-0-0-0-0-0"),
        ("suggest", "--space", "nb201", "--device", SIMULATED),
        ("suggest", "--space", "nowhere", "--device", MEASURED),
        ("search", "--space", "nb201", "--device", "nobody"),
        ("search", "--space", "nb201", "--device", SIMULATED, "--algorithm", "luck"),
        ("search", "--space", "nb201", "--device", SIMULATED, "--dataset", "mnist"),
    ],
    ids=" ".join,
)
def test_expected_failure_is_one_line_on_stderr(arguments: tuple[str, ...], deployed: Cli):
    outcome = deployed(*arguments)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("archcast: ")
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize("arguments", [("fly",), ("predict",), ("upload", "missing.csv"), ("serve", "--port", "70000")])
def test_wrong_usage_exits_with_two(arguments: tuple[str, ...], cli: Cli):
    assert cli(*arguments).code == 2


def test_bug_keeps_its_traceback():
    assert describe(KeyError("bug")) is None
    assert describe(ValueError("bug")) is None

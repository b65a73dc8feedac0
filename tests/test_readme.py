"""The README is true: its commands exist, its examples answer as shown, its walk ends at a front within the limit."""

import csv
import importlib
import io
import json
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import pytest
import typer.main

from device_db.importers import accuracy as accuracy_importer
from device_db.importers import help as help_importer
from predictors.metrics import spearman
from service.cli import app
from service.settings import Settings
from spaces import SPACES

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
ARCHCAST = Path(sys.executable).with_name("archcast")
ADDRESS = "http://127.0.0.1:8000"
# Differ from run to run.
VOLATILE = ("job", "seconds", "batch", "created_at")

# The walk: one device plays the new board, a few others are known already.
HIDDEN = "raspi4"
KNOWN = ("gold_6226", "pixel3")


class Block(NamedTuple):
    """A fenced code block."""

    language: str
    text: str


BLOCKS = [Block(*match) for match in re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)]
COMMANDS = [
    re.sub(r"^\w+=\$\((.*)\)$", r"\1", line.partition(" # ")[0].strip())
    for block in BLOCKS
    if block.language == "sh"
    for line in block.text.replace("\\\n", " ").splitlines()
    if line.strip() and not line.startswith("#")
]


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("walk")


@pytest.fixture(scope="module")
def server(data_folder: Path) -> Iterator[httpx.Client]:
    """A client of `archcast serve`, started on an empty data folder."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (data_folder / "log").open("w") as log:
        process = subprocess.Popen(
            [str(ARCHCAST), "serve", "--port", str(port), "--data-dir", str(data_folder / "data")],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # The walk's board is a public device, which the networks that come with archcast have seen.
            env=os.environ | {"ARCHCAST_PREDICTOR": "cost_linear", "ARCHCAST_SEARCH_WAIT_SECONDS": "300"},
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(f"archcast listens on http://127.0.0.1:{port} ")
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300) as client:
                yield client
        finally:
            process.terminate()
            process.communicate(timeout=30)


def archcast(data_folder: Path, *arguments: str) -> str:
    """Run a command on the server's data; its stdout."""
    result = subprocess.run(
        [str(ARCHCAST), *arguments, "--data-dir", str(data_folder / "data")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


# commands


def test_readme_begins_with_the_two_commands():
    assert COMMANDS[:2] == ["make serve", "make test"]


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("make ")])
def test_readme_make_target_exists(command: str):
    target = next(word for word in shlex.split(command)[1:] if "=" not in word)
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("archcast ")])
def test_readme_archcast_command_exists(command: str):
    _, *words = shlex.split(command)
    node: Any = typer.main.get_command(app)
    while words and hasattr(node, "commands") and words[0] in node.commands:
        node = node.commands[words.pop(0)]
    assert not hasattr(node, "commands") or node.callback is not None, f"{words[:1]} is no command"
    offered = {option for parameter in node.params for option in parameter.opts + parameter.secondary_opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= offered


@pytest.mark.parametrize("name", re.findall(r"`(\w+\.[A-Z]{2,})`", README))
def test_readme_registry_exists(name: str):
    package, _, registry = name.partition(".")
    assert getattr(importlib.import_module(package), registry)


@pytest.mark.parametrize("variable", sorted(set(re.findall(r"`ARCHCAST_(\w+)`", README))))
def test_readme_variable_is_a_setting_or_an_option_of_a_command(variable: str):
    commands: Any = typer.main.get_command(app)
    of_upload = [parameter.name for parameter in commands.commands["upload"].params]
    assert variable.lower() in {*Settings.model_fields, *of_upload}


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_readme_link_leads_somewhere(target: str):
    assert (ROOT / target).exists()


# examples


def parse_curl(command: str) -> tuple[str, str, dict[str, str], str | None]:
    """Method, path with query, headers and JSON body of a curl command of the README."""
    words = iter(shlex.split(command)[1:])
    method, path, headers, body = "GET", "", {}, None
    for word in words:
        if word.startswith(ADDRESS):
            path = word.removeprefix(ADDRESS)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            method, body = "POST", next(words)
        else:
            assert word == "-s", f"the test does not know curl's option {word}"
    return method, path, headers, body


EXAMPLES = [
    (command.text, shown.text)
    for command, shown in pairwise(BLOCKS)
    if command.language == "sh"
    and command.text.startswith("curl")
    and "$" not in command.text
    and shown.language == "json"
]


def assert_as_shown(answer: Any, shown: Any) -> None:
    """Equal up to rounding; a list shown with "..." goes on in the answer."""
    if isinstance(shown, dict):
        assert set(answer) == set(shown)
        for name in set(shown) - set(VOLATILE):
            assert_as_shown(answer[name], shown[name])
    elif isinstance(shown, list):
        if shown and shown[-1] == "...":
            shown = shown[:-1]
            assert len(answer) > len(shown)
            answer = answer[: len(shown)]
        assert len(answer) == len(shown)
        for one, other in zip(answer, shown, strict=True):
            assert_as_shown(one, other)
    else:
        assert answer == (pytest.approx(shown, rel=1e-5) if isinstance(shown, float) else shown)


def test_readme_network_on_an_fpga_takes_what_is_shown(data_folder: Path):
    (command, shown), *_ = [
        (command.text.partition(" > ")[0], shown.text)
        for command, shown in pairwise(BLOCKS)
        if command.text.startswith("archcast simulate")
    ]
    result = subprocess.run(
        [str(ARCHCAST), *shlex.split(command)[1:], "--data-dir", str(data_folder / "data")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == shown
    assert "extrapolated" in result.stdout.splitlines()[0]


def test_readme_has_an_example_of_each_main_endpoint():
    assert {parse_curl(command)[1] for command, _ in EXAMPLES} >= {"/predict_latency", "/search"}


@pytest.mark.parametrize(("command", "shown"), EXAMPLES, ids=[parse_curl(command)[1] for command, _ in EXAMPLES])
def test_readme_example_answers_as_shown(command: str, shown: str, server: httpx.Client):
    method, path, headers, body = parse_curl(command.replace("\\\n", " "))
    answer = server.request(method, path, headers=headers, content=body)
    assert answer.is_success, answer.text
    assert_as_shown(answer.json(), json.loads(shown))


# the walk


def linked_help(folder: Path, source: Path, devices: tuple[str, ...]) -> Path:
    """HELP's NAS-Bench-201 folder with some of its devices."""
    (folder / "latency").mkdir(parents=True)
    (folder / "str_arch2idx.pt").symlink_to(source / "str_arch2idx.pt")
    for device in devices:
        (folder / "latency" / f"{device}.pt").symlink_to(source / "latency" / f"{device}.pt")
    return folder


@pytest.mark.data
@pytest.mark.slow
def test_readme_walk_from_twenty_timings_to_a_front_within_the_limit(
    server: httpx.Client, data_folder: Path, data_dir: Path
):
    source = data_dir.resolve() / "help" / "nasbench201"
    only_hidden = linked_help(data_folder / "hidden", source, (HIDDEN,))
    measured = help_importer.read(only_hidden, lambda space, text: SPACES[space].parse(text).key).measurements
    truth = {row.architecture: row.value for row in measured}

    archcast(data_folder, "import", "help", str(linked_help(data_folder / "known", source, KNOWN)))
    archcast(data_folder, "import", "accuracy", str(data_dir / "accuracy"))
    key = archcast(data_folder, "keys", "create", "--scope", "admin")
    headers = {"Authorization": f"Bearer {key}"}

    assert server.post("/devices", json={"name": "my-board"}, headers=headers).status_code == 201
    suggested = server.get("/devices/my-board/suggestions", params={"space": "nb201", "count": 20}).json()
    timed = suggested["architectures"]
    assert len(set(timed)) == 20

    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(("device", "space", "architecture", "latency_ms"))
    rows.writerows(("my-board", "nb201", architecture, truth[architecture]) for architecture in timed)
    answer = server.post(
        "/admin/measurements", content=file.getvalue(), headers=headers | {"Content-Type": "text/csv"}
    ).json()
    assert (answer["inserted"], answer["rejected"]) == (20, 0)
    assert answer["predictors"] == [
        {"device": "my-board", "space": "nb201", "name": "cost_linear", "version": 1, "samples": 20}
    ]

    rest = sorted(set(truth) - set(timed))
    body = {"space": "nb201", "device": "my-board", "architectures": rest, "interval": 0.9}
    results = server.post("/predict_latency", json=body).json()["results"]
    assert [result["architecture"] for result in results] == rest
    assert {result["origin"] for result in results} == {"predicted"}
    true_ms = np.array([truth[architecture] for architecture in rest])
    predicted_ms = np.array([result["latency_ms"] for result in results])
    inside = [low["lower_ms"] <= true <= low["upper_ms"] for low, true in zip(results, true_ms, strict=True)]
    assert spearman(true_ms, predicted_ms) > 0.9
    assert np.median(abs(predicted_ms / true_ms - 1)) < 0.15
    assert 0.85 < np.mean(inside) <= 1

    limit = float(np.quantile(true_ms, 0.4))
    body = {
        "space": "nb201",
        "device": "my-board",
        "objectives": ["accuracy", "latency_ms"],
        "constraints": {"latency_ms": {"max": limit}},
    }
    found = server.post("/search", json=body).json()
    assert found["complete"]
    assert found["accuracy"]["source"] == "table"
    front = found["front"]
    assert all(entry["latency_ms"] <= limit for entry in front)
    front_true_ms = np.array([truth[entry["architecture"]] for entry in front])
    # What twenty timings promise, the board keeps: nine of ten within the limit, none far beyond it.
    assert np.mean(front_true_ms <= limit) >= 0.9
    assert front_true_ms.max() <= 1.15 * limit

    # And the front is worth having: next to the most accurate of all cells that are truly within the limit.
    reached = max(entry["accuracy"] for entry, true in zip(front, front_true_ms, strict=True) if true <= limit)
    assert reached > best_accuracy(data_dir, truth, limit) - 0.5


def best_accuracy(data_dir: Path, truth: dict[str, float], limit: float) -> float:
    """Test accuracy in % on CIFAR-10 of the best cell whose measured latency in ms is within the limit."""
    [table] = [
        table.values
        for table in accuracy_importer.read(
            data_dir / "accuracy", lambda space, text: SPACES[space].parse(text).key
        ).accuracies
        if table.dataset == "cifar10"
    ]
    return max(accuracy for key, accuracy in table.items() if truth[key] <= limit)

"""A device from nothing: registered, timed for real on this machine, predicted and searched, over HTTP.

The client runs with the base install and ONNX Runtime alone; what the server needs is blocked for it.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from onnx import TensorProto, helper

from service.app import create_app
from spaces import SPACES

BLOCKED = ("alembic", "fastapi", "pyarrow", "scipy", "sklearn", "sqlalchemy", "torch", "uvicorn", "yaml")
COMMAND_LINE = "from service.cli import main; main()"
QUICK = ("--seconds", "0.1", "--interval", "0.5", "--max-drift", "1000000")


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application on a port of its own."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def url(shared_deployment: Any) -> Iterator[str]:
    with served(create_app(shared_deployment.settings)) as address:
        yield address


@pytest.fixture
def measure(url: str, shared_deployment: Any, tmp_path: Path, without_modules: Callable[..., str]) -> Any:
    """Runs `archcast measure --json` in a process without the server's packages."""

    def run(*arguments: str, expected: int = 0) -> Any:
        secret = shared_deployment.secrets["admin"]
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                without_modules(BLOCKED, COMMAND_LINE),
                "measure",
                *QUICK,
                "--server",
                url,
                "--json",
                *arguments,
            ],
            cwd=tmp_path,
            env=os.environ | {"ARCHCAST_API_KEY": secret},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == expected, done.stderr
        return json.loads(done.stdout) if done.stdout else done.stderr

    return run


@pytest.mark.slow
def test_device_from_nothing_to_predictions(measure: Any, url: str):
    first = measure("--device", "desk", "--register", "--suggest", "5")
    assert (first["networks"], first["predicted"], first["upload"]["inserted"]) == (5, 0, 5)
    assert first["upload"]["predictors"][0]["samples"] == 5
    suggested = [one["architecture"] for one in first["timings"]]
    second = measure("--device", "desk", "--random", "1", "--seed", "5")
    others = {one["architecture"] for one in second["timings"]} - set(suggested)
    assert second["predicted"] == len(others) > 0
    assert 0 <= second["error_mean"] < 100
    for one in first["timings"]:
        layers = SPACES["nb201"].workload(SPACES["nb201"].parse(one["architecture"])).layers
        assert len(one["layer_ms"]) == len(layers)
        assert 0.3 * one["median_ms"] < sum(one["layer_ms"]) < 1.01 * one["median_ms"]
    device = httpx.get(f"{url}/devices/desk").json()
    assert device["kind"] == "onnx"
    assert device["samples"] == {"nb201": 5 + len(others)}
    body = {"space": "nb201", "device": "desk", "architectures": [*suggested, "0-1-2-3-4-0"]}
    results = httpx.post(f"{url}/predict_latency", json=body, timeout=60).json()["results"]
    assert [one["origin"] for one in results] == ["measured"] * 5 + ["predicted"]
    assert [one["latency_ms"] for one in results[:5]] == [one["median_ms"] for one in first["timings"]]
    answer = httpx.get(f"{url}/devices/desk/suggestions", params={"space": "nb201", "count": 3}).json()
    assert not set(answer["architectures"]) & set(suggested)


def test_own_file_is_uploaded_timed_and_answered(measure: Any, url: str, tmp_path: Path):
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "own",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 8, 16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 8, 16, 16])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "own.onnx").write_bytes(model.SerializeToString())
    report = measure("--device", "unmeasured", "--models", "own.onnx", "--bind", "batch=2", "--journal", "done.jsonl")
    (timing,) = report["timings"]
    assert (timing["space"], timing["input_shapes"]) == ("onnx", {"x": [2, 8, 16, 16]})
    stored = httpx.get(f"{url}/models/{timing['architecture']}").json()
    assert stored["name"] == "own"
    body = {"space": "onnx", "device": "bench-board", "architecture": timing["architecture"]}
    assert httpx.post(f"{url}/predict_latency", json=body).json()["results"][0]["origin"] == "predicted"
    assert (
        httpx.get(f"{url}/spaces/onnx/onnx", params={"architecture": timing["architecture"]}).content
        == (tmp_path / "own.onnx").read_bytes()
    )
    again = measure("--device", "unmeasured", "--models", "own.onnx", "--bind", "batch=2", "--journal", "done.jsonl")
    assert again["timings"] == report["timings"]
    assert again["upload"]["unchanged"] == 1


def test_machine_whose_speed_changed_uploads_nothing_unless_forced(measure: Any, url: str):
    cell = "0-0-0-0-0-0"
    arguments = ("--device", "unmeasured", "--max-drift", "0", cell)
    before = httpx.get(f"{url}/devices/unmeasured").json()["samples"]
    refused = measure(*arguments, expected=1)
    assert "upload" not in refused
    assert refused["drift"] > 0
    assert httpx.get(f"{url}/devices/unmeasured").json()["samples"] == before
    assert measure(*arguments, "--force")["upload"]["inserted"] == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--device", "nobody", "--suggest", "2"), "unknown device 'nobody'"),
        (("--device", "unmeasured"), "say what to time"),
        (("--device", "unmeasured", "--suggest", "2", "--random", "2"), "say what to time"),
        (("--device", "unmeasured", "no cell"), "no architecture of nb201"),
    ],
)
def test_measure_that_cannot_be_done_says_why(measure: Any, arguments: tuple[str, ...], reason: str):
    assert reason in measure(*arguments, expected=1)

"""`archcast models`: the same answers as over HTTP, and refusals in one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from onnx import TensorProto, helper

pytestmark = pytest.mark.one_database

Cli = Callable[..., Any]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Det", ["y"], ["z"])],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4, 4])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["batch"])],
    )
    path = tmp_path / "tiny.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def test_models_add_prints_layers_and_hash_and_lists_them(deployed: Cli, client: TestClient, file: Path):
    added = deployed("models", "add", str(file), "--bind", "batch=2")
    architecture = added.out.splitlines()[-1]
    assert added.out.splitlines()[1].split() == ["network.0.Relu", "activation", "0", "0", "256"]
    assert "not understood: Det (1)" in added.err
    assert client.get(f"/models/{architecture}").json()["name"] == "tiny"
    assert deployed("models", "--json").answer == client.get("/models").json()
    assert architecture in deployed("models").out
    again = deployed("models", "add", str(file), "--bind", "batch=2", "--json")
    assert again.answer == client.get(f"/models/{architecture}").json()


def test_models_add_of_an_open_dimension_names_it(deployed: Cli, file: Path):
    outcome = deployed("models", "add", str(file))
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.endswith("bind each to a number: batch\n")

"""A server whose installation lacks torch: predictors that need none, and every endpoint but for networks."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PROGRAM = """
import sys

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr, ValidationError

from device_db import ApiKeys, create_engine, session_factory
from service.app import create_app
from service.settings import Settings
from spaces import SPACES

with pytest.raises(ValidationError, match="graph_linear needs torch"):
    Settings(predictor="graph_linear")
settings = Settings(database_url=SecretStr(sys.argv[1]), predictor="auto")
engine = create_engine(sys.argv[1])
with session_factory(engine).begin() as session:
    _, key = ApiKeys(session).create("tests", ["admin"])
cells = list(SPACES["nb201"].enumerate())[::700]
with TestClient(create_app(settings), headers={"Authorization": f"Bearer {key}"}) as client:
    assert client.post("/devices", json={"name": "board"}).status_code == 201
    rows = [f"board,nb201,{cell.key},{1 + SPACES['nb201'].workload(cell).macs / 5e7}" for cell in cells]
    body = "\\n".join(["device,space,architecture,latency_ms", *rows])
    answer = client.post("/admin/measurements", content=body, headers={"Content-Type": "text/csv"})
    assert answer.json()["predictors"][0]["name"] == "cost_linear", answer.text
    rows = [f"nb201,mine,{cell.key},{50 + place}" for place, cell in enumerate(cells)]
    body = "\\n".join(["space,dataset,architecture,accuracy", *rows])
    assert client.post("/admin/accuracies", content=body, headers={"Content-Type": "text/csv"}).json()["inserted"] == 23
    budget = {"algorithm": "random", "budget": {"evaluations": 100}}
    found = client.post("/search", json={"space": "nb201", "device": "board", **budget}).json()
    assert found["accuracy"]["source"] == "fitted", found
    (candidate,) = [each for each in found["predictor"]["candidates"] if each["name"] == "graph_linear"]
    assert candidate["reason"] == "torch is not installed here"
    told = client.get("/devices/board/predictor?space=nb201&next=1").json()
    assert told["errors"]["samples"] == 23, told
assert "torch" not in sys.modules
"""


def test_server_without_torch_adapts_predicts_and_searches(
    migrated_sqlite: Path, tmp_path: Path, without_modules: Callable[..., str]
):
    database = tmp_path / "test.db"
    database.write_bytes(migrated_sqlite.read_bytes())
    run = subprocess.run(
        [sys.executable, "-c", without_modules(["torch", "torch_geometric"], PROGRAM), f"sqlite:///{database}"],
        cwd=tmp_path,
        env=os.environ | {"ARCHCAST_PREDICTOR": "auto"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr[-2000:]

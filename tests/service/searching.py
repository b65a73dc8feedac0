"""Requests to POST /search and what they answer."""

from typing import Any

from fastapi.testclient import TestClient

from spaces import SPACES
from targets import hardware_names

MEASURED = "bench-board"
SIMULATED = hardware_names()[0]

NB201 = SPACES["nb201"]

CELLS = list(NB201.enumerate())
RANDOM = {"algorithm": "random", "budget": {"evaluations": 300}}


def search(client: TestClient, **body: Any) -> Any:
    answer = client.post("/search", json={"space": "nb201", "device": SIMULATED} | body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refuse(client: TestClient, **body: Any) -> Any:
    answer = client.post("/search", json={"space": "nb201", "device": SIMULATED} | body)
    assert answer.status_code == 422, answer.text
    return answer.json()

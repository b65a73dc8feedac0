"""Requests to POST /simulate and what they answer."""

from typing import Any

from fastapi.testclient import TestClient

CELL = "4-3-2-1-3-3"
NETWORK = {"space": "nb201", "architecture": CELL}
LAYERS = [
    {"name": "stem", "kind": "conv", "in_channels": 3, "out_channels": 16, "in_height": 32, "kernel": 3, "stride": 2},
    {"name": "depthwise", "kind": "conv", "in_channels": 16, "in_height": 16, "kernel": 3, "groups": 16},
    {"name": "add", "kind": "add", "in_channels": 16, "in_height": 16, "inputs": 2},
    {"name": "classifier", "kind": "linear", "in_channels": 16, "out_channels": 10},
]


def simulate(client: TestClient, **body: Any) -> Any:
    response = client.post("/simulate", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def refusal(client: TestClient, **body: Any) -> list[tuple[str, str]]:
    response = client.post("/simulate", json=body)
    assert response.status_code == 422, response.text
    return [(fault.get("pointer", ""), fault["reason"]) for fault in response.json()["errors"]]

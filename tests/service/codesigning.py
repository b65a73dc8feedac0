"""Searches over precision and hardware, and what they answer."""

import time
from typing import Any

from fastapi.testclient import TestClient

BASE = {"space": "nb201", "device": "bitmod-lossy"}


def groups(**options: Any) -> dict[str, Any]:
    return {"groups": options}


def search(client: TestClient, **body: Any) -> Any:
    answer = client.post("/search", json=BASE | body)
    if answer.status_code == 202:  # a busy machine: the server waits no longer than its limit
        return finished(client, answer.headers["Location"])
    assert answer.status_code == 200, answer.text
    return answer.json()


def finished(client: TestClient, job: str) -> Any:
    while (view := client.get(job).json())["state"] in ("queued", "running"):
        time.sleep(0.1)
    assert view["state"] == "succeeded", view
    return view["result"]


def refuse(client: TestClient, **body: Any) -> list[tuple[str, str]]:
    answer = client.post("/search", json=BASE | body)
    assert answer.status_code == 422, answer.text
    return [(fault["pointer"], fault["reason"]) for fault in answer.json()["errors"]]

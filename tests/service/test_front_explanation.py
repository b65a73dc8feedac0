"""Explained fronts and their pictures, over HTTP and on the command line."""

import builtins
from typing import Any

import pytest
from fastapi.testclient import TestClient

from targets import hardware_names

MEASURED = "bench-board"
SIMULATED = hardware_names()[0]


def search(client: TestClient, **body: Any) -> Any:
    answer = client.post("/search", json={"space": "nb201", "device": MEASURED} | body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_explained_front_says_what_each_member_gives_up_and_how_sure_it_is(shared: TestClient):
    body = {"objectives": ["accuracy", "latency_ms"]}
    front = search(shared, **body, explain=True)["front"]
    assert [entry["architecture"] for entry in search(shared, **body)["front"]] == [e["architecture"] for e in front]
    by_key = {entry["architecture"]: entry for entry in front}
    for entry in front:
        assert 0 <= entry["non_dominated_probability"] <= 1
        for exchange in entry["exchanges"]:
            other = by_key[exchange["architecture"]]
            for name, change in exchange["changes"].items():
                assert change == pytest.approx(other[name] - entry[name])
            sign = 1 if exchange["objective"] == "accuracy" else -1
            assert sign * exchange["changes"][exchange["objective"]] > 0
    assert front[0]["non_dominated_probability"] == 1.0  # the most accurate one alone
    assert min(entry["non_dominated_probability"] for entry in front) < 0.9
    assert {each["objective"] for each in front[0]["exchanges"]} == {"latency_ms"}
    assert front == search(shared, **body, explain=True)["front"]


def test_front_without_predictions_has_exchanges_and_no_probability(shared: TestClient):
    (first, *_) = search(shared, device=SIMULATED, explain=True)["front"]
    assert first["exchanges"]
    assert "non_dominated_probability" not in first
    plain = search(shared, device=SIMULATED)["front"][0]
    assert not {"exchanges", "non_dominated_probability"} & plain.keys()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"objectives": ["latency_ms"]},
        {"devices": [SIMULATED], "objectives": ["accuracy", f"latency_ms@{MEASURED}", f"latency_ms@{SIMULATED}"]},
    ],
)
def test_picture_of_a_front_is_svg_or_png(shared: TestClient, body: dict[str, Any]):
    job = search(shared, **body)["job"]
    svg, png = (shared.get(f"/jobs/{job}/front.{kind}") for kind in ("svg", "png"))
    assert svg.headers["content-type"] == "image/svg+xml"
    assert "latency, ms" in svg.text
    assert "<svg" in svg.text
    assert png.content.startswith(b"\x89PNG")
    assert shared.get(f"/jobs/{job}/front.svg").content == svg.content


def test_picture_without_matplotlib_names_what_to_install(shared: TestClient, monkeypatch: pytest.MonkeyPatch):
    job = search(shared)["job"]
    load = builtins.__import__

    def without(name: str, *rest: Any, **options: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ModuleNotFoundError(name)
        return load(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    answer = shared.get(f"/jobs/{job}/front.svg")
    assert answer.status_code == 501
    assert "archcast[plots]" in answer.json()["detail"]

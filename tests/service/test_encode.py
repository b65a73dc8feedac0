from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from arch_encodings import ENCODERS
from spaces import SPACES

NB201 = SPACES["nb201"]
CELLS = ["4-3-2-1-3-3", [3, 3, 1, 3, 1, 0], "4-3-2-1-3-3"]


def refuse(client: TestClient, status: int = 422, **body: Any) -> Any:
    request = {"space": "nb201", "architectures": CELLS, "encodings": ["cost"]} | body
    answer = client.post("/encode", json=request)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.json()["errors"]


def test_encode_gives_each_encoding_with_its_features_in_the_order_asked(shared: TestClient):
    body = {"space": "nb201", "architectures": CELLS, "encodings": ["one_hot", "cost"]}
    answer = shared.post("/encode", json=body).json()
    architectures = [NB201.parse(cell) for cell in CELLS]  # pyright: ignore[reportArgumentType]
    assert answer["space"] == "nb201"
    assert answer["architectures"] == [architecture.key for architecture in architectures]
    assert list(answer["encodings"]) == ["one_hot", "cost"]
    for name, encoded in answer["encodings"].items():
        assert encoded["features"] == list(ENCODERS[name].feature_names(NB201))
        np.testing.assert_allclose(encoded["values"], ENCODERS[name].encode(NB201, architectures))


def test_encode_a_whole_space_in_one_call(shared: TestClient):
    keys = [architecture.key for architecture in NB201.enumerate()]
    answer = shared.post("/encode", json={"space": "nb201", "architectures": keys, "encodings": ["cost"]}).json()
    assert answer["architectures"] == keys
    assert len(answer["encodings"]["cost"]["values"]) == len(keys)


def test_encodings_are_listed_with_the_spaces_they_cover(shared: TestClient):
    listed = {info["name"]: info for info in shared.get("/encodings").json()["encodings"]}
    assert set(listed) == set(ENCODERS)
    assert listed["one_hot"]["dimensions"]["fbnet"] == 22 * 9
    assert listed["paths"]["dimensions"]["nb201"] == 40
    assert "fbnet" not in listed["paths"]["dimensions"]
    assert all(info["description"] for info in listed.values())


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"space": "nb999"}, "/space"),
        ({"encodings": ["cost", "tarot"]}, "/encodings/1"),
        ({"space": "fbnet", "architectures": ["_".join("0" * 22)], "encodings": ["paths"]}, "/encodings/0"),
        ({"architectures": ["4-3-2-1-3-3", "nonsense"]}, "/architectures/1"),
        ({"architectures": []}, "/architectures"),
        ({"architectures": [None]}, "/architectures/0"),
        ({"encodings": []}, "/encodings"),
        ({"encodings": "cost"}, "/encodings"),
        ({"extra": 1}, "/extra"),
    ],
)
def test_encode_bad_request_points_at_the_fault(shared: TestClient, body: dict[str, Any], pointer: str):
    errors = refuse(shared, **body)
    assert pointer in [error["pointer"] for error in errors]
    assert all(error["reason"] for error in errors)


def test_encode_more_numbers_than_an_answer_carries_is_refused(shared: TestClient):
    many = ["_".join("0" * 22)] * 20_000
    (error,) = refuse(shared, space="fbnet", architectures=many, encodings=["one_hot", "cost"])
    assert error["pointer"] == "/architectures"
    assert "fewer architectures" in error["reason"]

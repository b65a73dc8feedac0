from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from arch_encodings import ENCODERS
from arch_encodings.zcp import scale_proxies
from arch_encodings.zero_cost import PROXIES, ProxySettings
from device_db import EncodingValues, create_engine, session_factory
from device_db.importers import PUBLISHED_PROXIES
from spaces import SPACES, Architecture

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


def test_encode_zcp_is_computed_once_and_kept_under_the_settings_of_archcast_proxies(
    serve: Callable[..., TestClient], deployment: Any, monkeypatch: pytest.MonkeyPatch
):
    """Twice in a request, of a cell that is asked for twice; then once more."""
    computed: list[tuple[list[Architecture], tuple[str, ...], ProxySettings]] = []

    def compute(space: Any, architectures: Any, names: Any, *, settings: ProxySettings | None = None) -> Any:
        if architectures:
            assert settings is not None
            computed.append((list(architectures), tuple(names), settings))
        return np.arange(len(architectures) * len(names), dtype=np.float64).reshape(len(architectures), len(names))

    monkeypatch.setattr("service.use_cases.compute_proxies.compute", compute)
    client = serve(max_uncached_proxies=2)
    body = {"space": "nb201", "architectures": CELLS, "encodings": ["zcp", "caz"]}
    answer = client.post("/encode", json=body)
    assert answer.status_code == 200, answer.text
    distinct = [NB201.parse("4-3-2-1-3-3"), NB201.parse([3, 3, 1, 3, 1, 0])]
    assert computed == [(distinct, tuple(PROXIES), ProxySettings.of_space("nb201"))]
    zcp, caz = (np.array(answer.json()["encodings"][name]["values"]) for name in ("zcp", "caz"))
    raw = np.arange(2 * len(PROXIES), dtype=np.float64).reshape(2, -1)
    np.testing.assert_allclose(zcp, scale_proxies(raw[[0, 1, 0]], list(PROXIES)))
    np.testing.assert_array_equal(caz[:, -len(PROXIES) :], zcp)
    assert client.post("/encode", json=body).json() == answer.json()
    assert len(computed) == 1


def test_encode_zcp_of_more_than_a_few_says_how_to_compute_them_first(shared: TestClient):
    keys = [architecture.key for architecture in NB201.sample(5, rng=np.random.default_rng(0))]
    answer = shared.post("/encode", json={"space": "nb201", "architectures": keys, "encodings": ["cost", "caz"]})
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (409, "urn:archcast:problem:proxies-not-computed")
    assert (problem["missing"], problem["limit"]) == (5, 4)
    assert "archcast proxies --space nb201" in problem["detail"]


def test_encode_zcp_from_published_proxies_takes_these_alone(serve: Callable[..., TestClient], deployment: Any):
    """Never in part: what is not published is refused, whatever is computed."""
    keys = [architecture.key for architecture in NB201.sample(2, rng=np.random.default_rng(0))]
    engine = create_engine(deployment.settings.sqlalchemy_url)
    with session_factory(engine).begin() as session:
        for number, name in enumerate(PROXIES):
            values = EncodingValues(session)
            values.store("nb201", name, PUBLISHED_PROXIES["nb201"], {keys[0]: float(number)})
            values.store("nb201", name, ProxySettings.of_space("nb201").configuration, dict.fromkeys(keys, -1.0))
    engine.dispose()
    client = serve()
    body = {"space": "nb201", "encodings": ["zcp"], "proxies": "published"}
    values = client.post("/encode", json=body | {"architectures": keys[:1]}).json()["encodings"]["zcp"]["values"]
    np.testing.assert_allclose(values, scale_proxies(np.arange(len(PROXIES), dtype=float)[None], list(PROXIES)))
    answer = client.post("/encode", json=body | {"architectures": keys})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:archcast:problem:proxies-not-published")
    assert answer.json()["missing"] == 1
    fbnet = {"space": "nb101", "architectures": ["conv3x3|11.1"]}
    assert client.post("/encode", json=body | fbnet).status_code == 409


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
    assert listed["caz"]["dimensions"]["nb201"] == 32 + 32 + 13
    assert listed["caz"]["description"] == "arch2vec, cate, zcp side by side."
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
        ({"proxies": "divined"}, "/proxies"),
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

import json
import math
import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from device_db import ArchitectureIndices, MeasurementRow, create_engine, session_factory
from spaces import SPACES
from targets import hardware_names, load_hardware, load_target, segment_costs

MEASURED = "bench-board"
SIMULATED = hardware_names()[0]

NB201 = SPACES["nb201"]
KEYS = [architecture.key for architecture in NB201.enumerate()]
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"


def ask(client: TestClient, **body: Any) -> Any:
    answer = client.post("/predict_latency", json={"space": "nb201", "device": MEASURED} | body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refuse(client: TestClient, **body: Any) -> Any:
    content = json.dumps({"space": "nb201", "device": MEASURED} | body)  # escapes what is no character
    answer = client.post("/predict_latency", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.json()["errors"]


def test_prediction_of_unmeasured_architectures_carries_bounds_and_the_predictor(shared: TestClient):
    answer = ask(shared, architectures=[CELL, "3-0-1-0-0-2"])
    assert answer["device"] == MEASURED
    assert answer["space"] == "nb201"
    told = answer["predictor"]
    assert (told["name"], told["version"], told["samples"]) == ("cost_linear", 1, 20)
    assert told["pretrained_on_this_device"] is False
    tried = {candidate["name"]: candidate for candidate in told["candidates"]}
    assert tried["cost_linear"]["errors"]["mape_percent"] < 10
    assert tried["graph_linear"]["log_density"] is None
    assert "ARCHCAST_PREDICTOR" in tried["graph_linear"]["reason"]
    first, second = answer["results"]
    assert first == second
    assert first["architecture"] == CELL
    assert first["origin"] == "predicted"
    assert 0 < first["lower_ms"] < first["latency_ms"] < first["upper_ms"]


def test_prediction_of_a_measured_architecture_is_the_sample(client: TestClient, samples: list[MeasurementRow]):
    row = samples[3]
    (result,) = ask(client, architecture=row.architecture)["results"]
    assert result["origin"] == "measured"
    assert result["lower_ms"] == result["latency_ms"] == result["upper_ms"] == row.value


def test_prediction_on_a_simulated_device_is_the_cost_model(shared: TestClient):
    answer = ask(shared, device=SIMULATED, architecture=CELL)
    expected = segment_costs(load_target(SIMULATED), NB201, [NB201.parse(CELL)]).latency_ms[0]
    assert answer["predictor"].items() >= {"name": load_hardware(SIMULATED).target, "version": 1, "samples": 0}.items()
    assert answer["results"][0]["latency_ms"] == pytest.approx(expected)
    assert answer["results"][0]["origin"] == "simulated"


def test_prediction_of_a_batch_equals_its_singles_in_the_order_asked(client: TestClient, samples: list[MeasurementRow]):
    asked = [KEYS[7], samples[0].architecture, KEYS[7], KEYS[1234]]
    batch = ask(client, architectures=asked)["results"]
    assert [result["architecture"] for result in batch] == asked
    for result, key in zip(batch, asked, strict=True):
        (single,) = ask(client, architecture=key)["results"]
        assert (result["architecture"], result["origin"]) == (single["architecture"], single["origin"])
        for name in ("latency_ms", "lower_ms", "upper_ms"):
            assert result[name] == pytest.approx(single[name], rel=1e-9)


def test_wider_interval_has_wider_bounds(shared: TestClient):
    (narrow,) = ask(shared, architecture=CELL, interval=0.5)["results"]
    (wide,) = ask(shared, architecture=CELL, interval=0.99)["results"]
    assert wide["lower_ms"] < narrow["lower_ms"] <= narrow["latency_ms"] <= narrow["upper_ms"] < wide["upper_ms"]


@pytest.mark.parametrize("interval", [math.ulp(0), 0.9999])
def test_widest_and_narrowest_interval_have_finite_bounds(shared: TestClient, interval: float):
    (result,) = ask(shared, architecture=CELL, interval=interval)["results"]
    assert 0 < result["lower_ms"] <= result["latency_ms"] <= result["upper_ms"] < math.inf


@pytest.mark.one_database
def test_whole_space_in_one_call_takes_a_second_or_two(client: TestClient):
    started = time.perf_counter()
    results = ask(client, architectures=KEYS)["results"]
    assert len(results) == len(KEYS)
    assert sum(result["origin"] == "measured" for result in results) == 20
    assert time.perf_counter() - started < 5  # two seconds on a free core


def test_index_before_its_order_is_imported_is_refused_and_understood_afterwards(app: FastAPI, client: TestClient):
    (error,) = refuse(client, architectures=[KEYS[0], 5])
    assert error["pointer"] == "/architectures/1"
    assert "not been imported" in error["reason"]
    engine = create_engine(app.state.archcast.settings.sqlalchemy_url)
    with session_factory(engine).begin() as session:
        ArchitectureIndices(session).store("nb201", KEYS[::-1])
    engine.dispose()
    assert ask(client, architecture=5)["results"][0]["architecture"] == KEYS[-6]
    assert ask(client, architecture="5")["results"][0]["architecture"] == KEYS[-6]


def test_every_bad_architecture_is_listed_with_its_place(shared: TestClient):
    errors = refuse(shared, architectures=[CELL, "nonsense", [1, 2], KEYS[0], [9, 0, 0, 0, 0, 0]])
    assert [error["pointer"] for error in errors] == ["/architectures/1", "/architectures/2", "/architectures/4"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"architecture": CELL, "architectures": [CELL]}, ""),
        ({}, ""),
        ({"architectures": []}, "/architectures"),
        ({"architectures": "nonsense"}, "/architectures"),
        ({"architectures": [None]}, "/architectures/0"),
        ({"architectures": [True]}, "/architectures/0"),
        ({"architectures": [1.5]}, "/architectures/0"),
        ({"architectures": [[0.5, 1]]}, "/architectures/0"),
        ({"architectures": [{"ops": []}]}, "/architectures/0"),
        ({"architecture": ""}, "/architecture"),
        ({"architecture": "\ud800"}, "/architecture"),
        ({"architecture": "\x00"}, "/architecture"),
        ({"architecture": 10**400}, "/architecture"),
        ({"architecture": -1}, "/architecture"),
        ({"architecture": CELL, "interval": 0}, "/interval"),
        ({"architecture": CELL, "interval": 1}, "/interval"),
        ({"architecture": CELL, "interval": math.nextafter(1, 0)}, "/interval"),
        ({"architecture": CELL, "interval": "wide"}, "/interval"),
        ({"architecture": CELL, "space": "nb999"}, "/space"),
        ({"architecture": CELL, "space": 5}, "/space"),
        ({"architecture": CELL, "device": "nobody"}, "/device"),
        ({"architecture": CELL, "device": "a/b"}, "/device"),
        ({"architecture": CELL, "device": "\x00"}, "/device"),
        ({"architecture": CELL, "devise": "x"}, "/devise"),
    ],
)
def test_bad_request_points_at_its_fault(shared: TestClient, body: dict[str, Any], pointer: str):
    assert refuse(shared, **body)[0]["pointer"] == pointer


def test_device_with_too_few_samples_is_409_and_says_where_to_upload(client: TestClient):
    body = {"space": "nb201", "device": "unmeasured", "architecture": CELL}
    answer = client.post("/predict_latency", json=body)
    assert answer.status_code == 409
    problem = answer.json()
    assert (problem["samples"], problem["needed"]) == (0, 5)
    assert "POST /admin/measurements" in problem["detail"]


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 422),
        (b"null", "application/json", 422),
        (b"[]", "application/json", 422),
        (b"\xff\xfe", "application/json", 400),
        (b'{"interval": NaN}', "application/json", 422),
        (b"[" * 100_000, "application/json", 400),
        (b'{"space": ' + b"9" * 5000 + b"}", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
        (b"space=nb201", "application/x-www-form-urlencoded", 415),
    ],
)
def test_body_that_is_no_json_object_is_refused(shared: TestClient, content: bytes, content_type: str, status: int):
    answer = shared.post("/predict_latency", content=content, headers={"Content-Type": content_type})
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"space": "\xe9"}', "utf-8: invalid continuation byte at byte 11"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"space": ' + b"9" * 5000 + b"}", "limit (4300 digits) for integer"),
        (b'{"space": }', "Expecting value at character 10"),
    ],
)
def test_malformed_body_is_told_what_is_wrong_with_it(shared: TestClient, content: bytes, reason: str):
    answer = shared.post("/predict_latency", content=content, headers={"Content-Type": "application/json"})
    assert answer.json()["type"] == "urn:archcast:problem:malformed-body"
    assert reason in answer.json()["detail"]


def test_many_bad_architectures_are_not_all_listed(shared: TestClient):
    body = {"space": "nb201", "device": MEASURED, "architectures": ["x"] * 1500}
    problem = shared.post("/predict_latency", json=body).json()
    assert [fault["pointer"] for fault in problem["errors"]] == [f"/architectures/{index}" for index in range(1000)]
    assert "1500 faults" in problem["detail"]
    assert problem["detail"].endswith("(500 more are not listed)")


def test_full_inference_slots_are_503_with_retry_after(serve: Callable[..., TestClient]):
    client = serve(inference_slots=1, inference_wait_seconds=0)
    with client.app.state.archcast.inference.slot():  # type: ignore[attr-defined]
        answer = client.post("/predict_latency", json={"space": "nb201", "device": SIMULATED, "architecture": CELL})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1


def test_predictions_are_counted_by_origin(client: TestClient, samples: list[MeasurementRow]):
    ask(client, architectures=[CELL, samples[0].architecture])
    text = client.get("/metrics").text
    assert 'archcast_predictions_total{origin="measured"} 1.0' in text
    assert 'archcast_predictions_total{origin="predicted"} 1.0' in text

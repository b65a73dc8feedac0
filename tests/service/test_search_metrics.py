"""Metrics of searches: several devices at once, limits with a probability, memory, and what is refused of them."""

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from service.layer_totals import working_set_bytes
from service.search_metrics import METRICS, quantile_name
from spaces import SPACES
from targets import hardware_names, load_target, segment_costs

MEASURED = "bench-board"
FIRST, SECOND = "roofline-phone-cpu", "bitmod-lossy"
NB201 = SPACES["nb201"]
CELLS = list(NB201.enumerate())


def search(client: TestClient, **body: Any) -> Any:
    answer = client.post("/search", json={"space": "nb201"} | body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refuse(client: TestClient, **body: Any) -> Any:
    answer = client.post("/search", json={"space": "nb201"} | body)
    assert answer.status_code == 422, answer.text
    return answer.json()


def test_search_on_two_devices_at_once_is_the_front_over_both(shared: TestClient):
    answer = search(
        shared, devices=[FIRST, SECOND], objectives=["params", f"latency_ms@{FIRST}", f"latency_ms@{SECOND}"]
    )
    assert answer["complete"]
    params = np.array([NB201.workload(cell).params for cell in CELLS], dtype=float)
    points = np.column_stack(
        [params, *(segment_costs(load_target(name), NB201, CELLS).latency_ms for name in (FIRST, SECOND))]
    )
    for entry in answer["front"][:50]:
        point = np.array([entry["params"], entry[f"latency_ms@{FIRST}"], entry[f"latency_ms@{SECOND}"]])
        assert not ((points <= point).all(axis=1) & (points < point - 1e-9).any(axis=1)).any()
        assert entry["devices"][SECOND]["latency_ms"] == pytest.approx(point[2])
        assert entry["lower_ms"] == entry["devices"][FIRST]["lower_ms"]
    assert answer["device"] == FIRST
    assert {name: info["name"] for name, info in answer["predictors"].items()}.keys() == {FIRST, SECOND}


def test_search_on_several_devices_without_objectives_takes_each_ones_latency(shared: TestClient):
    answer = search(shared, device=MEASURED, devices=[FIRST], algorithm="random", budget={"evaluations": 50})
    assert {"accuracy", f"latency_ms@{MEASURED}", f"latency_ms@{FIRST}"} <= answer["front"][0].keys()
    assert answer["front"][0]["devices"][FIRST]["origin"] == "simulated"


def test_limit_on_the_second_device_alone_is_kept(shared: TestClient):
    limit = float(np.median(segment_costs(load_target(SECOND), NB201, CELLS).latency_ms))
    name = f"latency_ms@{SECOND}"
    answer = search(shared, device=FIRST, devices=[SECOND], objectives=["accuracy"], constraints={name: {"max": limit}})
    assert all(entry[name] <= limit for entry in answer["front"])


def test_limit_with_a_probability_is_decided_by_the_quantile(shared: TestClient):
    body = {"device": MEASURED, "objectives": ["accuracy", "latency_ms"]}
    tight = next(entry for entry in search(shared, **body)["front"][5:] if entry["origin"] == "predicted")
    limit_ms = tight["latency_ms"]
    mean = search(shared, constraints={"latency_ms": {"max": limit_ms}}, **body)["front"]
    for probability in (0.75, 0.95):
        limit = {"max": limit_ms, "probability": probability}
        sure = search(shared, constraints={"latency_ms": limit}, interval=2 * probability - 1, **body)["front"]
        name = f"latency_ms_p{100 * probability:g}"
        predicted = [entry for entry in sure if entry["origin"] == "predicted"]
        assert all(entry[name] <= limit_ms for entry in sure)
        assert [entry[name] for entry in predicted] == pytest.approx([entry["upper_ms"] for entry in predicted])
        assert tight["architecture"] in {entry["architecture"] for entry in mean}
        assert tight["architecture"] not in {entry["architecture"] for entry in sure}
        assert predicted


def test_limit_with_a_probability_out_of_reach_names_the_quantile_that_is(shared: TestClient):
    limit = {"max": 1e-3, "probability": 0.9}
    problem = refuse(shared, device=MEASURED, constraints={"latency_ms": limit})
    assert "with probability 0.9" in problem["errors"][0]["reason"]
    assert problem["errors"][0]["pointer"] == "/constraints/latency_ms"
    assert problem["best_reachable"]["latency_ms"] > 1e-3


def test_probability_on_a_simulated_device_changes_nothing(shared: TestClient):
    body = {"device": FIRST, "objectives": ["accuracy", "latency_ms"]}
    plain = search(shared, constraints={"latency_ms": {"max": 5}}, **body)["front"]
    sure = search(shared, constraints={"latency_ms": {"max": 5, "probability": 0.99}}, **body)["front"]
    assert [entry["architecture"] for entry in plain] == [entry["architecture"] for entry in sure]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"devices": []}, ""),
        ({"device": FIRST, "devices": [FIRST]}, ""),
        ({"device": FIRST, "devices": ["nobody"]}, "/devices/0"),
        ({"device": FIRST, "objectives": [f"latency_ms@{SECOND}"]}, "/objectives/0"),
        ({"device": FIRST, "constraints": {"macs": {"max": 1e9, "probability": 0.9}}}, "/constraints/macs/probability"),
        ({"device": FIRST, "constraints": {"latency_ms": {"min": 1, "probability": 0.9}}}, "/constraints/latency_ms"),
        (
            {"device": FIRST, "constraints": {"latency_ms": {"max": 1, "probability": 0.5}}},
            "/constraints/latency_ms/probability",
        ),
        (
            {"device": FIRST, "constraints": {"latency_ms": {"max": 1, "probability": 1}}},
            "/constraints/latency_ms/probability",
        ),
        (
            {"device": FIRST, "devices": [SECOND], "objectives": ["latency_ms"], "hardware": {"rows": [8, 16]}},
            "/hardware",
        ),
    ],
)
def test_search_over_devices_that_makes_no_sense_points_at_its_fault(
    shared: TestClient, body: dict[str, Any], pointer: str
):
    assert refuse(shared, **body)["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("name", ["nb201", "nb101", "fbnet", "ofa"])
def test_working_set_is_the_largest_layer_of_the_workload(name: str):
    space = SPACES[name]
    sample = space.sample(20, rng=np.random.default_rng(0))
    expected = [
        4 * max(layer.in_elements + layer.out_elements for layer in space.workload(each).layers) for each in sample
    ]
    np.testing.assert_array_equal(working_set_bytes(space)(sample), expected)


def test_every_metric_that_a_simulated_device_offers_is_in_the_registry(shared: TestClient):
    for device in hardware_names():
        problem = refuse(shared, device=device, objectives=["speed"])
        known = problem["errors"][0]["reason"].partition("known: ")[2].split(", ")
        assert {*known} <= METRICS.keys()


def test_quantile_of_a_devices_metric_keeps_the_device_at_the_end():
    assert quantile_name("latency_ms@pixel3", 0.95) == "latency_ms_p95@pixel3"
    assert quantile_name("latency_ms", 0.999) == "latency_ms_p99.9"

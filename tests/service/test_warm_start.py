"""Searches that start from an earlier front or from samples, and algorithms by name."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from search import ALGORITHMS
from spaces.nb201 import Nb201
from targets import hardware_names

MEASURED = "bench-board"
SIMULATED = hardware_names()[0]
NB201 = Nb201()


def post(client: TestClient, status: int = 200, **body: Any) -> Any:
    answer = client.post("/search", json={"space": "fbnet", "device": SIMULATED} | body)
    assert answer.status_code == status, answer.text
    return answer.json()


def dominates(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one["macs"] <= other["macs"] and one["latency_ms"] <= other["latency_ms"] and one != other


@pytest.mark.parametrize("algorithm", ["nsga2", "local_search", "predictor_guided"])
def test_search_started_from_a_job_is_nowhere_worse_than_its_front(client: TestClient, algorithm: str):
    body = {"objectives": ["macs", "latency_ms"], "budget": {"evaluations": 400}}
    first = post(client, **body)
    again = post(client, **body, algorithm=algorithm, seed=9, warm_start={"job": first["job"]})
    assert not any(dominates(old, new) for old in first["front"] for new in again["front"])
    assert again["evaluations"] == 400


def test_search_started_from_samples_evaluates_them(client: TestClient):
    # As many evaluations as there are samples: what is on the front can only come from them.
    body = {"space": "nb201", "device": MEASURED, "algorithm": "nsga2", "budget": {"evaluations": 20}}
    answer = post(client, **body, warm_start={"samples": True})
    assert {entry["origin"] for entry in answer["front"]} == {"measured"}
    assert "predicted" in {entry["origin"] for entry in post(client, **body)["front"]}


@pytest.mark.parametrize(
    ("warm_start", "pointer"),
    [
        ({}, "/warm_start"),
        ({"job": "nothing-of-this-name"}, "/warm_start/job"),
        ({"job": "a b"}, "/warm_start/job"),
        ({"front": []}, "/warm_start/front"),
    ],
)
def test_warm_start_that_cannot_be_is_422(shared: TestClient, warm_start: dict[str, Any], pointer: str):
    assert post(shared, 422, warm_start=warm_start)["errors"][0]["pointer"] == pointer


def test_warm_start_from_another_space_or_with_other_decisions_is_422(client: TestClient):
    other = post(client, space="nb201", algorithm="random", budget={"evaluations": 20})
    problem = post(client, 422, warm_start={"job": other["job"]})
    assert "searched 'nb201'" in problem["errors"][0]["reason"]
    codesign = {"device": "bitmod-lossy", "objectives": ["latency_ms"], "hardware": {"rows": [16, 32]}}
    assert post(client, 422, warm_start={"samples": True}, **codesign)["errors"][0]["pointer"] == "/warm_start"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_answers_over_http_within_its_budget(shared: TestClient, algorithm: str):
    answer = post(
        shared, space="nb201", algorithm=algorithm, objectives=["macs", "latency_ms"], budget={"evaluations": 40}
    )
    assert (answer["algorithm"], answer["evaluations"]) == (algorithm, 40)
    assert answer["front"]


def test_front_of_cells_has_no_isomorphic_ones(shared: TestClient):
    front = post(shared, space="nb201", objectives=["accuracy", "macs", "latency_ms"])["front"]
    classes = [NB201.isomorphism_class(NB201.parse(entry["architecture"])) for entry in front]
    assert len(set(classes)) == len(classes) > 10


@pytest.mark.parametrize("algorithm", [name for name in ALGORITHMS if name != "exhaustive"])
def test_every_algorithm_names_the_best_reachable_value_of_a_limit_out_of_reach(shared: TestClient, algorithm: str):
    body = {
        "objectives": ["macs", "latency_ms"],
        "budget": {"evaluations": 40},
        "constraints": {"latency_ms": {"max": 1e-6}},
    }
    problem = post(shared, 422, algorithm=algorithm, **body)
    assert problem["type"] == "urn:archcast:problem:unreachable-limit"
    assert problem["best_reachable"]["latency_ms"] > 1e-6
    assert problem["errors"][0]["pointer"] == "/constraints/latency_ms"


@pytest.mark.parametrize("algorithm", ["auto", "predictor_guided", "random"])
def test_long_search_for_a_limit_out_of_reach_is_answered_at_once(shared: TestClient, algorithm: str):
    body = {"budget": {"seconds": 600}, "constraints": {"latency_ms": {"max": 1e-6}}, "algorithm": algorithm}
    problem = post(shared, 422, **body)
    assert problem["best_reachable"]["latency_ms"] > 1e-6
    assert problem["errors"][0]["pointer"] == "/constraints/latency_ms"

"""Requests to POST /search that make no sense or that nothing meets."""

import math
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.accuracy_source import AccuracySource
from targets import load_target, segment_costs
from tests.service.searching import CELLS, MEASURED, NB201, SIMULATED, refuse, search


def test_limit_that_nothing_meets_is_422_with_the_best_reachable_value(shared: TestClient):
    fastest = segment_costs(load_target(SIMULATED), NB201, CELLS).latency_ms.min()
    problem = refuse(shared, constraints={"latency_ms": {"max": fastest / 2}})
    assert problem["type"] == "urn:archcast:problem:unreachable-limit"
    assert problem["best_reachable"]["latency_ms"] == pytest.approx(fastest)
    assert problem["errors"][0]["pointer"] == "/constraints/latency_ms"
    told = re.search(r"best reachable value is (\S+): relax max to at least that", problem["errors"][0]["reason"])
    assert told is not None
    assert float(told[1]) == pytest.approx(fastest, rel=1e-5)
    assert search(shared, objectives=["macs"], constraints={"latency_ms": {"max": float(told[1])}})["front"]


def test_limits_that_exclude_each_other_are_422_at_both_with_what_each_could_be(shared: TestClient):
    fastest = segment_costs(load_target(SIMULATED), NB201, CELLS).latency_ms.min()
    limits = {"latency_ms": {"max": fastest * 1.01}, "macs": {"min": 100e6}}
    problem = refuse(shared, constraints=limits)
    assert [error["pointer"] for error in problem["errors"]] == ["/constraints/latency_ms", "/constraints/macs"]
    assert all("together with the others" in error["reason"] for error in problem["errors"])
    for error, (name, bound) in zip(problem["errors"], [("latency_ms", "max"), ("macs", "min")], strict=True):
        assert f"the limit of {name}" in error["reason"]
        told = re.search(rf"value is (\S+): relax {bound} to at", error["reason"])
        assert told is not None
        assert float(told[1]) == pytest.approx(problem["best_reachable"][name], rel=1e-5)
        answer = search(shared, objectives=["params"], constraints=limits | {name: {bound: float(told[1])}})
        assert answer["front"]


def test_limit_out_of_reach_of_an_exhaustive_search_is_refused_before_accuracies_are_predicted(
    shared: TestClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(AccuracySource, "evaluate", lambda *_: pytest.fail("asked for an accuracy"))
    problem = refuse(shared, constraints={"latency_ms": {"max": 1e-6}})
    assert "of the space" in problem["errors"][0]["reason"]


def test_metric_given_by_both_its_names_is_refused(shared: TestClient):
    own = f"latency_ms@{SIMULATED}"
    (fault,) = refuse(shared, objectives=["latency_ms", own])["errors"]
    assert fault == {"pointer": "/objectives/1", "reason": f"objective '{own}' is given twice"}
    (fault,) = refuse(shared, constraints={"latency_ms": {"max": 5}, own: {"max": 3}})["errors"]
    assert fault == {"pointer": f"/constraints/{own}", "reason": f"limit '{own}' is given twice"}


def test_faults_that_our_validators_find_have_no_prefix(shared: TestClient):
    (fault,) = refuse(shared, constraints={"latency_ms": {}})["errors"]
    assert fault["reason"] == "a limit needs max or min"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"space": "nb999"}, "/space"),
        ({"device": "nobody"}, "/device"),
        ({"objectives": []}, "/objectives"),
        ({"objectives": ["speed"]}, "/objectives/0"),
        ({"objectives": ["macs", "macs"]}, "/objectives/1"),
        ({"objectives": "latency_ms"}, "/objectives"),
        ({"device": MEASURED, "objectives": ["energy_mj"]}, "/objectives/0"),
        ({"constraints": {"speed": {"max": 1}}}, "/constraints/speed"),
        ({"constraints": {"a/b~": {"max": 1}}}, "/constraints/a~1b~0"),
        ({"constraints": {"latency_ms": {}}}, "/constraints/latency_ms"),
        ({"constraints": {"latency_ms": 5}}, "/constraints/latency_ms"),
        ({"constraints": {"latency_ms": {"max": -1}}}, "/constraints/latency_ms"),
        ({"constraints": {"latency_ms": {"max": 1, "min": 2}}}, "/constraints/latency_ms"),
        ({"constraints": {"latency_ms": {"max": "fast"}}}, "/constraints/latency_ms/max"),
        ({"constraints": {"latency_ms": {"most": 1}}}, "/constraints/latency_ms/most"),
        ({"budget": {"evaluations": 0}}, "/budget/evaluations"),
        ({"budget": {"evaluations": 1.5}}, "/budget/evaluations"),
        ({"budget": {"evaluations": 10**9}}, "/budget/evaluations"),
        ({"budget": {"seconds": 0}}, "/budget/seconds"),
        ({"budget": {"seconds": 1e9}}, "/budget/seconds"),
        ({"budget": {"minutes": 1}}, "/budget/minutes"),
        ({"seed": -1}, "/seed"),
        ({"seed": 2**63}, "/seed"),
        ({"seed": "x"}, "/seed"),
        ({"algorithm": "magic"}, "/algorithm"),
        ({"space": "fbnet", "algorithm": "exhaustive"}, "/algorithm"),
        ({"dataset": "mnist"}, "/dataset"),
        ({"interval": 2}, "/interval"),
        ({"device": MEASURED, "interval": math.nextafter(1, 0)}, "/interval"),
        ({"objective": "latency_ms"}, "/objective"),
    ],
)
def test_search_that_makes_no_sense_points_at_its_fault_and_makes_no_job(
    shared: TestClient, body: dict[str, Any], pointer: str
):
    before = jobs_by_state(shared)
    assert refuse(shared, **body)["errors"][0]["pointer"] == pointer
    assert jobs_by_state(shared) == before


@pytest.mark.parametrize("text", ['{"max": NaN}', '{"max": Infinity}', '{"min": -Infinity}', '{"max": 1e999}'])
def test_limit_that_is_no_finite_number_is_422(shared: TestClient, text: str):
    body = f'{{"space": "nb201", "device": "{SIMULATED}", "constraints": {{"latency_ms": {text}}}}}'
    answer = shared.post("/search", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


def test_constraint_with_a_name_that_is_no_text_is_422(shared: TestClient):
    body = f'{{"space": "nb201", "device": "{SIMULATED}", "constraints": {{"\\ud800": {{"max": 1}}}}}}'
    answer = shared.post("/search", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


def test_search_on_a_device_with_too_few_samples_is_409(shared: TestClient):
    answer = shared.post("/search", json={"space": "fbnet", "device": MEASURED})
    assert answer.status_code == 409
    assert (answer.json()["samples"], answer.json()["space"]) == (0, "fbnet")


def jobs_by_state(client: TestClient) -> dict[str, float]:
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith("archcast_jobs{")]
    return {line.split('"')[1]: float(line.split()[-1]) for line in lines}

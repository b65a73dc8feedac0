"""Searches in which precision and hardware are decisions beside the architecture."""

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from search import non_dominated
from spaces import SPACES
from targets import build_target, load_hardware, parse_hardware, segment_costs
from targets.formats import parse_format, sqnr_evaluator

NB201 = SPACES["nb201"]
CELLS = list(NB201.enumerate())
BASE = {"space": "nb201", "device": "bitmod-lossy"}
RANDOM = {"algorithm": "random", "budget": {"evaluations": 300}}
REFINED = {"mode": ["refined"]}


def search(client: TestClient, **body: Any) -> Any:
    answer = client.post("/search", json=BASE | body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refuse(client: TestClient, **body: Any) -> list[tuple[str, str]]:
    answer = client.post("/search", json=BASE | body)
    assert answer.status_code == 422, answer.text
    return [(fault["pointer"], fault["reason"]) for fault in answer.json()["errors"]]


def test_search_over_formats_is_the_exact_front_of_all_pairs(shared: TestClient):
    formats = {"bitmod3": 3.078125, "int8": 8.0625}
    answer = search(
        shared,
        objectives=["latency_ms", "quantisation_sqnr_db"],
        precision={"weight_format": list(formats)},
        hardware={"rows": [64], **REFINED},
        constraints={"macs": {"min": 100e6}, "area_mm2": {"max": 8.0}},
    )
    assert answer["complete"]
    assert answer["evaluations"] == 2 * len(CELLS)
    kept = [cell for cell in CELLS if NB201.workload(cell).macs >= 100e6]
    values = []
    for name, bits in formats.items():
        changes = {"native_weight_bits": bits, "rows": 64, "mode": "refined"}
        hardware = parse_hardware({**load_hardware("bitmod-lossy").model_dump(), **changes})
        latency_ms = segment_costs(build_target(hardware), NB201, kept).latency_ms
        values.append(np.column_stack([latency_ms, -sqnr_evaluator(NB201, parse_format(name))(kept)]))
    points = np.concatenate(values)
    expected = {tuple(point) for point in points[non_dominated(points)].round(9)}
    front = answer["front"]
    assert {(round(each["latency_ms"], 9), -round(each["quantisation_sqnr_db"], 9)) for each in front} == expected
    assert {each["precision"]["weight_format"] for each in front} == set(formats)
    assert all(each["hardware"] == {"rows": 64, "mode": "refined"} for each in front)


def test_search_front_entries_can_be_simulated_again(shared: TestClient):
    front = search(
        shared,
        objectives=["latency_ms", "energy_mj", "area_mm2"],
        precision={"weight_bits": [4, 6]},
        hardware={"rows": [8, 32, 128], **REFINED},
        constraints={"params": {"min": 500_000}},
        algorithm="nsga2",
        budget={"evaluations": 300},
    )["front"]
    for entry in front[:5]:
        body = {
            "target": "bitmod-lossy",
            "space": "nb201",
            "architecture": entry["architecture"],
            "set": {"rows": entry["hardware"]["rows"]},
            "mode": "refined",
            **entry["precision"],
        }
        simulated = shared.post("/simulate", json=body).json()
        assert simulated["latency_ms"] == pytest.approx(entry["latency_ms"])
        assert simulated["area_mm2"] == pytest.approx(entry["area_mm2"])
        assert simulated["energy_uJ"]["total"] == pytest.approx(entry["energy_mj"] * 1e3)


def test_search_with_accuracy_does_not_depend_on_the_configuration(shared: TestClient):
    front = search(shared, objectives=["accuracy", "latency_ms"], hardware={"rows": [16, 32]}, **RANDOM)["front"]
    accuracy = {}
    for entry in front:
        assert accuracy.setdefault(entry["architecture"], entry["accuracy"]) == entry["accuracy"]


def test_search_configuration_that_the_model_refuses_counts_as_failed(shared: TestClient):
    answer = search(
        shared,
        device="m4bram",
        objectives=["latency_ms"],
        hardware={"configuration": [None], "dsp_budget": [1, 1152]},
        budget={"evaluations": 12},
        algorithm="random",
    )
    assert 0 < answer["failed"] < 12
    assert answer["front"][0]["hardware"]["dsp_budget"] == 1152


@pytest.mark.parametrize(
    ("body", "pointer", "reason"),
    [
        ({"device": "bench-board", "hardware": {"rows": [1]}}, "/hardware", "only simulated devices"),
        ({"hardware": {"rows": [16, 0]}}, "/hardware/rows/1", "greater than or equal to 1"),
        ({"hardware": {"rowz": [16]}}, "/hardware/rowz/0", "Extra inputs"),
        ({"hardware": {"rows": []}}, "/hardware/rows", "at least 1"),
        ({"precision": {"bits": [4]}}, "/precision/bits/[key]", "weight_bits"),
        ({"precision": {"weight_bits": [4], "weight_format": ["int4"]}}, "", "a format brings its width"),
        ({"precision": {"weight_format": ["int99"]}}, "/precision/weight_format/0", "unknown number format 'int99'"),
        ({"precision": {"weight_bits": ["four"]}}, "", "takes numbers"),
        ({"hardware": {"rows": list(range(1, 201)), "columns": list(range(1, 201))}}, "", "40,000 configurations"),
    ],
)
def test_search_senseless_decisions_are_refused(shared: TestClient, body: dict[str, Any], pointer: str, reason: str):
    faults = refuse(shared, objectives=["latency_ms"], **body)
    assert any(found == pointer and reason in message for found, message in faults), faults

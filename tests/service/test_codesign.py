"""Searches in which precision and hardware are decisions beside the architecture."""

import time
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


MACRO = SPACES["tnb101_macro"]
HEAD = {"head": {"weight_bits": [4, 8]}}


def groups(**options: Any) -> dict[str, Any]:
    return {"groups": options}


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


def test_search_over_layer_groups_is_the_exact_front_of_all_combinations(shared: TestClient):
    body_formats, head_bits = ["bitmod3", "int6"], [4, 8]
    answer = search(
        shared,
        space="tnb101_macro",
        objectives=["energy_mj", "quantisation_sqnr_db"],
        precision={
            "weight_format": ["int8"],
            **groups(body={"weight_format": body_formats}, head={"weight_bits": head_bits}),
        },
        hardware=REFINED,
    )
    assert answer["complete"]
    networks = list(MACRO.enumerate())
    assert answer["evaluations"] == 4 * len(networks)
    body = frozenset(MACRO.layer_groups) - {"stem", "head"}
    values = []
    for body_format in body_formats:
        for bits in head_bits:
            formats = {frozenset({"stem"}): "int8", body: body_format, frozenset({"head"}): f"int{bits}"}
            widths = {"bitmod3": 3.078125, "int6": 6.0625, "int8": 8.0625}
            weights = [widths["int8"], widths[body_format], bits]
            energy_mj = np.zeros(len(networks))
            for covered, width in zip(formats, weights, strict=True):
                changes = {"native_weight_bits": width, "mode": "refined"}
                target = build_target(parse_hardware({**load_hardware("bitmod-lossy").model_dump(), **changes}))
                of_group = segment_costs(target, MACRO, networks, layer_groups=covered).energy_mj
                assert of_group is not None
                energy_mj += of_group
            parsed = {covered: parse_format(name) for covered, name in formats.items()}
            values.append(np.column_stack([energy_mj, -sqnr_evaluator(MACRO, parsed)(networks)]))
    points = np.concatenate(values)
    expected = {tuple(point) for point in points[non_dominated(points)].round(9)}
    front = answer["front"]
    assert {(round(each["energy_mj"], 9), -round(each["quantisation_sqnr_db"], 9)) for each in front} == expected
    for each in front:
        assert each["precision"]["weight_format"] == "int8"
        chosen = each["precision"]["groups"]
        assert chosen["body"]["weight_format"] in body_formats
        assert chosen["head"]["weight_bits"] in head_bits


@pytest.mark.parametrize("device", ["bitmod-lossy", "roofline-edge-npu"])
def test_search_all_groups_alike_are_the_whole_network(shared: TestClient, device: str):
    limits = {"device": device, "objectives": ["latency_ms", "energy_mj"], **RANDOM}
    alike = {"weight_bits": [4], "activation_bits": [8]}
    whole = search(shared, precision=alike, **limits)["front"]
    split = search(shared, precision=groups(**dict.fromkeys(("stem", "body", "head"), alike)), **limits)["front"]
    some = search(shared, precision=alike | groups(stage1=alike), **limits)["front"]
    for other in (split, some):
        assert [each["architecture"] for each in other] == [each["architecture"] for each in whole]
        for metric in ("latency_ms", "energy_mj", "lower_ms"):
            assert [each[metric] for each in other] == pytest.approx([each[metric] for each in whole])


def test_search_layer_groups_where_the_hardware_is_not_additive_count_as_failed(shared: TestClient):
    answer = search(
        shared,
        device="bitvert-moderate",
        objectives=["latency_ms"],
        precision=groups(head={"activation_bits": [4, 8]}),
        hardware={"mode": ["published", "refined"]},
        algorithm="random",
        budget={"evaluations": 20},
    )
    assert 0 < answer["failed"] < 20
    assert {each["hardware"]["mode"] for each in answer["front"]} == {"refined"}


@pytest.mark.parametrize(
    ("body", "pointer", "reason"),
    [
        ({"device": "bench-board", "hardware": {"rows": [1]}}, "/hardware", "only simulated devices"),
        ({"hardware": {"rows": [16, 0]}}, "/hardware/rows/1", "greater than or equal to 1"),
        ({"hardware": {"rowz": [16]}}, "/hardware/rowz/0", "Extra inputs"),
        ({"hardware": {"rows": []}}, "/hardware/rows", "at least 1"),
        ({"precision": {"bits": [4]}}, "/precision/bits", "Extra inputs"),
        ({"precision": {"weight_bits": [4], "weight_format": ["int4"]}}, "/precision", "a format brings its width"),
        ({"precision": {"weight_format": ["int99"]}}, "/precision/weight_format/0", "unknown number format 'int99'"),
        ({"precision": {"weight_bits": ["four"]}}, "/precision/weight_bits", "takes numbers"),
        ({"precision": {"weight_bits": [8, 32]}}, "/precision/weight_bits/1", "cannot compute with 32-bit"),
        ({"precision": groups(tail={"weight_bits": [4]})}, "/precision/groups/tail", "known: stem, stage0"),
        ({"precision": groups(head={"weight_bits": [4, 99]})}, "/precision/groups/head/weight_bits/1", "less than"),
        ({"precision": groups(head={"weight_bits": [32]})}, "/precision/groups/head/weight_bits/0", "cannot compute"),
        ({"precision": groups(head={"weight_format": ["x"]})}, "/precision/groups/head/weight_format/0", "unknown"),
        ({"precision": groups(head={"weight_bits": ["x"]})}, "/precision/groups/head/weight_bits", "takes numbers"),
        ({"precision": groups(head={"bits": [4]})}, "/precision/groups/head/bits", "Extra inputs"),
        ({"precision": groups(head={})}, "/precision/groups", "'head' has no candidates"),
        (
            {"precision": groups(**{name: {"weight_bits": [4]} for name in ("body", "stage0", "stage1", "stage2")})},
            "/precision/groups/body",
            "named beside it",
        ),
        (
            {"device": "bitvert-moderate", "hardware": {"mode": ["published"]}, "precision": groups(**HEAD)},
            "/precision/groups",
            "do not add over layers",
        ),
        ({"hardware": {"rows": list(range(1, 201)), "columns": list(range(1, 201))}}, "", "40,000 configurations"),
    ],
)
def test_search_senseless_decisions_are_refused(shared: TestClient, body: dict[str, Any], pointer: str, reason: str):
    faults = refuse(shared, objectives=["latency_ms"], **body)
    assert any(found == pointer and reason in message for found, message in faults), faults

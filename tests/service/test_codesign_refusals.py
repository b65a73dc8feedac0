"""Decisions of precision and hardware that make no sense."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from spaces import Workload
from targets import (
    Cost,
    M4bram,
    Precision,
)
from tests.service.codesigning import groups, refuse

HEAD = {"head": {"weight_bits": [4, 8]}}


def test_search_many_budgets_that_are_too_small_are_refused_after_few_tries(
    shared: TestClient, monkeypatch: pytest.MonkeyPatch
):
    tried = 0
    cost = M4bram.cost

    def counted(self: M4bram, workload: Workload, precision: Precision | None = None) -> Cost:
        nonlocal tried
        tried += len(workload.layers) > 0
        return cost(self, workload, precision)

    monkeypatch.setattr(M4bram, "cost", counted)
    budgets = {"dsp_budget": list(range(1, 101)), "bram_budget": list(range(1, 101))}
    faults = refuse(shared, device="m4bram", objectives=["latency_ms"], hardware=budgets)
    assert faults[0][0] == "/hardware/dsp_budget/0"
    assert "it takes at least 48 DSPs" in faults[0][1]
    assert tried < 8 * 1000  # of eight architectures for each of 10,000 pairs


@pytest.mark.parametrize(
    ("body", "pointer", "reason"),
    [
        ({"device": "bench-board", "hardware": {"rows": [1]}}, "/hardware", "only simulated devices"),
        ({"hardware": {"rows": [16, 0]}}, "/hardware/rows/1", "greater than or equal to 1"),
        ({"hardware": {"rowz": [16]}}, "/hardware/rowz/0", "Extra inputs"),
        ({"hardware": {"rows": [16, [8]]}}, "/hardware/rows/1", "a candidate is a finite number"),
        ({"hardware": {"rows": [16, {"a": 1}]}}, "/hardware/rows/1", "a candidate is a finite number"),
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
            {"device": "dla", "hardware": {"mode": ["published"]}, "precision": groups(**HEAD)},
            "/hardware/mode/0",
            "refused for every architecture: dla cannot run the layer",
        ),
        (
            {"device": "m4bram", "hardware": {"configuration": [None]}, "precision": groups(**HEAD)},
            "/hardware/configuration/0",
            "do not add over layers",
        ),
        (
            {"device": "m4bram", "hardware": {"configuration": [None], "dsp_budget": [1, 1152]}},
            "/hardware/dsp_budget/0",
            "fits into 1 DSPs",
        ),
        (
            {"device": "m4bram", "hardware": {"rvec": [3, 64]}},
            "/hardware/rvec/1",
            "the configuration takes 24576 DSPs",
        ),
        (
            {"device": "stripes", "hardware": {"widest_weight_bits": [4]}, "precision": {"weight_bits": [4, 8]}},
            "/precision/weight_bits/1",
            "with precision.weight_bits 8, hardware.widest_weight_bits 4: stripes cannot compute with 8-bit",
        ),
        (
            {"objectives": ["quantisation_sqnr_db"], "precision": {"weight_bits": [4, 5.5]}},
            "/precision/weight_bits/1",
            "quantisation_sqnr_db is not known here",
        ),
        ({"precision": {"weight_format": [None]}}, "/precision/weight_format", "takes names"),
        ({"precision": {"weight_format": [True]}}, "/precision/weight_format", "takes names"),
        ({"hardware": {"target": [None, "roofline"]}}, "/hardware/target", "target is no decision: it names the cost"),
        ({"hardware": {"name": ["a", "b"]}}, "/hardware/name", "name is no decision"),
        ({"hardware": {"description": ["a", "b"]}}, "/hardware/description", "description is no decision"),
        ({"hardware": {"rows": [16, 32, 16]}}, "/hardware/rows/2", "the candidate 16 of rows is given twice"),
        (
            {"hardware": {"clock_ghz": [1, 0.5, 1.0]}},
            "/hardware/clock_ghz/2",
            "the candidate 1.0 of clock_ghz is given twice",
        ),
        (
            {"precision": {"weight_format": ["int4", "int4"]}},
            "/precision/weight_format/1",
            "'int4' of weight_format is given twice",
        ),
        (
            {"precision": groups(head={"weight_bits": [4, 6, 4]})},
            "/precision/groups/head/weight_bits/2",
            "the candidate 4 of weight_bits is given twice",
        ),
        (
            {"hardware": {"weight_format": ["int4"]}, "precision": {"weight_bits": [4]}},
            "/hardware/weight_format",
            "has candidates for that already",
        ),
        (
            {"device": "m4bram", "objectives": ["energy_mj"], "hardware": {"clock_ghz": [0.2]}},
            "/objectives/0",
            "known: accuracy, latency_ms, macs, params, peak_memory_bytes, quantisation_mse, quantisation_sqnr_db",
        ),
        ({"hardware": {"rows": list(range(1, 201)), "columns": list(range(1, 201))}}, "", "40,000 configurations"),
    ],
)
def test_search_senseless_decisions_are_refused(shared: TestClient, body: dict[str, Any], pointer: str, reason: str):
    faults = refuse(shared, **{"objectives": ["latency_ms"], **body})
    assert any(found == pointer and reason in message for found, message in faults), faults


def test_search_widths_may_be_keys_of_the_hardware_under_either_name(shared: TestClient):
    body = {"space": "nb201", "device": "olive", "objectives": ["latency_ms", "macs"], "budget": {"evaluations": 30}}
    body |= {"algorithm": "random"}
    names = ("weight_bits", "native_weight_bits")
    answers = [shared.post("/search", json=body | {"hardware": {name: [4, 8]}}).json() for name in names]
    latencies = [[entry["latency_ms"] for entry in answer["front"]] for answer in answers]
    assert latencies[0] == latencies[1]
    assert {entry["hardware"]["weight_bits"] for entry in answers[0]["front"]} <= {4, 8}
    for other in ({"hardware": {name: [4, 8] for name in names}}, {"precision": {"weight_bits": [4, 8]}}):
        decided = {"hardware": {"weight_bits": [4, 8]}} | other
        refused = shared.post("/search", json=body | decided)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/hardware/weight_bits"

"""Answers beyond what the model of areas was fitted to say so, wherever they are asked for."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from device_db import DeviceKind, Devices, create_engine, session_factory
from targets import load_hardware

# Operands wider than any that was synthesised, and room for them to stand unrolled.
LARGE = {"luts": 3_000_000, "activation_bits": 9}
CELL = "4-3-2-1-3-3"
NETWORK = {"space": "nb201", "architecture": CELL}
SPARSE = {"sparsity": 0.9}


def ask(client: TestClient, path: str, **body: Any) -> Any:
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def wide(shared_deployment: Any) -> str:
    """A device whose operands are wider than those that were synthesised; folded layers may have such."""
    return _added(shared_deployment, "fpga-wide")


@pytest.fixture(scope="module")
def strict(shared_deployment: Any) -> str:
    """The same that answers within the range alone."""
    return _added(shared_deployment, "fpga-strict", extrapolates=False)


def _added(deployment: Any, name: str, **changes: object) -> str:
    engine = create_engine(deployment.settings.sqlalchemy_url)
    config = dict(load_hardware("fpga_unrolled").model_dump(mode="json")) | {"native_activation_bits": 9} | changes
    with session_factory(engine).begin() as session:
        Devices(session).add(name, DeviceKind.simulated, "", "fpga_unrolled", config)
    engine.dispose()
    return name


def test_simulation_marks_rows_and_warns(shared: TestClient):
    answer = ask(shared, "/simulate", target="fpga_unrolled", set=LARGE, **NETWORK)
    marked = [row["layer"] for row in answer["layers"] if row["extrapolated"] is True]
    assert 0 < len(marked) < len(answer["layers"])
    (warning,) = answer["warnings"]
    assert f"{len(marked)} layers ({marked[0]}," in warning
    assert all(row["luts_lower"] <= row["luts"] <= row["luts_upper"] for row in answer["layers"])
    taken = answer["resources"]
    assert taken["luts_lower"] < taken["luts"] < taken["luts_upper"]


def test_simulation_within_the_range_warns_of_nothing(shared: TestClient):
    answer = ask(shared, "/simulate", target="fpga_unrolled", set=SPARSE, **NETWORK)
    assert answer["warnings"] == []
    assert {row["extrapolated"] for row in answer["layers"]} == {False}
    assert ask(shared, "/simulate", target="olive", **NETWORK)["warnings"] == []


def test_simulation_that_forbids_it_names_the_layer(shared: TestClient):
    answer = ask(shared, "/simulate", target="fpga_unrolled", set=LARGE, **NETWORK)
    first = next(row["layer"] for row in answer["layers"] if row["extrapolated"])
    body = {"target": "fpga_unrolled", "set": LARGE | {"extrapolates": False}, **NETWORK}
    answer = shared.post("/simulate", json=body)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"].endswith("outside-model-range")
    assert problem["layer"] == first
    assert problem["layer"] in problem["detail"]
    forbidden = ask(shared, "/simulate", target="fpga_unrolled", set=SPARSE | {"extrapolates": False}, **NETWORK)
    allowed = ask(shared, "/simulate", target="fpga_unrolled", set=SPARSE, **NETWORK)
    assert forbidden["latency_ms"] == allowed["latency_ms"]


def test_predictions_are_marked(shared: TestClient, wide: str, strict: str):
    cells = [CELL, "0-0-0-0-0-0"]
    answer = ask(shared, "/predict_latency", space="nb201", device=wide, architectures=cells)
    assert [result["extrapolated"] for result in answer["results"]] == [False, True]
    (warning,) = answer["warnings"]
    assert warning.startswith("1 of 2")
    others = ask(shared, "/predict_latency", space="nb201", device="olive", architectures=cells)
    assert "warnings" not in others
    assert "extrapolated" not in others["results"][0]
    refused = shared.post("/predict_latency", json={"space": "nb201", "device": strict, "architectures": cells})
    assert refused.status_code == 422
    assert refused.json()["layer"].startswith("stage")
    (fault,) = refused.json()["errors"]
    assert fault["pointer"] == "/architectures/1"
    assert refused.json()["layer"] in fault["reason"]


def test_front_members_are_marked_and_carry_the_interval(shared: TestClient, wide: str):
    body: dict[str, Any] = {"space": "nb201", "budget": {"evaluations": 60}, "algorithm": "random"}
    body["device"] = wide
    answer = ask(shared, "/search", **body, objectives=["macs", "luts"])
    marks = [entry["extrapolated"] for entry in answer["front"]]
    assert True in marks
    assert f"{sum(marks)} of the {len(marks)} members" in " ".join(answer["warnings"])
    assert all(entry["luts_lower"] <= entry["luts"] <= entry["luts_upper"] for entry in answer["front"])
    without = ask(shared, "/search", **body, objectives=["macs", "latency_ms"])
    assert "luts_lower" not in without["front"][0]
    chosen = ask(shared, "/search", **body, objectives=["macs", "luts"], precision={"activation_bits": [4, 9]})
    by_bits = {entry["precision"]["activation_bits"]: entry["extrapolated"] for entry in chosen["front"]}
    assert by_bits[4] is False


def test_search_that_forbids_it_counts_such_networks_as_failed(shared: TestClient, strict: str):
    body: dict[str, Any] = {"space": "nb201", "device": strict, "budget": {"evaluations": 60}, "algorithm": "random"}
    answer = ask(shared, "/search", **body, objectives=["macs", "luts"])
    assert answer["failed"] > 0
    assert {entry["extrapolated"] for entry in answer["front"]} == {False}


def test_search_folds_networks_to_take_no_more_luts_than_chosen(shared: TestClient):
    body: dict[str, Any] = {"space": "nb201", "device": "fpga_unrolled", "algorithm": "random", "seed": 1}
    body |= {"budget": {"evaluations": 60}, "objectives": ["latency_ms", "luts"]}
    answer = ask(shared, "/search", **body, hardware={"max_luts": [60_000, 300_000]})
    assert answer["failed"] == 0
    assert {entry["hardware"]["max_luts"] for entry in answer["front"]} == {60_000, 300_000}
    assert all(entry["luts"] <= entry["hardware"]["max_luts"] for entry in answer["front"])
    entry = answer["front"][0]
    again = ask(
        shared,
        "/simulate",
        target="fpga_unrolled",
        space="nb201",
        architecture=entry["architecture"],
        set=entry["hardware"],
    )
    assert again["latency_ms"] == pytest.approx(entry["latency_ms"])
    assert again["resources"]["luts"] == pytest.approx(entry["luts"])


def test_search_chooses_the_pace_that_cells_are_spent_on(shared: TestClient):
    body: dict[str, Any] = {"space": "nb201", "device": "fpga_unrolled", "budget": {"evaluations": 200}}
    hardware = {"wanted_interval_cycles": [1, 4_000, 20_000]}
    answer = ask(shared, "/search", **body, objectives=["latency_ms", "luts"], hardware=hardware)
    assert {entry["hardware"]["wanted_interval_cycles"] for entry in answer["front"]} == {1, 4_000, 20_000}
    luts = [entry["luts"] for entry in sorted(answer["front"], key=lambda entry: entry["latency_ms"])]
    assert luts[-1] < luts[0] / 10

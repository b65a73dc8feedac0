"""POST /search."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from spaces import Workload
from targets import load_target, segment_costs
from tests.service.searching import CELLS, MEASURED, NB201, RANDOM, SIMULATED, refuse, search


def test_search_of_a_listed_space_is_the_exact_front(shared: TestClient):
    answer = search(shared, objectives=["params", "latency_ms"], constraints={"macs": {"min": 50e6}})
    assert answer["complete"]
    assert answer["algorithm"] == "exhaustive"
    assert answer["evaluations"] == len(CELLS)
    assert answer["accuracy"] is None
    latency_ms = segment_costs(load_target(SIMULATED), NB201, CELLS).latency_ms
    works = [NB201.workload(cell) for cell in CELLS]
    points = {
        (float(work.params), round(float(ms), 9))
        for work, ms in zip(works, latency_ms, strict=True)
        if work.macs >= 50e6
    }
    front = {point for point in points if not any(o[0] <= point[0] and o[1] <= point[1] for o in points - {point})}
    assert {(entry["params"], round(entry["latency_ms"], 9)) for entry in answer["front"]} == front
    assert all(entry["macs"] >= 50e6 for entry in answer["front"])


def test_search_on_a_measured_device_keeps_the_limit_and_says_where_numbers_come_from(client: TestClient):
    limit = 1.2 * search(client, device=MEASURED, objectives=["latency_ms"])["front"][0]["latency_ms"]
    answer = search(client, device=MEASURED, constraints={"latency_ms": {"max": limit}})
    assert answer["predictor"].items() >= {"name": "cost_linear", "version": 1, "samples": 20}.items()
    assert answer["front"]
    for entry in answer["front"]:
        assert entry["latency_ms"] <= limit
        assert 0 < entry["lower_ms"] <= entry["latency_ms"] <= entry["upper_ms"]
        assert entry["origin"] in {"measured", "predicted"}
    assert all(entry["architecture"] == NB201.parse(entry["architecture"]).key for entry in answer["front"])


def test_search_weighs_quantisation_error_against_latency_under_an_area(shared: TestClient):
    body = {"device": "bitmod-lossy", "objectives": ["latency_ms", "quantisation_sqnr_db"]}
    front = search(shared, constraints={"area_mm2": {"max": 5.0}}, **body)["front"]
    by_latency = sorted(front, key=lambda entry: entry["latency_ms"])
    errors_db = [entry["quantisation_sqnr_db"] for entry in by_latency]
    assert len(front) > 1
    assert errors_db == sorted(errors_db)
    assert {entry["area_mm2"] for entry in front} == {load_target("bitmod-lossy").cost(Workload(())).area_mm2}
    refused = refuse(shared, constraints={"area_mm2": {"max": 1.0}}, **body)
    assert refused["best_reachable"]["area_mm2"] > 4


def test_search_metric_that_the_device_has_no_model_of_is_refused(shared: TestClient):
    for device, metric in (("m4bram", "energy_mj"), ("fp16", "quantisation_sqnr_db"), ("stripes", "area_mm2")):
        (fault,) = refuse(shared, device=device, objectives=["latency_ms", metric])["errors"]
        assert fault["pointer"] == "/objectives/1"
        assert f"unknown metric '{metric}'" in fault["reason"]


def test_search_with_energy_on_a_simulated_device_has_three_objectives(shared: TestClient):
    answer = search(shared, objectives=["accuracy", "latency_ms", "energy_mj"], **RANDOM)
    assert all({"accuracy", "latency_ms", "energy_mj"} <= entry.keys() for entry in answer["front"])


def test_search_of_a_space_too_large_to_list_finds_a_front_within_its_budget(shared: TestClient):
    answer = search(shared, space="fbnet", budget={"evaluations": 600})
    assert answer["algorithm"] == "nsga2"
    assert answer["evaluations"] == 600
    assert not answer["complete"]
    assert answer["front"]


@pytest.mark.one_database
@pytest.mark.parametrize("algorithm", ["auto", "random"])
def test_search_keeps_the_servers_evaluations_where_its_budget_has_none(
    serve: Callable[..., TestClient], algorithm: str
):
    client = serve(max_search_evaluations=200)
    answer = search(client, space="fbnet", algorithm=algorithm, budget={"seconds": 60})
    assert (answer["evaluations"], answer["stopped_by"]) == (200, "evaluations")


@pytest.mark.one_database
@pytest.mark.parametrize("algorithm", ["auto", "random"])
def test_search_keeps_the_servers_seconds_where_its_budget_has_none(serve: Callable[..., TestClient], algorithm: str):
    client = serve(max_search_seconds=0.001)
    answer = search(client, space="fbnet", algorithm=algorithm)
    assert answer["stopped_by"] == "seconds"
    assert answer["evaluations"] < 5_000


def test_front_of_all_that_was_seen_is_thinned_and_warned_of(shared: TestClient):
    answer = search(
        shared, space="fbnet", objectives=["accuracy", "macs"], algorithm="random", budget={"evaluations": 1200}
    )
    assert answer["front_size"] > 1000
    assert len(answer["front"]) == 1000
    assert "function of the MACs" in answer["warnings"][0]
    assert search(shared, objectives=["accuracy", "latency_ms"], **RANDOM)["warnings"] == []


def test_search_with_the_same_seed_gives_the_same_front(shared: TestClient):
    first, second, other = (search(shared, seed=seed, **RANDOM) for seed in (3, 3, 4))
    assert first["front"] == second["front"]
    assert first["front"] != other["front"]
    assert (first["seed"], search(shared, **RANDOM)["seed"]) == (3, 0)

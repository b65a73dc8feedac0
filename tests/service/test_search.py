import math
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from arch_encodings import has_path
from device_db import Accuracies, Job, create_engine, session_factory
from service.accuracy_source import AccuracySource
from service.state import AppState
from spaces import SPACES, Architecture, Workload
from targets import hardware_names, load_target, segment_costs

MEASURED = "bench-board"
SIMULATED = hardware_names()[0]

NB201 = SPACES["nb201"]
CELLS = list(NB201.enumerate())
RANDOM = {"algorithm": "random", "budget": {"evaluations": 300}}


def search(client: TestClient, **body: Any) -> Any:
    answer = client.post("/search", json={"space": "nb201", "device": SIMULATED} | body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refuse(client: TestClient, **body: Any) -> Any:
    answer = client.post("/search", json={"space": "nb201", "device": SIMULATED} | body)
    assert answer.status_code == 422, answer.text
    return answer.json()


def store_accuracies(app: FastAPI, values: dict[str, float], dataset: str = "cifar10") -> None:
    engine = create_engine(app.state.archcast.settings.sqlalchemy_url)
    with session_factory(engine).begin() as session:
        Accuracies(session).store("nb201", dataset, values, "tests")
    engine.dispose()


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


def test_search_without_accuracies_names_the_proxy(shared: TestClient):
    answer = search(shared, **RANDOM)
    told = {"source": "log10_macs", "unit": "log10 MACs", "dataset": None, "known": 0, "predicted": 300}
    assert answer["accuracy"] == told | {"held_out": None}
    assert {entry["accuracy_origin"] for entry in answer["front"]} == {"proxy"}
    assert not {"accuracy_lower", "accuracy_upper"} & answer["front"][0].keys()


def test_search_by_a_proxy_never_offers_a_network_whose_input_does_not_reach_its_output(client: TestClient):
    answer = search(client, device=MEASURED)
    assert answer["complete"]
    assert answer["failed"] == 341
    assert has_path(NB201, [NB201.parse(entry["architecture"]) for entry in answer["front"]]).all()


def test_search_with_all_accuracies_uses_the_table(app: FastAPI, client: TestClient):
    best = CELLS[4711]
    store_accuracies(app, {cell.key: 10.0 for cell in CELLS} | {best.key: 90.0})
    answer = search(client, objectives=["accuracy"])
    told = {"source": "table", "unit": "%", "dataset": "cifar10", "known": len(CELLS), "predicted": 0}
    assert answer["accuracy"] == told | {"held_out": None}
    (entry,) = answer["front"]
    assert (entry["architecture"], entry["accuracy"], entry["accuracy_origin"]) == (best.key, 90.0, "table")
    assert (entry["accuracy_lower"], entry["accuracy_upper"]) == (90.0, 90.0)


@pytest.mark.one_database
def test_search_takes_the_source_of_accuracies_that_is_asked_for(app: FastAPI, client: TestClient):
    values = _accuracy(CELLS).tolist()
    store_accuracies(app, dict(zip([cell.key for cell in CELLS], values, strict=True)))
    assert search(client, **RANDOM)["accuracy"]["source"] == "table"
    answer = search(client, accuracy_source="fitted", **RANDOM)
    assert (answer["accuracy"]["source"], answer["accuracy"]["known"]) == ("fitted", len(CELLS))
    assert {entry["accuracy_origin"] for entry in answer["front"]} == {"predicted"}
    answer = search(client, accuracy_source="log10_macs", **RANDOM)
    assert {entry["accuracy_origin"] for entry in answer["front"]} == {"proxy"}


@pytest.mark.parametrize(
    ("source", "reason"),
    [("table", "1 of 15,625 architectures"), ("fitted", "1 accuracies are stored"), ("pretrained", "no network")],
)
def test_search_source_of_accuracies_that_is_not_there_is_refused(
    app: FastAPI, client: TestClient, source: str, reason: str
):
    store_accuracies(app, {CELLS[1].key: 80.0}, "mine")
    (fault,) = refuse(client, accuracy_source=source, dataset="mine")["errors"]
    assert fault["pointer"] == "/accuracy_source"
    assert reason in fault["reason"]


def test_search_with_some_accuracies_predicts_the_rest_from_them(app: FastAPI, client: TestClient):
    known = CELLS[::200]
    accuracy = _accuracy(known).tolist()
    store_accuracies(app, dict(zip([cell.key for cell in known], accuracy, strict=True)), "cifar100")
    asked = RANDOM | {"dataset": "cifar100", "objectives": ["accuracy", "latency_ms"]}
    answer = search(client, **asked)
    told = {"source": "fitted", "unit": "%", "dataset": "cifar100", "known": len(known), "held_out": None}
    assert answer["accuracy"].items() >= told.items()
    assert 200 < answer["accuracy"]["predicted"] <= 300
    guesses = {entry["architecture"]: entry for entry in answer["front"] if entry["accuracy_origin"] == "predicted"}
    truth = _accuracy([NB201.parse(key) for key in guesses])
    np.testing.assert_allclose([entry["accuracy"] for entry in guesses.values()], truth, atol=6)
    assert all(entry["accuracy_lower"] <= entry["accuracy"] <= entry["accuracy_upper"] for entry in guesses.values())
    assert guesses
    narrow = search(client, **asked, interval=0.5)["front"]
    widths = [
        sum(entry["accuracy_upper"] - entry["accuracy_lower"] for entry in front) for front in (narrow, answer["front"])
    ]
    assert 0 < widths[0] < widths[1]


def test_search_with_too_few_accuracies_to_learn_from_keeps_to_the_proxy(app: FastAPI, client: TestClient):
    store_accuracies(app, {cell.key: 80.0 for cell in CELLS[1:5]}, "mine")
    answer = search(client, dataset="mine", **RANDOM)
    assert answer["accuracy"]["source"] == "log10_macs"
    assert {entry["accuracy_origin"] for entry in answer["front"]} == {"proxy"}


def _accuracy(cells: list[Architecture]) -> Any:
    macs = np.array([NB201.workload(cell).macs for cell in cells])
    return 50 + macs / 1e7


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


def test_search_that_the_client_prefers_not_to_wait_for_is_202_at_once(client: TestClient):
    answer = client.post("/search", json={"space": "nb201", "device": SIMULATED}, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "respond-async"
    job = answer.json()["job"]
    assert answer.headers["Location"] == f"/jobs/{job}"
    view = until_ended(client, job)
    assert view["state"] == "succeeded"
    assert view["result"]["job"] == job
    assert view["result"]["complete"]


def test_search_that_outlasts_the_wait_is_202(serve: Callable[..., TestClient]):
    client = serve(embedded_workers=0, search_wait_seconds=0.2)
    answer = client.post("/search", json={"space": "nb201", "device": SIMULATED})
    assert answer.status_code == 202
    assert answer.json()["state"] == "queued"


def test_search_when_too_many_wait_is_202_at_once(serve: Callable[..., TestClient]):
    client = serve(search_waiters=1, embedded_workers=0)
    started = time.perf_counter()
    with client.app.state.archcast.search_waits.slot():  # type: ignore[attr-defined]
        assert client.post("/search", json={"space": "nb201", "device": SIMULATED}).status_code == 202
    assert time.perf_counter() - started < 5


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


def test_partial_front_is_readable_and_a_running_search_cancels_within_a_second(client: TestClient):
    body = {"space": "fbnet", "device": SIMULATED, "budget": {"seconds": 60}}
    job = client.post("/search", json=body, headers={"Prefer": "respond-async"}).json()["job"]
    deadline = time.monotonic() + 20
    while not (view := client.get(f"/jobs/{job}").json())["front"]:
        assert time.monotonic() < deadline, view
        time.sleep(0.05)
    assert view["state"] == "running"
    assert view["progress"]["evaluations"] > 0
    started = time.monotonic()
    cancelled = client.delete(f"/jobs/{job}").json()
    assert time.monotonic() - started < 2
    assert cancelled["state"] == "cancelled"
    assert cancelled["result"]["stopped_by"] == "cancelled"
    assert cancelled["result"]["front"]


def test_search_cancelled_while_its_client_waits_is_its_front_so_far(client: TestClient):
    answers: list[Any] = []
    body = {"space": "fbnet", "device": SIMULATED, "budget": {"seconds": 60}}
    waiting = threading.Thread(target=lambda: answers.append(client.post("/search", json=body)))
    waiting.start()
    job = only_job(client)
    deadline = time.monotonic() + 20
    while not client.get(f"/jobs/{job}").json()["front"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    client.delete(f"/jobs/{job}")
    waiting.join(20)
    assert answers[0].status_code == 200
    assert answers[0].json()["stopped_by"] == "cancelled"
    assert answers[0].json()["front"]


def test_search_cancelled_before_it_began_is_409_to_its_waiting_client(serve: Callable[..., TestClient]):
    client = serve(embedded_workers=0)
    answers: list[Any] = []
    body = {"space": "nb201", "device": SIMULATED}
    waiting = threading.Thread(target=lambda: answers.append(client.post("/search", json=body)))
    waiting.start()
    job = only_job(client)
    client.delete(f"/jobs/{job}")
    waiting.join(20)
    assert answers[0].status_code == 409
    problem = answers[0].json()
    assert (problem["type"], problem["job"]) == ("urn:archcast:problem:search-cancelled", job)


def only_job(client: TestClient) -> str:
    state: AppState = client.app.state.archcast  # type: ignore[attr-defined]
    deadline = time.monotonic() + 20
    while True:
        with state.read_sessions() as session:
            ids = list(session.scalars(select(Job.id)))
        if ids:
            return ids[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_cancelling_twice_and_after_the_end_changes_nothing(client: TestClient):
    job = search(client, **RANDOM)["job"]
    view = client.delete(f"/jobs/{job}").json()
    assert view["state"] == "succeeded"
    assert client.get(f"/jobs/{job}").json() == view


def test_queued_search_cancels_at_once(serve: Callable[..., TestClient]):
    client = serve(embedded_workers=0)
    body = {"space": "nb201", "device": SIMULATED}
    job = client.post("/search", json=body, headers={"Prefer": "respond-async"}).json()["job"]
    assert client.delete(f"/jobs/{job}").json()["state"] == "cancelled"


def test_failed_search_keeps_its_problem(client: TestClient):
    body = {"space": "nb201", "device": SIMULATED, "constraints": {"latency_ms": {"max": 1e-9}}}
    job = client.post("/search", json=body, headers={"Prefer": "respond-async"}).json()["job"]
    view = until_ended(client, job)
    assert view["state"] == "failed"
    assert view["problem"]["status"] == 422
    assert view["problem"]["best_reachable"]["latency_ms"] > 0


@pytest.mark.parametrize("job", ["1", "00000000-0000-0000-0000-000000000000"])
def test_unknown_job_is_404(shared: TestClient, job: str):
    assert shared.get(f"/jobs/{job}").status_code == shared.delete(f"/jobs/{job}").status_code == 404


@pytest.mark.parametrize("path", ["/jobs/..%2f", "/jobs/", "/jobs/x%2fy"])
def test_path_of_no_job_is_a_problem_and_no_redirect(shared: TestClient, path: str):
    answer = shared.get(path, follow_redirects=False)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def until_ended(client: TestClient, job: str) -> Any:
    deadline = time.monotonic() + 30
    while (view := client.get(f"/jobs/{job}").json())["state"] in {"queued", "running"}:
        assert time.monotonic() < deadline, view
        time.sleep(0.05)
    return view


def jobs_by_state(client: TestClient) -> dict[str, float]:
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith("archcast_jobs{")]
    return {line.split('"')[1]: float(line.split()[-1]) for line in lines}


def test_search_beyond_the_longest_queue_is_503_with_retry_after(serve: Callable[..., TestClient]):
    client = serve(embedded_workers=0, max_queued_jobs=2)
    body = {"space": "nb201", "device": SIMULATED} | RANDOM
    later = {"Prefer": "respond-async"}
    jobs = [client.post("/search", json=body, headers=later) for _ in range(2)]
    assert [answer.status_code for answer in jobs] == [202, 202]
    refused = client.post("/search", json=body, headers=later)
    assert refused.status_code == 503
    assert refused.json()["type"] == "urn:archcast:problem:overloaded"
    assert int(refused.headers["Retry-After"]) >= 1
    client.delete(jobs[0].headers["Location"])
    assert client.post("/search", json=body, headers=later).status_code == 202

"""Where the accuracies of a search come from."""

from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from arch_encodings import has_path
from device_db import Accuracies, create_engine, session_factory
from spaces import Architecture
from tests.service.searching import CELLS, MEASURED, NB201, RANDOM, refuse, search


def store_accuracies(app: FastAPI, values: dict[str, float], dataset: str = "cifar10") -> None:
    engine = create_engine(app.state.archcast.settings.sqlalchemy_url)
    with session_factory(engine).begin() as session:
        Accuracies(session).store("nb201", dataset, values, "tests")
    engine.dispose()


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

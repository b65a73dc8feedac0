"""Fits that a cancelled search has left behind end by themselves, and are made when somebody wants them again."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device_db import Accuracies, Jobs, JobState
from predictors.graph import cross_fitted
from service import accuracy_source, pretrained, workload_costs
from service.interruptible import StoppedWaitingError, interruptible, wait_for_what_was_left
from service.jobs.waiting import cancel_and_wait
from service.jobs.worker import Workers
from service.metrics import Metrics
from service.state import AppState, open_state
from service.workload_costs import WorkloadPredictors
from spaces import SPACES

NB201 = SPACES["nb201"]


@pytest.fixture
def state(shared_deployment: Any, tmp_path: Path) -> Iterator[AppState]:
    opened = open_state(shared_deployment.settings, Metrics())
    yield opened
    opened.engine.dispose()


def left_behind() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "interruptible"]


def test_training_of_a_cancelled_search_ends_between_epochs(state: AppState, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(pretrained, "has_torch", lambda: True)
    monkeypatch.setattr(cross_fitted, "_TRAINING", replace(cross_fitted._TRAINING, epochs=10**6, patience=10**6))
    is_training, train = threading.Event(), accuracy_source.stop_if_left

    def told(done: int, total: int) -> None:
        if done > 1:
            is_training.set()
        train(done, total)

    monkeypatch.setattr(accuracy_source, "stop_if_left", told)
    cells = NB201.sample(24, rng=np.random.default_rng(5))
    values = {cell.key: 80 + row / 10 for row, cell in enumerate(cells)}
    with state.sessions.begin() as session:
        Accuracies(session).store("nb201", "cifar10", values, "tests")
        request = {"space": "nb201", "device": "fpga_unrolled", "accuracy_source": "fitted"}
        job = Jobs(session).create("search", request).id
    workers = Workers(state, {"search": 1})
    workers.start()
    try:
        assert is_training.wait(60)
        assert cancel_and_wait(state, job).state is JobState.cancelled
        wait_for_what_was_left(20)
        assert not left_behind()
    finally:
        workers.stop()


def test_fit_over_layers_that_nobody_waits_for_ends_and_is_made_when_it_is_wanted_again(
    state: AppState, monkeypatch: pytest.MonkeyPatch
):
    read, is_reading, go_on = [], threading.Event(), threading.Event()
    columns = workload_costs.workload_columns

    def slow(workload: Any) -> Any:
        read.append(workload)
        is_reading.set()
        assert go_on.wait(20)
        return columns(workload)

    monkeypatch.setattr(workload_costs, "workload_columns", slow)
    fits = WorkloadPredictors()

    def fit() -> Any:
        with state.read_sessions() as session:
            return fits.of(session, "bench-board", NB201)

    with pytest.raises(StoppedWaitingError):
        interruptible(fit, is_reading.is_set)
    go_on.set()
    wait_for_what_was_left(20)
    assert not left_behind()
    assert len(read) == 1
    assert fit().predictor.samples == len(read) - 1

"""Simulated costs stored as samples."""

from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from device_db import Measurements, create_engine, session_factory
from service.errors import MeasuredDeviceError
from service.latency_candidates import LatencyCandidates
from service.pretrained import ShippedTrunks
from service.use_cases.adapt_predictor import adapt_all
from service.use_cases.label_space import label_space
from spaces import SPACES, NotEnumerableError
from targets import load_target, segment_costs


@pytest.fixture
def engine(deployment: Any):
    engine = create_engine(deployment.settings.sqlalchemy_url)
    yield engine
    engine.dispose()


def label(engine: Engine, device: str, space: str, **options: Any):
    with session_factory(engine).begin() as session:
        return label_space(session, SPACES, device, space, rng=np.random.default_rng(0), **options)


def test_label_space_leaves_out_what_does_not_fit(engine: Engine):
    done = label(engine, "fpga-xc7z020", "nb201", count=20)
    assert 0 < done.architectures == done.counts.inserted < 20
    with session_factory(engine, read_only=True)() as session:
        keys, values = Measurements(session).latencies("fpga-xc7z020", "nb201")
    assert len(keys) == done.architectures
    assert np.isfinite(values).all()


def test_label_space_stores_latency_and_energy_of_random_architectures(engine: Engine):
    done = label(engine, "bitmod-lossy", "fbnet", count=30)
    assert (done.architectures, done.counts.inserted) == (30, 60)
    space = SPACES["fbnet"]
    with session_factory(engine, read_only=True)() as session:
        for metric in ("latency_ms", "energy_mj"):
            keys, values = Measurements(session).latencies("bitmod-lossy", "fbnet", metric)
            costs = segment_costs(load_target("bitmod-lossy"), space, [space.parse(key) for key in keys])
            np.testing.assert_allclose(values, getattr(costs, metric))


def test_label_space_twice_changes_nothing_and_once_can_be_undone(engine: Engine):
    first = label(engine, "m4bram", "nb201", count=20)
    again = label(engine, "m4bram", "nb201", count=20)
    assert (again.counts.inserted, again.counts.unchanged) == (0, 20)  # no energy model
    with session_factory(engine).begin() as session:
        assert Measurements(session).undo(first.batch).removed == 20


def test_label_space_measured_device_is_refused(engine: Engine):
    with pytest.raises(MeasuredDeviceError, match="'bench-board' is measured"):
        label(engine, "bench-board", "nb201", count=5)


def test_label_space_too_large_to_list_is_refused_without_a_count(engine: Engine):
    with pytest.raises(NotEnumerableError):
        label(engine, "bitmod-lossy", "fbnet")


def test_adapt_all_leaves_simulated_devices_to_their_models(engine: Engine):
    label(engine, "bitmod-lossy", "nb201", count=40)
    fitted = adapt_all(engine, SPACES, LatencyCandidates("cost_linear", ShippedTrunks()), "nb201")
    assert [predictor.device for predictor in fitted] == ["bench-board"]

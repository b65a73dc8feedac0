import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from device_db import Artifacts, DeviceKind, DeviceNotFoundError, Devices, MeasurementRow, Measurements, create_engine
from device_db import session_factory as sessions_of
from predictors import MIN_SAMPLES, CostLinear, fit_cost_linear
from service import latency_candidates
from service.latency_candidates import SOURCE_SAMPLES, LatencyCandidates
from service.pretrained import ShippedTrunks
from service.stored_predictor import read_predictor
from service.use_cases import adapt_predictor
from service.use_cases.adapt_predictor import adapt, adapt_all, adapt_each, foresee
from spaces import SPACES, Architecture

COST_LINEAR = LatencyCandidates("cost_linear", ShippedTrunks())
NB201 = SPACES["nb201"]
POOL = NB201.sample(400, rng=np.random.default_rng(1))
WORK = np.array([NB201.workload(architecture).macs for architecture in POOL]) / 2e7


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine = create_engine(database_url)
    with sessions_of(engine)() as session:
        yield session
    engine.dispose()


def measure(session: Session, device: str, count: int, scale: float = 1.0) -> str:
    """Store the latencies of the first `count` of the pool, registering the device when it is new."""
    if device not in {known.name for known in Devices(session).list()}:
        Devices(session).add(device, DeviceKind.measured)
    upload = Measurements(session).begin_upload("tests", "rows")
    rows = zip(POOL[:count], scale * (3 + WORK[:count]), strict=True)
    Measurements(session).store(upload, [MeasurementRow(device, "nb201", a.key, float(v)) for a, v in rows])
    return upload.id


def engine_beside(session: Session) -> Engine:
    """The engine for further sessions, once what `session` did is committed."""
    session.commit()
    return cast(Engine, session.get_bind())


def latest(session: Session, device: str) -> Any:
    return Artifacts(session).latest(device, "nb201")


def test_predictor_is_fitted_on_the_current_latencies(session: Session) -> None:
    measure(session, "phone", 20)
    adapted = adapt(session, SPACES, COST_LINEAR, "phone", "nb201")
    assert adapted is not None
    assert (adapted.name, adapted.version, adapted.samples) == ("cost_linear", 1, 20)
    predictor = read_predictor(Artifacts(session), latest(session, "phone"))
    error = predictor.predict(POOL[100:]).mean_ms / (3 + WORK[100:]) - 1
    assert np.abs(error).max() < 0.05


def test_version_changes_with_the_samples_and_only_with_them(session: Session) -> None:
    measure(session, "phone", 20)
    first = adapt(session, SPACES, COST_LINEAR, "phone", "nb201")
    assert adapt(session, SPACES, COST_LINEAR, "phone", "nb201") == first
    measure(session, "phone", 21)
    second = adapt(session, SPACES, COST_LINEAR, "phone", "nb201")
    assert second is not None
    assert (second.version, second.samples) == (2, 21)
    old = Artifacts(session).get("phone", "nb201", 1)
    assert read_predictor(Artifacts(session), old).samples == 20


def test_below_the_needed_samples_the_predictor_goes_and_its_versions_stay(session: Session) -> None:
    measure(session, "phone", MIN_SAMPLES - 1)
    assert adapt(session, SPACES, COST_LINEAR, "phone", "nb201") is None
    batch = measure(session, "phone", 20)
    assert adapt(session, SPACES, COST_LINEAR, "phone", "nb201") is not None
    Measurements(session).undo(batch)
    assert adapt(session, SPACES, COST_LINEAR, "phone", "nb201") is None
    assert latest(session, "phone") is None
    assert Artifacts(session).get("phone", "nb201", 1).samples == 20


def test_unknown_device_is_refused(session: Session) -> None:
    with pytest.raises(DeviceNotFoundError):
        adapt(session, SPACES, COST_LINEAR, "phone", "nb201")


@pytest.mark.one_database
def test_devices_with_many_samples_are_the_sources_of_the_others(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapt_predictor, "MAX_SOURCES", 2)
    for device, count in (("new", 20), ("a", SOURCE_SAMPLES), ("b", 400), ("c", SOURCE_SAMPLES), ("few", 30)):
        measure(session, device, count)
    adapted = adapt_all(engine_beside(session), SPACES, COST_LINEAR, "nb201")
    assert [predictor.device for predictor in adapted] == ["a", "b", "c", "few", "new"]
    assert latest(session, "new").manifest["sources"] == ["b@1", "a@1"]
    assert latest(session, "few").manifest["sources"] == ["b@1", "a@1"]
    assert latest(session, "b").manifest["sources"] == []


def test_device_is_fitted_again_once_when_its_sources_arrive_or_change(session: Session) -> None:
    measure(session, "new", 20)
    measure(session, "new-too", 20)
    adapt(session, SPACES, COST_LINEAR, "new", "nb201")
    engine = engine_beside(session)

    def versions() -> dict[str, int]:
        adapted = {predictor.device: predictor.version for predictor in adapt_all(engine, SPACES, COST_LINEAR, "nb201")}
        session.rollback()
        return adapted

    measure(session, "rich", SOURCE_SAMPLES)
    session.commit()
    assert versions() == {"new": 2, "new-too": 1, "rich": 1}
    assert latest(session, "new").manifest["sources"] == ["rich@1"]
    session.rollback()  # which took SQLite's write lock
    assert versions() == {"new": 2, "new-too": 1, "rich": 1}
    measure(session, "rich", SOURCE_SAMPLES + 1)
    session.commit()
    assert versions() == {"new": 3, "new-too": 2, "rich": 2}
    for _ in range(2):
        measure(session, "new", 20)
        session.commit()
        assert versions() == {"new": 3, "new-too": 2, "rich": 2}


def test_same_samples_give_the_same_bytes(session: Session) -> None:
    for device in ("rich", "one", "two"):
        measure(session, device, 400 if device == "rich" else 20)
    adapt_all(engine_beside(session), SPACES, COST_LINEAR, "nb201")
    artifacts = Artifacts(session)
    one, two = (artifacts.load_blob(latest(session, device)) for device in ("one", "two"))
    assert one == two


def test_progress_counts_every_device(session: Session) -> None:
    for device in ("a", "b", "c"):
        measure(session, device, 10)
    seen: list[tuple[int, int]] = []
    adapt_all(engine_beside(session), SPACES, COST_LINEAR, "nb201", lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert adapt_each(engine_beside(session), SPACES, COST_LINEAR, []) == ()


def test_adapting_beside_an_upload_waits_for_its_samples(session: Session) -> None:
    measure(session, "phone", 20)
    adapt(session, SPACES, COST_LINEAR, "phone", "nb201")
    engine = engine_beside(session)
    measure(session, "phone", 30)
    adapted: list[Any] = []
    beside = threading.Thread(target=lambda: adapted.extend(adapt_all(engine, SPACES, COST_LINEAR, "nb201")))
    beside.start()
    beside.join(0.5)
    assert not adapted
    uploaded = adapt(session, SPACES, COST_LINEAR, "phone", "nb201")
    session.commit()
    beside.join(30)
    assert uploaded is not None
    assert uploaded.samples == 30
    assert adapted == [uploaded]


def test_fit_keeps_no_other_writer_out(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    measure(session, "phone", 20)
    engine = engine_beside(session)
    has_written: list[bool] = []

    def write() -> None:
        with sessions_of(engine).begin() as beside:
            Measurements(beside).begin_upload("tests", "beside")

    def fit(*arguments: Any) -> CostLinear:
        writer = threading.Thread(target=write)
        writer.start()
        writer.join(5)
        has_written.append(not writer.is_alive())
        return fit_cost_linear(*arguments)

    monkeypatch.setattr(latency_candidates, "fit_cost_linear", fit)
    adapt_all(engine, SPACES, COST_LINEAR, "nb201")
    assert has_written == [True]


def test_samples_that_arrive_during_the_fit_are_fitted_too(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    measure(session, "phone", 20)
    engine = engine_beside(session)
    fitted: list[int] = []

    def fit(space: Any, architectures: list[Architecture], *arguments: Any) -> CostLinear:
        fitted.append(len(architectures))
        if len(fitted) == 1:
            with sessions_of(engine).begin() as beside:
                measure(beside, "phone", 30)
        return fit_cost_linear(space, architectures, *arguments)

    monkeypatch.setattr(latency_candidates, "fit_cost_linear", fit)
    (adapted,) = adapt_each(engine, SPACES, COST_LINEAR, [("phone", "nb201")])
    assert fitted == [20, 30]
    assert (adapted.version, adapted.samples) == (1, 30)
    assert read_predictor(Artifacts(session), latest(session, "phone")).samples == 30


def test_foreseen_versions_are_those_that_adapting_gives(session: Session) -> None:
    series = [("phone", "nb201"), ("rich", "nb201"), ("few", "nb201")]
    for device, count in (("phone", 20), ("rich", SOURCE_SAMPLES), ("few", MIN_SAMPLES - 1)):
        measure(session, device, count)
    engine = engine_beside(session)
    for _ in range(2):
        foreseen = foresee(session, COST_LINEAR, series)
        session.rollback()
        assert adapt_each(engine, SPACES, COST_LINEAR, series) == foreseen


def test_adapting_every_device_commits_each(session: Session) -> None:
    for device in ("a", "b", "c"):
        measure(session, device, 10)
    engine = engine_beside(session)
    visible: list[int] = []

    def count(done: int, total: int) -> None:
        visible.append(len(Artifacts(session).list("nb201")))
        session.rollback()

    adapt_all(engine, SPACES, COST_LINEAR, "nb201", count)
    assert visible == [1, 2, 3]


def test_rolled_back_version_is_not_taken_for_its_successor(session: Session) -> None:
    measure(session, "phone", 20)
    session.commit()
    adapt(session, SPACES, COST_LINEAR, "phone", "nb201")
    first = read_predictor(Artifacts(session), latest(session, "phone"))
    session.rollback()
    measure(session, "phone", 20, scale=3)
    adapt(session, SPACES, COST_LINEAR, "phone", "nb201")
    again = read_predictor(Artifacts(session), latest(session, "phone"))
    assert latest(session, "phone").version == 1
    assert isinstance(again, CostLinear)
    assert again.predict(POOL[:1]).mean_ms[0] > 2 * first.predict(POOL[:1]).mean_ms[0]


@pytest.mark.one_database
def test_whole_table_of_a_device_is_fitted_in_seconds(session: Session) -> None:
    Devices(session).add("table", DeviceKind.measured)
    upload = Measurements(session).begin_upload("tests", "rows")
    cells: list[Architecture] = list(NB201.enumerate())
    rng = np.random.default_rng(0)
    Measurements(session).store(
        upload, [MeasurementRow("table", "nb201", cell.key, float(rng.lognormal(1, 0.3))) for cell in cells]
    )
    started = time.process_time()
    adapted = adapt(session, SPACES, COST_LINEAR, "table", "nb201")
    assert adapted is not None
    assert adapted.samples == 15_625
    assert time.process_time() - started < 15

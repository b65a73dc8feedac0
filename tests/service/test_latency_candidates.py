import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sqlalchemy.orm import Session

from device_db import Artifacts, DeviceKind, Devices, MeasurementRow, Measurements, create_engine, session_factory
from predictors import GraphLinear, SourceLatencies, graph_linear
from service import stored_predictor
from service.errors import UnusablePredictorError
from service.latency_candidates import SOURCE_SAMPLES, LatencyCandidates
from service.predictor_cache import PredictorCache
from service.schemas.predictions import PredictorInfo
from service.stored_predictor import read_predictor
from service.use_cases.adapt_predictor import UNDECIDED, adapt, foresee
from spaces import SPACES, Architecture, SearchSpace
from targets import hardware_names, load_target, segment_costs

if TYPE_CHECKING:
    from predictors.graph.pretrained import PretrainedTrunk

pytestmark = pytest.mark.one_database

NB201 = SPACES["nb201"]
PUBLIC = hardware_names()[:3]
POOL = NB201.sample(260, rng=np.random.default_rng(5))


class OneTrunk:
    """A network for NAS-Bench-201 alone."""

    def __init__(self, trunk: "PretrainedTrunk", digest: str = "a" * 64):
        self._trunk = trunk
        self._digest = digest

    def digest(self, space: str) -> str | None:
        return self._digest if space == "nb201" else None

    def absence(self, space: str) -> str:
        return f"no network for {space}"

    def load(self, space: SearchSpace) -> "PretrainedTrunk":
        assert space.name == "nb201"
        return self._trunk


@pytest.fixture(scope="module")
def trunk() -> "PretrainedTrunk":
    """Barely trained: what it says of its sources need not be true."""
    from predictors.graph import TrainingSettings, TrunkSettings
    from predictors.graph.pretrained import pretrain_trunk

    cells = NB201.sample(64, rng=np.random.default_rng(0))
    latency_ms = np.stack([segment_costs(load_target(name), NB201, cells).latency_ms for name in PUBLIC], axis=1)
    sources = SourceLatencies(NB201, cells, tuple(PUBLIC), latency_ms)
    settings = TrunkSettings(op_width=8, width=16, layers=1, embedding=8)
    return pretrain_trunk(sources, settings, TrainingSettings(epochs=2, series=3))


@pytest.fixture
def auto(trunk: "PretrainedTrunk") -> LatencyCandidates:
    return LatencyCandidates("auto", OneTrunk(trunk))


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine = create_engine(database_url)
    with session_factory(engine)() as session:
        yield session
    engine.dispose()


def foretold_ms(trunk: "PretrainedTrunk", architectures: list[Architecture]) -> Any:
    """Latencies that are linear in what the network says, and in nothing else."""
    return 20 + 4 * np.sqrt(3) * trunk.columns(architectures)[:, 0]


def additive_ms(architectures: list[Architecture]) -> Any:
    """Latencies that follow the cells' arithmetic, with some noise."""
    macs = np.array([NB201.workload(architecture).macs for architecture in architectures])
    return (3 + macs / 2e7) * np.random.default_rng(3).lognormal(0, 0.02, len(macs))


def measure(session: Session, device: str, latency_ms: Any) -> None:
    if device not in {known.name for known in Devices(session).list()}:
        Devices(session).add(device, DeviceKind.measured)
    upload = Measurements(session).begin_upload("tests", "rows")
    rows = zip(POOL, latency_ms.tolist(), strict=False)
    Measurements(session).store(upload, [MeasurementRow(device, "nb201", cell.key, value) for cell, value in rows])


def test_auto_takes_the_candidate_that_tells_left_out_samples_best(auto: LatencyCandidates, trunk: "PretrainedTrunk"):
    cells = POOL[:30]
    for latency_ms, winner in ((foretold_ms(trunk, cells), "graph_linear"), (additive_ms(cells), "cost_linear")):
        choice = auto.fit(NB201, cells, latency_ms, [])
        density = {each.name: each.log_density for each in choice.evidence}
        assert all(value is not None for value in density.values())
        assert choice.predictor.name == winner == max(density, key=lambda name: density[name] or 0.0)
        seen = {each.name: each.pretrained_on for each in choice.evidence}
        assert seen == {"cost_linear": (), "graph_linear": tuple(PUBLIC)}
        (errors,) = [each.errors for each in choice.evidence if each.name == winner]
        assert errors is not None
        assert (errors.samples, set(errors.coverage_percent)) == (30, {"50", "80", "90"})


@pytest.mark.parametrize(("wanted", "reason"), [("cost_linear", "graph_linear"), ("graph_linear", "cost_linear")])
def test_named_predictor_is_the_only_candidate(wanted: Any, reason: str, trunk: "PretrainedTrunk"):
    choice = LatencyCandidates(wanted, OneTrunk(trunk)).fit(NB201, POOL[:20], additive_ms(POOL[:20]), [])
    assert choice.predictor.name == wanted
    reasons = {each.name: each.reason for each in choice.evidence}
    assert reasons[wanted] is None
    assert f"fits {wanted} only" in (reasons[reason] or "")


@pytest.mark.parametrize("wanted", ["auto", "graph_linear"])
def test_space_without_network_leaves_the_costs(wanted: Any, trunk: "PretrainedTrunk"):
    fbnet = SPACES["fbnet"]
    blocks = fbnet.sample(20, rng=np.random.default_rng(0))
    choice = LatencyCandidates(wanted, OneTrunk(trunk)).fit(fbnet, blocks, np.linspace(5, 9, 20), [])
    assert choice.predictor.name == "cost_linear"
    assert [each.reason for each in choice.evidence if each.name == "graph_linear"] == ["no network for fbnet"]


def test_device_of_many_samples_is_a_source_of_the_others(auto: LatencyCandidates, trunk: "PretrainedTrunk"):
    choice = auto.fit(NB201, POOL[:SOURCE_SAMPLES], foretold_ms(trunk, POOL[:SOURCE_SAMPLES]), [])
    assert choice.predictor.name == "cost_linear"
    assert "200 samples" in str([each.reason for each in choice.evidence])


def test_version_follows_the_network_and_says_that_it_has_seen_the_device(
    session: Session, auto: LatencyCandidates, trunk: "PretrainedTrunk"
):
    for device in ("board", PUBLIC[0]):
        measure(session, device, foretold_ms(trunk, POOL[:20]))
    (foreseen,) = foresee(session, auto, [("board", "nb201")])
    assert (foreseen.name, foreseen.version) == (UNDECIDED, 1)
    session.rollback()
    for device in ("board", PUBLIC[0]):
        measure(session, device, foretold_ms(trunk, POOL[:20]))
    first = adapt(session, SPACES, auto, "board", "nb201")
    assert first is not None
    assert (first.name, first.version) == ("graph_linear", 1)
    assert adapt(session, SPACES, auto, "board", "nb201") == first
    successor = LatencyCandidates("auto", OneTrunk(trunk, "b" * 64))
    again = adapt(session, SPACES, successor, "board", "nb201")
    assert again is not None
    assert again.version == 2
    without = adapt(session, SPACES, LatencyCandidates("cost_linear", OneTrunk(trunk)), "board", "nb201")
    assert without is not None
    assert (without.name, without.version) == ("cost_linear", 3)
    adapt(session, SPACES, auto, PUBLIC[0], "nb201")
    artifacts = Artifacts(session)
    told = {name: PredictorInfo.of(artifacts.get(name, "nb201", 1)) for name in ("board", PUBLIC[0])}
    assert {name: info.pretrained_on_this_device for name, info in told.items()} == {"board": False, PUBLIC[0]: True}
    seen = {
        (name, each.name): each.pretrained_on_this_device for name, info in told.items() for each in info.candidates
    }
    assert [key for key, is_seen in seen.items() if is_seen] == [(PUBLIC[0], "graph_linear")]


def test_stored_network_predicts_as_the_fitted_one(session: Session, auto: LatencyCandidates, trunk: "PretrainedTrunk"):
    measure(session, "board", foretold_ms(trunk, POOL[:20]))
    adapt(session, SPACES, auto, "board", "nb201")
    stored = PredictorCache(4).latest(session, "board", "nb201")
    assert stored is not None
    assert isinstance(stored.predictor, GraphLinear)
    cells = sorted(POOL[:20])
    fitted = auto.fit(NB201, cells, foretold_ms(trunk, cells), []).predictor
    np.testing.assert_allclose(
        stored.predictor.predict(POOL[100:]).mean_ms, fitted.predict(POOL[100:]).mean_ms, rtol=1e-6
    )
    measure(session, "other", foretold_ms(trunk, POOL[:20]))
    adapt(session, SPACES, auto, "other", "nb201")
    other = PredictorCache(4).latest(session, "other", "nb201")
    assert other is not None
    assert isinstance(other.predictor, GraphLinear)
    assert other.predictor.trunk is stored.predictor.trunk


def test_predictor_that_needs_torch_is_refused_without_it(
    session: Session, auto: LatencyCandidates, trunk: "PretrainedTrunk", monkeypatch: pytest.MonkeyPatch
):
    measure(session, "board", foretold_ms(trunk, POOL[:20]))
    adapt(session, SPACES, auto, "board", "nb201")
    stored_predictor._read.cache_clear()
    graph_linear._stored_trunk.cache_clear()
    for name in [name for name in sys.modules if name.startswith("predictors.graph.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    artifact = Artifacts(session).latest("board", "nb201")
    assert artifact is not None
    with pytest.raises(UnusablePredictorError, match="needs torch, which is not installed here"):
        read_predictor(Artifacts(session), artifact)

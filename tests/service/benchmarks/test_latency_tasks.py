"""The protocol on made-up devices of NAS-Bench-201, whose latencies add up over operations."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from arch_encodings import ENCODERS, encoders_with
from predictors import fit_cost_linear
from predictors.graph import NasflatSettings, TrainingSettings, TrunkSettings, pretrained
from predictors.graph.pretrained import pretrain_nasflat, pretrain_trunk
from predictors.metrics import spearman
from predictors.source_lines import reference_sample
from service.benchmarks import latency_tasks
from service.benchmarks.latency_splits import Splits
from service.benchmarks.latency_tables import LatencyTable
from service.benchmarks.latency_tasks import (
    FITS,
    GIVEN,
    PREDICTOR_NAMES,
    SAMPLER_NAMES,
    Bench,
    Sources,
    Target,
    open_bench,
    run_task,
)
from service.benchmarks.published import CEILING, PUBLISHED
from service.benchmarks.shared_proxies import SharedProxies
from service.benchmarks.tasks import TASKS, Task
from service.cli import bench as command
from service.errors import ProxiesNotPublishedError
from spaces import SPACES, get_space


@pytest.fixture(scope="module")
def bench() -> Bench:
    space = get_space("nb201")
    architectures = space.sample(320, rng=np.random.default_rng(0))
    decisions = space.decisions(architectures)
    rng = np.random.default_rng(1)
    latency_ms = {name: 3 + rng.uniform(0, 2, 5)[decisions].sum(axis=1) for name in ("a", "b", "new")}
    latency_ms["new"][:5] = np.nan
    table = LatencyTable(architectures, latency_ms)
    return Bench.of(Task("made up", "nb201", ("a", "b"), ("new",)), table)


def test_run_task_gives_the_metrics_of_each_predictor(bench):
    rows = run_task(bench, ["cost_linear", "one_hot_ridge", "flops"], ["d_optimal"], [20], 1)
    assert [row["predictor"] for row in rows] == ["cost_linear", "one_hot_ridge", "flops"]
    linear, ridge, flops = rows
    assert linear["spearman"] > 0.98
    assert linear["spearman"] > ridge["spearman"] > flops["spearman"]
    assert linear["mape"] < 0.05
    assert linear["mae_ms"] < 0.05 * 10
    assert 0 < linear["within5"] <= linear["within10"] <= 1
    assert linear["coverage50"] <= linear["coverage80"] <= linear["coverage90"] <= 1
    assert linear["coverage_by_device"] == {"new": [linear[f"coverage{level}"] for level in (50, 80, 90)]}
    assert ridge["coverage90"] is None
    assert flops["mape"] is None


def test_run_task_same_seeds_same_scores(bench):
    first, second = (run_task(bench, ["one_hot_ridge"], ["random"], [20], 1)[0] for _ in range(2))
    assert first["spearman"] == second["spearman"]


def test_run_task_several_numbers_of_samples_give_what_each_gives_alone(bench):
    both = run_task(bench, ["cost_linear"], ["random", "d_optimal"], [10, 20], 1)
    assert [(row["samples"], row["sampler"]) for row in both] == [
        (10, "random"),
        (10, "d_optimal"),
        (20, "random"),
        (20, "d_optimal"),
    ]
    [alone] = run_task(bench, ["cost_linear"], ["d_optimal"], [20], 1)
    assert both[3]["spearman"] == alone["spearman"]
    assert both[3]["mape"] < both[1]["mape"]


def test_target_auto_has_the_scores_of_the_predictor_it_chose(bench, monkeypatch):
    fitted = []

    def fit(sources, space, timed, latency_ms):
        fitted.append(fit_cost_linear(space, timed, latency_ms[:: -1 if fitted else 1]))
        return fitted[-1]

    monkeypatch.setitem(FITS, "cost_linear", fit)
    monkeypatch.setitem(FITS, "graph_linear", fit)
    monkeypatch.setattr(latency_tasks, "_prepare", lambda sources, predictor: None)
    target = Target(bench, Sources(bench, np.arange(10)), "new", np.arange(10, 30), {})
    auto, right, wrong = (target.scores(name) for name in ("auto", "cost_linear", "graph_linear"))
    assert right["spearman"] > wrong["spearman"]
    assert {**auto, "adapt_seconds": 0} == {**right, "adapt_seconds": 0}
    assert auto["adapt_seconds"] == pytest.approx(right["adapt_seconds"] + wrong["adapt_seconds"])
    assert len(fitted) == 2


def test_run_task_trains_nasflat_with_the_encoding_that_its_name_says(bench, monkeypatch):
    small = partial(NasflatSettings, width=8, node_width=8, layers=1, refinement_layers=1, head_width=8)
    monkeypatch.setattr(latency_tasks, "NasflatSettings", small)
    monkeypatch.setattr(pretrained, "pretrain_nasflat", partial(pretrain_nasflat, training=TrainingSettings(epochs=1)))
    names = ["nasflat", "nasflat_cost", "nasflat_zcp"]
    known = [*bench.table.architectures, *reference_sample(bench.space)]
    zcp = SharedProxies({one: np.arange(13.0) + row for row, one in enumerate(known)})
    rows = run_task(replace(bench, encoders=encoders_with(zcp)), names, ["random"], [20], 1)
    assert [row["predictor"] for row in rows] == names
    assert len({row["mape"] for row in rows}) == 3


@pytest.mark.data
def test_open_bench_reads_published_proxies_where_a_predictor_needs_some(data_dir):
    space = get_space("fbnet")
    path = json.loads((data_dir / "zero_cost" / "fbnet_zcp.json").read_text())
    drawn = [space.parse(notation) for notation in list(path)[:20]]
    tables = {"fbnet": LatencyTable(drawn, {"phone": np.ones(20)})}
    without, opened = (
        open_bench(TASKS["F3"], tables, data_dir, [name]) for name in ("nasflat_cost", "nasflat_fine_tuned_caz")
    )
    assert without.encoders is ENCODERS
    encoded = opened.encoders["caz"].encode(space, drawn)
    assert encoded.shape == (20, 77)
    assert np.isfinite(encoded).all()
    with pytest.raises(ProxiesNotPublishedError, match="of 1 of"):
        opened.encoders["zcp"].encode(space, [drawn[0], space.sample(1, rng=np.random.default_rng(0))[0]])


@pytest.mark.parametrize("predictor", ["cost_linear_alone", "graph_linear"])
def test_target_scores_what_the_predictor_predicts(bench, predictor):
    rows = np.arange(10, 30)
    sources = Sources(bench, np.arange(40, 70))
    quick = TrainingSettings(epochs=2, batch=16, learning_rate=3e-3)
    sources.trunk = pretrain_trunk(sources._table, TrunkSettings(width=16, layers=2), quick)
    scores = Target(bench, sources, "new", rows, {}).scores(predictor)
    truth = bench.table.latency_ms["new"]
    fitted = FITS[predictor](sources, bench.space, bench.architectures(rows), truth[rows])
    held_out = np.flatnonzero(np.isfinite(truth) & ~np.isin(bench.classes, bench.classes[rows]))
    predicted = fitted.predict(bench.architectures(held_out)).mean_ms
    assert scores["spearman"] == pytest.approx(spearman(predicted, truth[held_out]), abs=1e-6)
    assert scores["mae_ms"] == pytest.approx(np.abs(predicted - truth[held_out]).mean())


def test_run_task_never_scores_what_was_timed_or_not_measured(bench, monkeypatch):
    scored = []
    monkeypatch.setattr(
        latency_tasks, "rank_scores", lambda predicted, truth: scored.append(truth) or {"spearman": 0.5}
    )
    run_task(bench, ["flops"], ["random"], [20], 1)
    [truth] = scored
    assert np.isfinite(truth).all()
    assert len(truth) <= len(bench.table.architectures) - 5 - 20


def test_run_task_predictors_see_the_samples_of_the_target_only(bench, monkeypatch):
    seen = []

    def spy(sources, space, timed, latency_ms):
        seen.append((timed, latency_ms))
        return fit_cost_linear(space, timed, latency_ms)

    monkeypatch.setitem(FITS, "spy", spy)
    monkeypatch.setattr(latency_tasks, "_prepare", lambda sources, predictor: None)
    run_task(bench, ["spy"], ["random"], [20], 1)
    [(timed, latency_ms)] = seen
    number = {architecture: row for row, architecture in enumerate(bench.table.architectures)}
    expected = bench.table.latency_ms["new"][[number[architecture] for architecture in timed]]
    np.testing.assert_array_equal(latency_ms, expected)
    assert len(timed) == 20


def test_run_task_with_splits_takes_the_given_sources_and_samples(bench, monkeypatch, tmp_path):
    seen = []

    def spy(sources, space, timed, latency_ms):
        seen.append((sources._table.architectures, timed))
        return fit_cost_linear(space, timed, latency_ms)

    monkeypatch.setitem(FITS, "spy", spy)
    monkeypatch.setattr(latency_tasks, "_prepare", lambda sources, predictor: None)
    given = {
        str(seed): {
            "source_archs": [*range(seed, seed + 10)],
            "transfer_archs": {"new": [*range(40 + seed, 60 + seed)]},
        }
        for seed in range(2)
    }
    path = tmp_path / "splits.json"
    path.write_text(json.dumps({"made up": {"seeds": given}}))
    [row] = run_task(bench, ["spy"], ["d_optimal"], [20], 2, splits=Splits.read(path))
    assert row["sampler"] == GIVEN
    for seed, (known, timed) in enumerate(seen):
        assert known == bench.table.architectures[seed : seed + 10]
        assert timed == bench.table.architectures[40 + seed : 60 + seed]


def test_splits_of_another_format_are_refused(tmp_path):
    path = tmp_path / "splits.json"
    path.write_text("[1]")
    with pytest.raises(ValueError, match="no tasks"):
        Splits.read(path)


def test_tasks_hold_no_target_among_their_sources():
    assert len(TASKS) == 12
    for task in TASKS.values():
        assert task.space in SPACES
        assert not set(task.sources) & set(task.targets)


def test_run_task_equal_designs_of_a_predictor_without_sources_are_scored_once(bench, monkeypatch):
    fits = []
    regress = latency_tasks.regress
    monkeypatch.setattr(latency_tasks, "regress", lambda *arguments: fits.append(1) or regress(*arguments))
    [row] = run_task(bench, ["one_hot_ridge"], ["d_optimal"], [20], 3)
    assert len(fits) == 1
    assert row["spearman_std"] < 1e-12
    run_task(bench, ["one_hot_ridge"], ["random"], [20], 3)
    assert len(fits) == 4


def test_published_figures_cover_every_task():
    assert set(CEILING) == set(TASKS)
    assert all(set(by_task) == set(TASKS) for by_task in PUBLISHED.values())


def test_command_offers_every_predictor_and_sampler():
    assert set(command._LATENCY_PREDICTORS) == set(PREDICTOR_NAMES)
    assert set(command._SAMPLERS) == set(SAMPLER_NAMES)

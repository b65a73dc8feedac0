"""`archcast bench` on made-up devices."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.benchmarks import latency_tables, tasks
from service.benchmarks.latency_tables import LatencyTable
from spaces import get_space

Cli = Callable[..., Any]
KEYS = "task predictor sampler samples seeds spearman kendall mape coverage90 adapt_seconds"


@pytest.fixture(autouse=True)
def _made_up(monkeypatch: pytest.MonkeyPatch):
    space = get_space("nb201")
    architectures = space.sample(300, rng=np.random.default_rng(0))
    latency_ms = {
        name: 3 + np.random.default_rng(seed).uniform(0, 2, 5)[space.decisions(architectures)].sum(axis=1)
        for seed, name in enumerate(("old", "new"))
    }
    monkeypatch.setattr(latency_tables, "read_tables", lambda data: {"nb201": LatencyTable(architectures, latency_ms)})
    monkeypatch.setitem(tasks.TASKS, "X1", tasks.Task("X1", "nb201", ("old",), ("new",)))


def test_nasflat_tasks_json_gives_one_object_a_task(cli: Cli, tmp_path: Path):
    options = ["--task", "X1", "--predictor", "one_hot_ridge", "--sampler", "params", "--seeds", "1", "--samples", "12"]
    outcome = cli("bench", "nasflat-tasks", *options, "--data", str(tmp_path), "--json")
    [line] = outcome.out.splitlines()
    row = json.loads(line)
    assert list(row)[:10] == KEYS.split()
    assert (row["task"], row["predictor"], row["sampler"], row["samples"]) == ("X1", "one_hot_ridge", "params", 12)
    assert 0 < row["spearman"] <= 1


def test_nasflat_tasks_several_numbers_of_samples_give_a_row_each(cli: Cli, tmp_path: Path):
    options = ["--task", "X1", "--predictor", "flops", "--sampler", "random", "--seeds", "1", "--samples", "5,12"]
    outcome = cli("bench", "nasflat-tasks", *options, "--data", str(tmp_path), "--json")
    assert [json.loads(line)["samples"] for line in outcome.out.splitlines()] == [5, 12]


@pytest.mark.parametrize("samples", ["4", "twenty", "20,"])
def test_nasflat_tasks_samples_that_no_predictor_can_use_are_refused(cli: Cli, tmp_path: Path, samples: str):
    outcome = cli("bench", "nasflat-tasks", "--samples", samples, "--data", str(tmp_path))
    assert outcome.code == 2
    assert "--samples" in outcome.err


def test_nasflat_tasks_unknown_predictor_says_what_there_is(cli: Cli, tmp_path: Path):
    outcome = cli("bench", "nasflat-tasks", "--predictor", "oracle", "--data", str(tmp_path))
    assert outcome.code == 2
    assert "oracle" in outcome.err
    assert "cost_linear" in outcome.err


def test_flan_of_a_space_without_accuracies_says_which_has_some(cli: Cli, tmp_path: Path):
    outcome = cli("bench", "flan", "--space", "fbnet", "--data", str(tmp_path))
    assert outcome.code == 1
    assert "nb201" in outcome.err

"""FLAN's protocol on a made-up accuracy of few cells."""

import json

import numpy as np
import pytest

from predictors.graph import FlanSettings, TrainingSettings
from predictors.graph.accuracy import fit_flan
from predictors.metrics import kendall
from predictors.samplers.base import standardised
from service.benchmarks.accuracy_contestants import CONTESTANTS, run_size
from service.benchmarks.accuracy_splits import AccuracyBench, Split, read_splits
from service.benchmarks.shared_proxies import SharedProxies
from service.cli import bench as command
from spaces import get_space


@pytest.fixture(scope="module")
def bench() -> AccuracyBench:
    space = get_space("nb201")
    architectures = space.sample(300, rng=np.random.default_rng(0))
    accuracy = 60 + (np.array([0, 2, 3, 5, 1])[space.decisions(architectures)]).sum(axis=1).astype(float)
    proxies = np.random.default_rng(1).standard_normal((len(architectures), 13)) + accuracy[:, None]
    return AccuracyBench(space, architectures, accuracy, SharedProxies(dict(zip(architectures, proxies, strict=True))))


def test_run_size_scores_the_test_rows(bench):
    splits = [Split(np.arange(seed, 40 + seed), np.arange(100, 300)) for seed in range(2)]
    row = run_size(bench, "one_hot_ridge", 40, splits)
    assert row["kendall"] > 0.9
    assert row["kendall"] > run_size(bench, "flops", 40, splits)["kendall"]
    assert (row["train"], row["splits"]) == (40, 2)


@pytest.mark.parametrize("is_supplied", [False, True])
def test_fit_flan_ranks_what_it_was_not_trained_on(bench, is_supplied):
    settings = FlanSettings(layers=1, timesteps=1, width=32, node_width=16, head_width=32)
    extra = standardised(bench.encoded("cost")) if is_supplied else None
    own = None if extra is None else extra[:60]
    training = TrainingSettings(epochs=15, batch=16, learning_rate=5e-3)
    ranker = fit_flan(bench.space, bench.architectures[:60], bench.accuracy[:60], own, settings, training)
    scores = ranker.score(bench.architectures, extra)
    assert kendall(scores[60:], bench.accuracy[60:]) > 0.4


def test_read_splits_takes_those_of_the_size(tmp_path):
    path = tmp_path / "splits.json"
    path.write_text(json.dumps({"8": {"0": {"train": [1, 2], "test": [3]}, "1": {"train": [4, 5], "test": [6]}}}))
    assert [split.train.tolist() for split in read_splits(path, 8, 2)] == [[1, 2], [4, 5]]
    with pytest.raises(ValueError, match="none of 9"):
        read_splits(path, 9, 1)


def test_random_splits_train_and_test_are_apart(bench):
    for split in bench.random_splits(40, 2):
        assert len(split.train) == 40
        assert not set(split.train) & set(split.test)


def test_test_cells_isomorphic_to_a_training_cell_are_found(bench):
    # A 3x3 and then a 1x1 convolution by way of node 2, the second a notation of the first; and another cell.
    cells = [bench.space.parse(row) for row in ([3, 0, 1, 0, 0, 2], [1, 0, 3, 0, 0, 2], [3] * 6)]
    small = AccuracyBench(bench.space, cells, np.arange(3.0), bench.zcp)
    assert small.is_apart(Split(np.array([0]), np.array([1, 2]))).tolist() == [False, True]


@pytest.mark.parametrize("name", ["accuracy_ensemble", "ensemble_without_both", "expected_untrained", "proxy_nwot"])
def test_contestants_that_train_no_network_order_the_test_rows(bench, name):
    row = run_size(bench, name, 40, [Split(np.arange(40), np.arange(40, 300))])
    assert row["kendall"] > 0.2
    assert abs(row["kendall_apart"] - row["kendall"]) < 0.2


def test_command_offers_every_contestant():
    assert set(command._ACCURACY_PREDICTORS) == set(CONTESTANTS)

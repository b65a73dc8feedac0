"""The accuracy networks that come with the package."""

from pathlib import Path

import numpy as np
import pytest

from device_db.importers import accuracy as accuracy_tables
from predictors.errors import NotPretrainedError
from predictors.graph.pretrained_accuracy import TransferScores, load_pretrained_accuracy, pretrained_datasets
from predictors.metrics import coverage, kendall
from spaces import Architecture, get_space

NB201 = get_space("nb201")
DATASETS = ("cifar10", "cifar100", "imagenet16-120")


def test_pretrained_accuracy_knows_a_good_cell_from_a_dead_one_on_every_data_set():
    assert set(pretrained_datasets(NB201)) == set(DATASETS)
    cells = [NB201.parse(row) for row in ([3] * 6, [1, 0, 0, 1, 0, 0], [0] * 6)]
    for dataset in DATASETS:
        estimate = load_pretrained_accuracy(NB201, dataset).predict(cells)
        assert (np.diff(estimate.score) < 0).all()
        assert (np.diff(estimate.mean) < 0).all()
        lower, upper = estimate.interval(0.9)
        assert (lower <= upper).all()
        assert estimate.mean[2] < estimate.mean[0] / 2


def test_pretrained_accuracy_of_a_batch_equals_its_singles_and_of_none_is_empty():
    predictor = load_pretrained_accuracy(NB201, "cifar100")
    cells = NB201.sample(6, rng=np.random.default_rng(0))
    singles = np.array([predictor.predict([cell]).mean[0] for cell in cells])
    np.testing.assert_allclose(predictor.predict(cells).mean, singles, rtol=1e-4)
    assert predictor.predict([]).mean.shape == (0,)


@pytest.mark.parametrize(("space", "dataset"), [("nb201", "svhn"), ("fbnet", "cifar10")])
def test_pretrained_accuracy_of_what_there_is_not_is_refused(space, dataset):
    with pytest.raises(NotPretrainedError, match=dataset) as caught:
        load_pretrained_accuracy(get_space(space), dataset)
    assert caught.value.known == pretrained_datasets(get_space(space))


@pytest.mark.data
def test_pretrained_accuracy_agrees_with_the_table(data_dir: Path):
    table = accuracy_tables.read(data_dir / "accuracy", lambda _, notation: NB201.parse(notation).key)
    cells = [Architecture("nb201", key) for key in table.orders["nb201"][:400]]
    for part in table.accuracies:
        truth = np.array([part.values[cell.key] for cell in cells])
        estimate = load_pretrained_accuracy(NB201, part.dataset).predict(cells)
        assert kendall(estimate.score, truth) > 0.8
        assert coverage(*estimate.interval(0.9), truth) > 0.8


@pytest.mark.data
def test_pretrained_accuracy_intervals_hold_among_the_best_as_well(data_dir: Path):
    table = accuracy_tables.read(data_dir / "accuracy", lambda _, notation: NB201.parse(notation).key)
    cells = [Architecture("nb201", key) for key in table.orders["nb201"][::6]]
    for part in table.accuracies:
        truth = np.array([part.values[cell.key] for cell in cells])
        estimate = load_pretrained_accuracy(NB201, part.dataset).predict(cells)
        best = np.argsort(-estimate.score)[: len(cells) // 10]
        lower, upper = estimate.interval(0.9)
        assert coverage(lower[best], upper[best], truth[best]) > 0.82, part.dataset


def test_transfer_scores_cover_spaces_of_the_same_operations():
    encoder = TransferScores()
    assert encoder.covers(NB201)
    assert not encoder.covers(get_space("fbnet"))
    cells = [NB201.parse([0] * 6), NB201.parse([3] * 6)]
    scores = encoder.encode(NB201, cells)
    assert scores.shape == (2, len(encoder.feature_names(NB201)))
    assert (scores[1] > scores[0]).mean() > 0.8

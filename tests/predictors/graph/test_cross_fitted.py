"""A network that goes on training fold by fold, on a made-up accuracy: live 3x3 convolutions."""

from dataclasses import replace

import numpy as np
import pytest

from predictors.accuracy import MIN_TO_TRAIN, fit_accuracy
from predictors.graph import cross_fitted
from predictors.graph.cross_fitted import fit_cross_fitted
from predictors.graph.pretrained_accuracy import load_transfer_network
from predictors.metrics import kendall
from spaces import get_space
from spaces.base import class_of

SPACE = get_space("nb201")
CELLS = SPACE.sample(120, rng=np.random.default_rng(4))
KNOWN = CELLS[:24]


def accuracy_of(cells):
    convolution = SPACE.op_names.index("nor_conv_3x3")
    graphs = [SPACE.graph(cell) for cell in cells]
    return np.array([70.0 + 4 * ((graph.ops == convolution) & graph.mask).sum() for graph in graphs])


@pytest.fixture(scope="module", autouse=True)
def _brief():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cross_fitted, "_TRAINING", replace(cross_fitted._TRAINING, epochs=6))
        yield


@pytest.fixture(scope="module")
def fitted():
    return fit_cross_fitted(SPACE, KNOWN, accuracy_of(KNOWN), load_transfer_network())


def test_left_out_scores_come_from_networks_that_have_not_seen_the_accuracy(fitted):
    changed = accuracy_of(KNOWN)
    changed[0] = 60.0  # below all others
    again = fit_cross_fitted(SPACE, KNOWN, changed, load_transfer_network())
    assert again.left_out[0] == pytest.approx(fitted.left_out[0], abs=1e-6)
    assert np.abs(again.left_out - fitted.left_out).max() > 1e-3


def test_scores_of_unknown_cells_are_the_mean_of_the_folds_and_rank_them(fitted):
    asked = CELLS[24:]
    scores = fitted.score(asked)
    np.testing.assert_allclose(scores, np.mean([ranker.score(asked) for ranker in fitted.rankers], axis=0), atol=1e-5)
    assert kendall(scores, accuracy_of(asked)) > 0.5


def test_fit_accuracy_goes_on_training_from_enough_accuracies_on():
    predictors = [
        fit_accuracy(SPACE, CELLS[:n], accuracy_of(CELLS[:n]), reference=CELLS) for n in (MIN_TO_TRAIN - 1, 24)
    ]
    assert [len(predictor.process.components) for predictor in predictors] == [4, 5]
    assert kendall(predictors[1].predict(CELLS[24:]).score, accuracy_of(CELLS[24:])) > 0.5


def test_notations_of_one_network_share_a_fold():
    twins = [SPACE.parse(row) for row in ([3, 0, 1, 0, 0, 2], [1, 0, 3, 0, 0, 2])]
    assert class_of(SPACE, twins[0]) == class_of(SPACE, twins[1])
    for start in range(0, 80, 20):
        folds = cross_fitted._folds(SPACE, [twins[0], *CELLS[start : start + 20], twins[1]])
        assert folds[0] == folds[-1]
        assert set(folds) == set(range(cross_fitted._FOLDS))


def test_folds_of_a_single_network_go_by_row():
    assert set(cross_fitted._folds(SPACE, [CELLS[0]] * 8)) == set(range(cross_fitted._FOLDS))


def test_training_ends_where_what_is_told_of_it_raises():
    told = []

    def stop(done: int, total: int) -> None:
        told.append((done, total))
        if done == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fit_accuracy(SPACE, KNOWN, accuracy_of(KNOWN), on_progress=stop)
    assert max(done for done, _ in told) == 2

"""Predictors of accuracies that searches in several threads ask for at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import numpy as np
import pytest

from service import accuracy_source
from service.interruptible import StoppedWaitingError, interruptible
from spaces import get_space

SPACE = get_space("nb201")


def test_fit_of_one_table_in_two_threads_is_made_once(monkeypatch):
    cells = SPACE.sample(30, rng=np.random.default_rng(0))
    keys, values = [cell.key for cell in cells], np.linspace(60, 94, 30)
    monkeypatch.setattr(accuracy_source.pretrained, "has_torch", lambda: False)
    calls, fit_accuracy, barrier = [], accuracy_source.fit_accuracy, Barrier(2)

    def counted(*arguments, **options):
        calls.append(arguments)
        return fit_accuracy(*arguments, **options)

    def asked(_):
        barrier.wait()
        return accuracy_source._fitted(SPACE, keys, values)

    monkeypatch.setattr(accuracy_source, "fit_accuracy", counted)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(asked, range(2)))
    accuracy_source._fit.cache_clear()
    assert len(calls) == 1
    assert found[0] is found[1]


def test_fit_that_nobody_waits_for_ends_and_is_made_when_it_is_wanted_again(monkeypatch):
    cells = SPACE.sample(30, rng=np.random.default_rng(1))
    keys, values = [cell.key for cell in cells], np.linspace(60, 94, 30)
    monkeypatch.setattr(accuracy_source.pretrained, "has_torch", lambda: False)
    fit_accuracy, is_training, ended, epochs = accuracy_source.fit_accuracy, Event(), Event(), []

    def trained(*arguments, on_progress):
        if not is_training.is_set():
            is_training.set()
            try:
                while True:
                    on_progress(len(epochs), 1_000)
                    epochs.append(len(epochs))
                    ended.wait(0.005)
            finally:
                ended.set()
        return fit_accuracy(*arguments)

    monkeypatch.setattr(accuracy_source, "fit_accuracy", trained)
    with pytest.raises(StoppedWaitingError):
        interruptible(lambda: accuracy_source._fitted(SPACE, keys, values), is_training.is_set)
    assert ended.wait(10)
    assert accuracy_source._fitted(SPACE, keys, values).means(cells).shape == (30,)
    accuracy_source._fit.cache_clear()

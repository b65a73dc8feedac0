"""Predictors of accuracies that searches in several threads ask for at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np

from service import accuracy_source
from spaces import get_space

SPACE = get_space("nb201")


def test_fit_of_one_table_in_two_threads_is_made_once(monkeypatch):
    cells = SPACE.sample(30, rng=np.random.default_rng(0))
    keys, values = [cell.key for cell in cells], np.linspace(60, 94, 30)
    monkeypatch.setattr(accuracy_source.pretrained, "has_torch", lambda: False)
    calls, fit_accuracy, barrier = [], accuracy_source.fit_accuracy, Barrier(2)

    def counted(*arguments):
        calls.append(arguments)
        return fit_accuracy(*arguments)

    def asked(_):
        barrier.wait()
        return accuracy_source._fitted(SPACE, keys, values)

    monkeypatch.setattr(accuracy_source, "fit_accuracy", counted)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(asked, range(2)))
    accuracy_source._fit.cache_clear()
    assert len(calls) == 1
    assert found[0] is found[1]

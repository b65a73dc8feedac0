"""Random search: uniform architectures, the baseline that every other algorithm has to beat."""

from __future__ import annotations

import numpy as np

from search.evaluation import Evaluation
from search.exhaustive import exhaustive
from spaces.base import is_enumerable

DEFAULT_EVALUATIONS = 5_000
_BATCH = 1_024


def random_sampling(evaluation: Evaluation, *, rng: np.random.Generator) -> None:
    """Evaluates uniform architectures without repetition, 5,000 unless the budget says otherwise."""
    evaluation.bound(DEFAULT_EVALUATIONS)
    if is_enumerable(evaluation.space):
        # Drawing until a small space is used up would repeat itself; a random order of the whole of it does not.
        exhaustive(evaluation, rng=rng)
        return
    evaluation.evaluate(evaluation.initial)
    while not evaluation.is_finished:
        evaluation.evaluate(evaluation.space.sample(min(_BATCH, evaluation.remaining), rng=rng))

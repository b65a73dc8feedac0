"""Exhaustive search: every architecture is evaluated, which gives the exact front."""

from __future__ import annotations

import numpy as np

from search.evaluation import Evaluation
from spaces.base import is_enumerable
from spaces.errors import NotEnumerableError


def exhaustive(evaluation: Evaluation, *, rng: np.random.Generator) -> None:
    """Evaluates the whole space in random order, so that what a smaller budget leaves is a uniform sample of it.

    Raises:
        NotEnumerableError: the space is too large to be listed.
    """
    space = evaluation.space
    if not is_enumerable(space):
        raise NotEnumerableError(space.name, space.size)
    architectures = list(space.enumerate())
    order = rng.permutation(len(architectures))
    evaluation.evaluate([*evaluation.initial, *(architectures[index] for index in order)])

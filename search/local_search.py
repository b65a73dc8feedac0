"""Pareto local search: the neighbours of what is best so far, until no neighbour is better, then from elsewhere.

Source: Paquete, Chiarandini and Stützle 2004, "Pareto local optimum sets in the biobjective traveling salesman
problem". White, Nolen and Savani 2021, arXiv 2005.02960, found such a search hard to beat on NAS benchmarks. Different
here: neighbourhoods are seen in pieces, in turns, of whatever is best by then, so that an early end has a front worth
having; and when all is explored the search goes on from a uniform architecture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from search.evaluation import Evaluation
from search.genetic import DEFAULT_EVALUATIONS
from search.selection import best_rows
from spaces.base import Architecture, FloatArray, SearchSpace

_STARTS: Final = 10
_PIECE: Final = 16
_MAX_DRAWS: Final = 100


def local_search(evaluation: Evaluation, *, rng: np.random.Generator) -> None:
    """Explores neighbourhoods, 5,000 evaluations unless the budget says otherwise."""
    evaluation.bound(DEFAULT_EVALUATIONS)
    best = _Best(evaluation)
    starts = min(_STARTS, evaluation.space.size)
    best.add(evaluation.initial or evaluation.space.sample(starts, rng=rng))
    ahead: dict[Architecture, list[Architecture]] = {}  # of each architecture the neighbours not seen yet
    while not evaluation.is_finished:
        open_ones = [each for each in best.architectures if each not in ahead or ahead[each]]
        if not open_ones:
            fresh = _unseen(evaluation, rng)
            if fresh is None:
                return
            best.add([fresh])
            open_ones = [fresh]  # from here on, whether or not it is among the best
        chosen = open_ones[int(rng.integers(len(open_ones)))]
        if chosen not in ahead:
            around = neighbours(evaluation.space, chosen)
            ahead[chosen] = [around[index] for index in rng.permutation(len(around))]
        best.add(ahead[chosen][:_PIECE])
        ahead[chosen] = ahead[chosen][_PIECE:]


def neighbours(space: SearchSpace, architecture: Architecture) -> list[Architecture]:
    """Every architecture that one changed decision leads to, repaired where it must be; each once."""
    row = space.decisions([architecture])[0]
    changes = [
        (position, choice)
        for position, names in enumerate(space.choices)
        for choice in range(len(names))
        if choice != row[position]
    ]
    rows = np.repeat(row[None], len(changes), axis=0)
    if changes:
        positions, choices = np.array(changes).T
        rows[np.arange(len(changes)), positions] = choices
    found = dict.fromkeys(space.from_decisions(space.repair(rows)))
    found.pop(architecture, None)
    return list(found)


class _Best:
    """The best architectures of all that were added, in the order in which they came."""

    def __init__(self, evaluation: Evaluation):
        self.architectures: list[Architecture] = []
        self._values: FloatArray = np.empty((0, len(evaluation.problem.metric_names)))
        self._evaluation = evaluation

    def add(self, architectures: Sequence[Architecture]) -> None:
        known = set(self.architectures)
        new = [each for each in architectures if each not in known]
        values = self._evaluation.evaluate(new)
        merged = [*self.architectures, *new[: len(values)]]
        merged_values = np.concatenate([self._values, values])
        if merged:
            kept = best_rows(self._evaluation.problem, merged_values)
            self.architectures = [each for each, is_kept in zip(merged, kept, strict=True) if is_kept]
            self._values = merged_values[kept]


def _unseen(evaluation: Evaluation, rng: np.random.Generator) -> Architecture | None:
    for _ in range(_MAX_DRAWS):
        (drawn,) = evaluation.space.sample(1, rng=rng)
        if drawn not in evaluation:
            return drawn
    return None

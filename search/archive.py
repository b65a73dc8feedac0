"""The archive: the best of what a run has evaluated, kept up to date batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress

import numpy as np

from search.pareto import non_dominated
from search.problem import Constraint, Problem
from search.result import Candidate
from search.thinning import least_crowded
from spaces.base import Architecture, FloatArray, IntArray, has_classes


class Archive:
    """Front, best reachable values and failures over everything added.

    Attributes:
        failed: architectures with a metric that is NaN or infinite; they are counted and otherwise ignored.
        best_reachable: for each constrained metric the value that serves its constraint best.
        best_beside_others: the same over what meets all other constraints; without a metric for which there is nothing.
        nearest: while nothing feasible was added, the architecture that violates the constraints least.
    """

    def __init__(self, problem: Problem):
        self.failed = 0
        self.best_reachable: dict[str, float] = {}
        self.best_beside_others: dict[str, float] = {}
        self.nearest: Candidate | None = None
        self._problem = problem
        self._architectures: list[Architecture] = []
        self._values: FloatArray = np.empty((0, len(problem.metric_names)))
        self._least_violation = np.inf
        self._classes: dict[Architecture, str] = {}

    def add(self, architectures: Sequence[Architecture], values: FloatArray) -> None:
        """Takes in a batch of architectures that were not added before, with their (n, metrics) values."""
        finite = self._problem.is_finite(values)
        self.failed += int((~finite).sum())
        if not finite.any():
            return
        self._note_best_reachable(values[finite])
        feasible = finite & self._problem.is_feasible(values)
        if feasible.any():
            self._merge(compress(architectures, feasible), values[feasible])
        elif not self._architectures:
            self._note_nearest(list(compress(architectures, finite)), values[finite])

    @property
    def front_size(self) -> int:
        """Number of non-dominated feasible architectures, isomorphic ones counted once."""
        return len(self._distinct())

    def front(self, largest: int | None = None) -> tuple[Candidate, ...]:
        """Non-dominated feasible architectures: best first in the first objective, then the next, then by key.

        Of isomorphic ones, which differ by noise or by operations that do nothing, only the first of this order.

        Args: largest: of more than these, the least crowded.
        """
        distinct = self._distinct()
        costs = self._problem.costs(self._values)[distinct]
        rows = distinct[least_crowded(costs, largest or len(costs))]
        return tuple(self._candidate(self._architectures[row], self._values[row]) for row in self._in_order(rows))

    def _in_order(self, rows: IntArray) -> list[int]:
        costs = self._problem.costs(self._values)
        return sorted(rows.tolist(), key=lambda row: (*costs[row].tolist(), self._architectures[row]))

    def _distinct(self) -> IntArray:
        """Rows of the front without those that are isomorphic to one before them."""
        rows = np.arange(len(self._architectures))
        space = self._problem.space
        if not has_classes(space):
            return rows
        first: dict[str, int] = {}
        for row in self._in_order(rows):
            architecture = self._architectures[row]
            if architecture not in self._classes:
                self._classes[architecture] = space.isomorphism_class(architecture)
            first.setdefault(self._classes[architecture], row)
        return np.array(sorted(first.values()), dtype=np.int64)

    def _merge(self, architectures: Iterable[Architecture], values: FloatArray) -> None:
        # Most of a large batch is dominated within the batch: two small sorts instead of a large one.
        first = non_dominated(self._problem.costs(values))
        merged = [*self._architectures, *compress(architectures, first)]
        merged_values = np.concatenate([self._values, values[first]])
        kept = non_dominated(self._problem.costs(merged_values))
        self._architectures = list(compress(merged, kept))
        self._values = merged_values[kept]
        self.nearest = None

    def _note_best_reachable(self, values: FloatArray) -> None:
        constraints = self._problem.constraints
        columns = [self._problem.column(values, constraint.objective) for constraint in constraints]
        is_met = np.array([each.is_met(column) for each, column in zip(constraints, columns, strict=True)])
        for row, (constraint, column) in enumerate(zip(constraints, columns, strict=True)):
            _note_closest(self.best_reachable, constraint, column)
            _note_closest(self.best_beside_others, constraint, column[np.delete(is_met, row, axis=0).all(axis=0)])

    def _note_nearest(self, architectures: Sequence[Architecture], values: FloatArray) -> None:
        violation = self._problem.violation(values)
        row = int(violation.argmin())
        if violation[row] < self._least_violation:
            self._least_violation = float(violation[row])
            self.nearest = self._candidate(architectures[row], values[row])

    def _candidate(self, architecture: Architecture, row: FloatArray) -> Candidate:
        return Candidate(architecture, dict(zip(self._problem.metric_names, row.tolist(), strict=True)))


def _note_closest(best: dict[str, float], constraint: Constraint, values: FloatArray) -> None:
    if len(values):
        name, reached = constraint.objective, constraint.closest(values)
        best[name] = constraint.closest(np.array([best.get(name, reached), reached]))

"""The evaluation: where every algorithm has its architectures evaluated, in batches, once each, within the budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import takewhile

import numpy as np

from search.archive import Archive
from search.checkpoint import Checkpoint
from search.errors import InvalidCheckpointError
from search.problem import Problem
from search.result import Budget, Progress, SearchResult, StopReason
from spaces.base import Architecture, FloatArray, SearchSpace

OnProgress = Callable[[Progress], bool]

# The first batch measures the speed; later ones are as large as this time allows, so that a cancelled run ends soon.
_FIRST_BATCH = 32
_LARGEST_BATCH = 4096
_BATCH_SECONDS = 0.25


class Evaluation:
    """One run's access to the objectives; not thread-safe.

    Contract with an algorithm: evaluate architectures through `evaluate` only, and return as soon as `is_finished`
    holds. The budget, the archive of the best and the caller's wish to stop are then seen to here.

    Attributes:
        evaluations: distinct architectures evaluated so far.
        initial: distinct architectures to start from, such as an earlier front; an algorithm evaluates them first.
        population: what the algorithm would start from if it had to go on in another process; it keeps this up to date.
    """

    def __init__(
        self,
        problem: Problem,
        budget: Budget,
        on_progress: OnProgress | None = None,
        cap: Budget | None = None,
        largest_front: int | None = None,
        initial: Sequence[Architecture] = (),
        checkpoint: Checkpoint | None = None,
    ):
        self.problem = problem
        self.evaluations = 0
        self.initial = tuple(dict.fromkeys(initial))
        self.population: Sequence[Architecture] = self.initial
        self._budget = budget
        self._on_progress = on_progress
        self._largest_front = largest_front
        self._archive = Archive(problem)
        self._values: dict[Architecture, FloatArray] = {}
        limits = budget.within(cap or Budget())
        self._limit = min(problem.space.size, limits.evaluations or problem.space.size)
        self._seconds = limits.seconds
        self._batch = _FIRST_BATCH
        self._start = time.monotonic()
        self._stopped_by: StopReason | None = None
        if checkpoint is not None:
            self._restore(checkpoint)

    @property
    def space(self) -> SearchSpace:
        """The space of the problem."""
        return self.problem.space

    @property
    def limit(self) -> int:
        """Evaluations that the budget and the space allow from the start of the run."""
        return self._limit

    @property
    def remaining(self) -> int:
        """Evaluations that the budget and the space still allow."""
        return self._limit - self.evaluations

    @property
    def is_finished(self) -> bool:
        """Whether the run is over: budget used up, whole space seen, or cancelled."""
        return self._stopped_by is not None

    @property
    def seconds(self) -> float:
        """Wall time since the start of the run."""
        return time.monotonic() - self._start

    @property
    def seconds_left(self) -> float | None:
        """Wall time that the budget still allows, positive; None where it does not limit it."""
        return None if self._seconds is None else max(self._seconds - self.seconds, 1e-3)

    def known(self) -> tuple[list[Architecture], FloatArray]:
        """Everything evaluated so far, in that order, and its (n, metrics) values."""
        values = np.array(list(self._values.values())).reshape(len(self._values), len(self.problem.metric_names))
        return list(self._values), values

    def best(self) -> list[Architecture]:
        """The front so far, as the result would have it."""
        return [candidate.architecture for candidate in self._archive.front(self._largest_front)]

    def bound(self, evaluations: int) -> None:
        """Sets a number of evaluations where the caller's budget has no limit at all."""
        if self._budget.is_unlimited:
            self._limit = min(self._limit, evaluations)

    def __contains__(self, architecture: Architecture) -> bool:
        """Whether the architecture has been evaluated in this run."""
        return architecture in self._values

    def evaluate(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Values of the architectures; what was evaluated before is remembered and costs nothing.

        Returns:
            (k, metrics) values of the first k architectures; k < n only if the run finished before the rest.

        Raises:
            ObjectiveShapeError: an objective returned the wrong shape. What an objective raises passes through.
        """
        new = [architecture for architecture in dict.fromkeys(architectures) if architecture not in self]
        new = new[: self.remaining]
        done = 0
        while done < len(new) and not self.is_finished:
            batch = new[done : done + self._batch]
            self._evaluate_batch(batch)
            done += len(batch)
        rows = [self._values[architecture] for architecture in takewhile(self.__contains__, architectures)]
        return np.array(rows).reshape(len(rows), len(self.problem.metric_names))

    def result(self, algorithm: str) -> SearchResult:
        """Outcome of the run as it stands."""
        return SearchResult(
            front=self._archive.front(self._largest_front),
            front_size=self._archive.front_size,
            evaluations=self.evaluations,
            failed=self._archive.failed,
            seconds=self.seconds,
            algorithm=algorithm,
            stopped_by=self._stopped_by or "stalled",
            complete=self.evaluations == self.space.size,
            best_reachable=dict(self._archive.best_reachable),
            nearest=self._archive.nearest,
        )

    def _evaluate_batch(self, batch: Sequence[Architecture]) -> None:
        start = time.monotonic()
        values = self.problem.evaluate(batch)
        self.evaluations += len(batch)
        self._values.update(zip(batch, values, strict=True))
        self._archive.add(batch, values)
        self._adapt_batch(len(batch) / max(time.monotonic() - start, 1e-6))
        self._stopped_by = self._stop_reason(self._is_cancelled())

    def _adapt_batch(self, architectures_per_second: float) -> None:
        seconds = _BATCH_SECONDS
        if self._seconds is not None:
            seconds = min(seconds, max(0.0, self._seconds - self.seconds))
        self._batch = int(np.clip(architectures_per_second * seconds, 1, _LARGEST_BATCH))

    def _is_cancelled(self) -> bool:
        if self._on_progress is None:
            return False
        front = self._archive.front(self._largest_front)
        progress = Progress(
            self.evaluations, self._limit, self.seconds, front, self._archive.failed, checkpoint=self._checkpoint
        )
        return self._on_progress(progress)

    def _checkpoint(self) -> Checkpoint:
        known, values = self.known()
        return Checkpoint(
            space=self.space.name,
            metrics=self.problem.metric_names,
            keys=tuple(architecture.key for architecture in known),
            values=values,
            population=tuple(architecture.key for architecture in self.population),
            seconds=self.seconds,
        )

    def _restore(self, checkpoint: Checkpoint) -> None:
        problem = (self.space.name, self.problem.metric_names)
        if (checkpoint.space, checkpoint.metrics) != problem:
            raise InvalidCheckpointError(f"it is of {checkpoint.space} with {checkpoint.metrics}, this is {problem}")
        known = [Architecture(checkpoint.space, key) for key in checkpoint.keys]
        self._values = dict(zip(known, checkpoint.values, strict=True))
        self._archive.add(known, checkpoint.values)
        self.evaluations = len(known)
        self._start -= checkpoint.seconds
        self.initial = tuple(Architecture(checkpoint.space, key) for key in checkpoint.population) or self.initial
        self.population = self.initial
        self._stopped_by = self._stop_reason(is_cancelled=False)

    def _stop_reason(self, is_cancelled: bool) -> StopReason | None:
        if self.evaluations == self.space.size:
            return "space"
        if is_cancelled:
            return "cancelled"
        if self.remaining <= 0:
            return "evaluations"
        if self._seconds is not None and self.seconds >= self._seconds:
            return "seconds"
        return None
